package explore

import (
	"math"
	"time"

	"numasched/sched"
)

// timerPrograms are about Gs that wait for a time, and who wakes them.
var timerPrograms = []Program{
	{Name: "sleep", Doc: "the Gs sleep, some for the same time, and no deadlock is reported meanwhile", Main: func(t *T, g *sched.G) {
		for i := 1; i < t.Gs(); i++ {
			g.Go(t.G(i, func(g *sched.G) { sleep(t, g, time.Duration(10+i%2)) }))
		}
		sleep(t, g, 10)
		sleep(t, g, 1)
	}},
	{Name: "oversleep", MinCPUs: 2, MinGs: 2, Sysmon: true, Doc: "G 1 sleeps on the P that G 0 then keeps: another M must wake it, of the same node, or of another that sysmon asks", Main: func(t *T, g *sched.G) {
		var gr sched.Group
		gr.Go(g, t.G(1, func(g *sched.G) {
			sleep(t, g, 10)
			t.Store(0, 1)
		}))
		g.Yield()
		g.Sleep(5)
		t.BusyUntilSet(0)
		gr.Wait(g)
	}},
	{Name: "earlier", MinGs: 2, Doc: "while an M waits for a timer that is never due, Gs add others, which must be seen", Main: func(t *T, g *sched.G) {
		never := g.AfterFunc(math.MaxInt64, func(*sched.G) { t.Check(false, "the end of time has come") })
		soon := g.AfterFunc(12, nop)
		for i := 1; i < t.Gs(); i++ {
			g.Go(t.G(i, func(g *sched.G) { sleep(t, g, 10) }))
		}
		sleep(t, g, 5)
		soon.Stop(g)
		sleep(t, g, 20)
		t.Check(never.Stop(g), "a timer that was to come is said to be over")
	}},
	{Name: "alarm-in-call", MinCPUs: 2, MinGs: 2, Sysmon: true, Doc: "G 0 sets a timer and makes a system call that does not end before; G 1 sleeps, wakes on the other P as sysmon takes G 0's, and keeps it: another M must run the timer", Main: func(t *T, g *sched.G) {
		g.Go(t.G(1, func(g *sched.G) {
			g.Sleep(5)
			t.BusyUntilSet(0)
		}))
		g.Yield()
		g.AfterFunc(10, func(*sched.G) { t.Store(0, 1) })
		g.SyscallFor(1000*time.Hour, nil)
	}},
	{Name: "alarm", MinCPUs: 2, Sysmon: true, Doc: "G 0 sets a timer after the other Ms have gone to sleep, and keeps its P: another M must run the timer", Main: func(t *T, g *sched.G) {
		t.Spin()
		t.Spin()
		g.AfterFunc(10, func(*sched.G) { t.Store(0, 1) })
		t.BusyUntilSet(0)
	}},
	{Name: "later", MinCPUs: 2, Doc: "an M waits for a timer that is stopped, and another is added that is due after that one, but before the next", Main: func(t *T, g *sched.G) {
		never, soon := g.AfterFunc(math.MaxInt64, nop), g.AfterFunc(5, nop)
		t.Spin()
		soon.Stop(g)
		t.Spin()
		sleep(t, g, 20)
		never.Stop(g)
	}},
	{Name: "stop", MinGs: 2, Doc: "a timer comes to its time while G 0 stops it: either its G runs, or Stop says that it does not", Main: func(t *T, g *sched.G) {
		ran := channel(g, 1)
		timer := g.AfterFunc(5, func(g *sched.G) { ran.Send(g, 1) })
		g.Go(t.G(1, func(g *sched.G) { g.Sleep(5) }))
		g.Sleep(5)
		if timer.Stop(g) {
			g.Sleep(1)
			t.Check(ran.Len(g) == 0, "a timer that was stopped has run")
		} else {
			ran.Recv(g)
		}
	}},
	{Name: "limit", MinGs: 2, Doc: "G 1 waits for a value with a time limit, which G 0 stops when it is over: who is served must be who is said to be", Main: func(t *T, g *sched.G) {
		c := channel(g, 0)
		var gr sched.Group
		timer := g.NewTimer(5)
		gr.Go(g, t.G(1, func(g *sched.G) { g.Select(timer.C.RecvCase(nil, nil), c.RecvCase(nil, nil)) }))
		g.Sleep(5)
		if timer.Stop(g) {
			c.Send(g, 1) // for ever, if G 1 has received from the timer
		}
		gr.Wait(g)
		_, _, done := timer.C.TryRecv(g)
		t.Check(!done, "a timer that was stopped, or received from, has sent")
	}},
	{Name: "again-later", MinGs: 2, Doc: "G 1 receives from a timer that G 0 sets anew when it is due: it sends once for each time that it was not stopped", Main: func(t *T, g *sched.G) {
		var gr sched.Group
		timer := g.NewTimer(5)
		gr.Go(g, t.G(1, func(g *sched.G) { timer.C.Recv(g) }))
		g.Sleep(5)
		stopped := timer.Reset(g, 5)
		if !stopped {
			timer.C.Recv(g)
		}
		gr.Wait(g)
		t.Check(!timer.Stop(g), "the timer is yet to come")
	}},
	{Name: "tick", MinGs: 2, Doc: "two Gs share the ticks of a ticker, which is then stopped", Main: func(t *T, g *sched.G) {
		ticker := g.NewTicker(5)
		var gr sched.Group
		gr.Go(g, t.G(1, func(g *sched.G) { ticker.C.Recv(g) }))
		ticker.C.Recv(g)
		gr.Wait(g)
		ticker.Stop(g)
		_, _, done := ticker.C.TryRecv(g)
		t.Check(!done, "a ticker that was stopped has sent")
	}},
	{Name: "sleepers-close", Close: true, Doc: "Close comes while Gs sleep, and while timers are due", Main: func(t *T, g *sched.G) {
		for i := 1; i < t.Gs(); i++ {
			g.Go(t.G(i, func(g *sched.G) { g.Sleep(time.Duration(i) * 5) }))
		}
		g.AfterFunc(5, nop)
		g.AfterFunc(math.MaxInt64, nop)
		g.Sleep(1)
	}},
	{Name: "sleeper-deadlock", MinGs: 2, Close: true, Doc: "the last that sleeps wakes and waits for ever: Run must say so, and not before", Main: func(t *T, g *sched.G) {
		g.Go(t.G(1, func(g *sched.G) {
			g.Sleep(10)
			t.Store(0, 1)
			channel(g, 0).Recv(g)
		}))
		channel(g, 0).Recv(g)
	}, Want: func(t *T, err error) error {
		t.Check(t.Load(0) == 1, "a deadlock was reported while a G slept")
		return wantDeadlock(t, err)
	}},
}

// sleep has g sleep, and checks that it does so for long enough.
func sleep(t *T, g *sched.G, d time.Duration) {
	before := g.Nanotime()
	g.Sleep(d)
	t.Check(g.Nanotime() >= before+int64(d), "a sleep has ended before its time")
}
