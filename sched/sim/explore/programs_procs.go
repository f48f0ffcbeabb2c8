package explore

import (
	"time"

	"numasched/sched"
)

// procsPrograms are about Ps that come and go.
var procsPrograms = []Program{
	{Name: "fewer", MinCPUs: 2, MinGs: 2, Doc: "G 0 queues the others, which yield, has all Ps but one go, and waits for them", Main: func(t *T, g *sched.G) {
		ended := t.others(g, func(g *sched.G, _ int) { g.Yield() })
		t.setProcs(g, 1)
		ended(g)
	}},
	{Name: "more", MinCPUs: 2, MinGs: 2, Doc: "there is one P, G 0 queues the others and lets all Ps come: none may idle while Gs are queued", Main: func(t *T, g *sched.G) {
		t.setProcs(g, 1)
		n := min(t.Gs(), t.CPUs())
		for i := 1; i < n; i++ {
			g.Go(t.G(i, func(*sched.G) { t.BusyUntil(0, n) }))
		}
		t.setProcs(g, t.CPUs())
		t.BusyUntil(0, n)
	}},
	{Name: "fewer-and-more", MinCPUs: 2, MinGs: 2, Doc: "G 1 has all Ps but one go, and G 0 lets them come again, in any order", Main: func(t *T, g *sched.G) {
		var gr sched.Group
		gr.Go(g, t.G(1, func(g *sched.G) { t.setProcs(g, 1) }))
		t.setProcs(g, t.CPUs())
		gr.Wait(g)
	}},
	{Name: "one-more", MinCPUs: 3, MinGs: 3, Doc: "G 1 and G 2 keep their Ps, and one ends; G 0 has all Ps but one go, and lets one come again while the other G keeps a P that is to go", Main: func(t *T, g *sched.G) {
		var gr sched.Group
		for i := 1; i < 3; i++ {
			gr.GoAt(g, sched.Default, t.G(i, func(*sched.G) { t.BusyUntilSet(i) }))
		}
		t.BusyUntil(1, 3)
		t.Store(1, 1)
		t.Spin()
		t.Spin()
		t.setProcs(g, 1)
		t.setProcs(g, 2)
		t.Store(2, 1)
		gr.Wait(g)
	}},
	{Name: "fewer-sleepers", MinCPUs: 2, MinGs: 2, Doc: "the others sleep, on whatever P, and G 0 has all Ps but one go: all must wake", Main: func(t *T, g *sched.G) {
		ended := t.others(g, func(g *sched.G, i int) { sleep(t, g, time.Duration(10+i%2)) })
		g.Yield()
		t.setProcs(g, 1)
		ended(g)
	}},
	{Name: "fewer-in-call", MinCPUs: 2, MinGs: 2, Sysmon: true, Doc: "the others make system calls while all Ps but one go and come again", Main: func(t *T, g *sched.G) {
		ended := t.others(g, func(g *sched.G, _ int) { g.SyscallFor(10, nil) })
		t.setProcs(g, 1)
		g.Yield()
		t.setProcs(g, t.CPUs())
		ended(g)
	}},
	{Name: "fewer-locked", MinCPUs: 2, MinGs: 2, Doc: "G 1 has an M of its own, which lets all Ps but one go and then waits for G 0", Main: func(t *T, g *sched.G) {
		c := channel(g, 0)
		g.GoLocked(t.G(1, func(g *sched.G) {
			t.setProcs(g, 1)
			c.Send(g, 1)
		}))
		c.Recv(g)
	}},
	{Name: "fewer-deadlock", MinCPUs: 2, MinGs: 2, Close: true, Want: wantDeadlock, Doc: "G 0 has all Ps but one go, and waits for ever, as the others do: Run must say so", Main: func(t *T, g *sched.G) {
		c := channel(g, 0)
		for i := 1; i < t.Gs(); i++ {
			g.Go(t.G(i, func(g *sched.G) { c.Recv(g) }))
		}
		t.setProcs(g, 1)
		c.Recv(g)
	}},
	{Name: "fewer-close", MinCPUs: 2, MinGs: 2, Close: true, Doc: "Close comes while Ps come and go", Main: func(t *T, g *sched.G) {
		for i := 1; i < t.Gs(); i++ {
			g.Go(t.G(i, func(g *sched.G) { t.s.SetProcs(g, 1+i%t.CPUs()) }))
		}
		t.setProcs(g, 1)
	}},
	{Name: "idle-go", MinCPUs: 2, MinGs: 2, Doc: "G 0 has Ps go whose Ms are about to sleep, and then starts others", Main: func(t *T, g *sched.G) {
		g.Go(t.G(1, nop))
		g.Yield()
		t.setProcs(g, 1)
		for i := 2; i < t.Gs(); i++ {
			g.Go(t.G(i, nop))
		}
	}},
	{Name: "fewer-poll", MinCPUs: 2, MinGs: 2, Doc: "G 1 waits for a descriptor of the last node, whose Ps G 0 has go before it makes that ready", Main: func(t *T, g *sched.G) {
		t.pollWithoutPs(g, func(*sched.G) {}, func(*sched.G) {})
	}},
	{Name: "fewer-poll-late", MinCPUs: 2, MinGs: 2, Doc: "G 1 comes to wait for a descriptor of the last node when that has no Ps any more", Main: func(t *T, g *sched.G) {
		c := channel(g, 0)
		t.pollWithoutPs(g, func(g *sched.G) { c.Recv(g) }, func(g *sched.G) { c.Send(g, 1) })
	}},
}

// pollWithoutPs has G 1 open a descriptor, call before, and wait for the descriptor. G 0 has all
// Ps but one go when it is open, calls after, and makes it ready.
func (t *T) pollWithoutPs(g *sched.G, before, after func(*sched.G)) {
	var gr sched.Group
	var d *sched.PollDesc
	opened := channel(g, 0)
	gr.GoAt(g, sched.OnNode(t.Nodes()-1), t.G(1, func(g *sched.G) {
		d = open(t, g)
		opened.Send(g, 1)
		before(g)
		t.Check(await(t, g, d) == nil, "a wait has failed")
	}))
	opened.Recv(g)
	t.setProcs(g, 1)
	after(g)
	tell(t, d)
	gr.Wait(g)
}

// setProcs changes the number of Ps, which must be possible.
func (t *T) setProcs(g *sched.G, n int) {
	err := t.s.SetProcs(g, n)
	t.Check(err == nil, "SetProcs(%d): %v", n, err)
}
