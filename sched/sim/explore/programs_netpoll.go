package explore

import (
	"errors"
	"math"
	"os"
	"time"

	"numasched/sched"
)

// netpollPrograms are about Gs that wait for descriptors.
var netpollPrograms = []Program{
	{Name: "news", MinGs: 2, Doc: "G 0 waits for a descriptor that G 1 makes ready, and the others yield", Main: func(t *T, g *sched.G) {
		d := open(t, g)
		g.Go(t.G(1, func(g *sched.G) { tell(t, d) }))
		for i := 2; i < t.Gs(); i++ {
			g.Go(t.G(i, (*sched.G).Yield))
		}
		t.Check(await(t, g, d) == nil, "a wait has failed")
	}},
	{Name: "late-news", MinGs: 2, Doc: "what G 0 waits for comes when G 1 has slept: an M waits for both", Main: func(t *T, g *sched.G) {
		d := open(t, g)
		g.Go(t.G(1, func(g *sched.G) {
			g.Sleep(5)
			tell(t, d)
		}))
		t.Check(await(t, g, d) == nil, "a wait has failed")
	}},
	{Name: "opened-late", MinGs: 2, Doc: "an M waits for a timer that is never due when G 0 opens a descriptor, for which it then waits", Main: func(t *T, g *sched.G) {
		never := g.AfterFunc(math.MaxInt64, nop)
		t.Spin() // others may go to sleep
		d := open(t, g)
		g.Go(t.G(1, func(g *sched.G) { tell(t, d) }))
		t.Check(await(t, g, d) == nil, "a wait has failed")
		never.Stop(g)
	}},
	{Name: "unpolled", MinCPUs: 2, MinGs: 2, Sysmon: true, Doc: "what G 0 waits for has come, and G 1 keeps the P until G 0 has seen it: another M must look, of the same node, or sysmon", Main: func(t *T, g *sched.G) {
		d := open(t, g)
		g.Go(t.G(1, func(g *sched.G) {
			tell(t, d)
			t.BusyUntilSet(1)
		}))
		t.Check(await(t, g, d) == nil, "a wait has failed")
		t.Store(1, 1)
	}},
	{Name: "attended", MinCPUs: 3, MinGs: 2, Doc: "what G 0 waits for has come, and G 1 keeps the P until G 0 has seen it, if the node has another P: its M must look", Main: func(t *T, g *sched.G) {
		d, ps := open(t, g), 0
		for p := range t.CPUs() {
			if g.Sched().NodeOfP(p) == g.Node() {
				ps++
			}
		}
		g.Go(t.G(1, func(g *sched.G) {
			tell(t, d)
			if ps > 1 {
				t.BusyUntilSet(1)
			}
		}))
		t.Check(await(t, g, d) == nil, "a wait has failed")
		t.Store(1, 1)
	}},
	{Name: "deadline", MinGs: 2, Doc: "G 0 waits for a descriptor with a time limit, which is over when it becomes ready, and then without one", Main: func(t *T, g *sched.G) {
		d := open(t, g)
		d.SetDeadline(g, sched.PollRead, 5, false)
		g.Go(t.G(1, func(g *sched.G) {
			g.Sleep(5)
			tell(t, d)
		}))
		err := await(t, g, d)
		t.Check(err == nil || errors.Is(err, os.ErrDeadlineExceeded), "a wait has failed: %v", err)
		if err != nil {
			t.Check(g.Nanotime() >= 5, "a wait has ended before its time")
			d.SetDeadline(g, sched.PollRead, 0, true)
			t.Check(await(t, g, d) == nil, "a wait has failed")
		}
	}},
	{Name: "past", MinGs: 2, Doc: "G 0 waits for a descriptor that is never ready, until G 1 says that its time is over", Main: func(t *T, g *sched.G) {
		d := open(t, g)
		g.Go(t.G(1, func(g *sched.G) { d.SetDeadline(g, sched.PollRead, -1, false) }))
		t.Check(errors.Is(await(t, g, d), os.ErrDeadlineExceeded), "the time is not over")
	}},
	{Name: "evict", MinGs: 2, Doc: "G 1 closes a descriptor that G 0 waits for, and for which something comes when it is closed", Main: func(t *T, g *sched.G) {
		d := open(t, g)
		g.Go(t.G(1, func(g *sched.G) {
			d.Evict(g)
			t.News(d, sched.PollRead)
		}))
		t.Check(await(t, g, d) == sched.ErrPollClosed, "the descriptor is not closed")
	}},
	{Name: "polled-alarm", MinCPUs: 2, MinGs: 2, Sysmon: true, Doc: "an M waits for a descriptor of G 0 when G 1 sets a timer and keeps its P until that has run: that M must run it", Main: func(t *T, g *sched.G) {
		d := open(t, g)
		g.Go(t.G(1, func(g *sched.G) {
			t.Spin()
			g.AfterFunc(10, func(*sched.G) { t.Store(1, 1) })
			t.BusyUntilSet(1)
			tell(t, d)
		}))
		t.Check(await(t, g, d) == nil, "a wait has failed")
	}},
	{Name: "news-close", MinGs: 2, Close: true, Doc: "Close comes while Gs wait for descriptors that become ready", Main: func(t *T, g *sched.G) {
		d, e := open(t, g), open(t, g)
		for i := 1; i < t.Gs(); i++ {
			g.Go(t.G(i, func(g *sched.G) {
				switch i {
				case 1:
					await(t, g, d)
				case 2:
					e.Wait(g, sched.PollWrite)
				}
			}))
		}
		g.Sleep(time.Nanosecond)
		tell(t, d)
	}},
}

// open returns a descriptor.
func open(t *T, g *sched.G) *sched.PollDesc {
	d, err := g.OpenPoll()
	t.Check(d != nil && err == nil, "OpenPoll: %v", err)
	return d
}

// tell makes the descriptor ready that await waits for.
func tell(t *T, d *sched.PollDesc) {
	t.Store(0, 1)
	t.News(d, sched.PollRead)
}

// await waits as a Read does until tell was called: a try before every wait.
func await(t *T, g *sched.G, d *sched.PollDesc) error {
	for {
		if err := d.Prepare(g, sched.PollRead); err != nil {
			return err
		}
		if t.Load(0) != 0 {
			return nil
		}
		if err := d.Wait(g, sched.PollRead); err != nil {
			return err
		}
	}
}
