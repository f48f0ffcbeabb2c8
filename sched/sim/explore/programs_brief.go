package explore

import (
	"time"

	"numasched/sched"
)

// briefPrograms are about an M that leaves its poller with one G, believes that it is back there
// soon, and is not replaced. Something comes from outside three times, so that some M has learnt
// that it is back soon.
//
// What must hold beside that is checked of every program: see CheckAttended in package inspect.
// These programs also say how late a G may be.
var briefPrograms = []Program{
	{Name: "brief-alarm", MinCPUs: 2, Sysmon: true, Doc: "G 0 keeps the P of an M that has left the poller briefly until a timer has run, and nobody else comes: sysmon must have an M wait", Main: func(t *T, g *sched.G) {
		d := open(t, g)
		briefly(t, g, d, 2)
		g.AfterFunc(30*time.Millisecond, func(*sched.G) { t.Store(1, 1) }) // late enough to leave the poller
		briefly(t, g, d, 1)
		t.BusyUntilSet(1)
	}},
	{Name: "brief-timer", MinCPUs: 2, Sysmon: true, Doc: "as brief-alarm, with a timer that is due before sysmon looks: the M may not leave the poller alone", Main: func(t *T, g *sched.G) {
		d := open(t, g)
		briefly(t, g, d, 2)
		due := g.Nanotime() + 100_000
		timer := g.AfterFunc(100*time.Microsecond, func(g *sched.G) {
			t.onTime(g, due)
			t.Store(1, 1)
		})
		briefly(t, g, d, 1)
		if t.NodePs(g) > 1 {
			t.BusyUntilSet(1)
		} else {
			timer.Stop(g)
		}
	}},
	{Name: "brief-alone", MinCPUs: 2, Doc: "as brief-alarm, without sysmon: the M may not leave the poller alone, and another must run the timer", Main: func(t *T, g *sched.G) {
		d := open(t, g)
		briefly(t, g, d, 2)
		timer := g.AfterFunc(30*time.Millisecond, func(*sched.G) { t.Store(1, 1) })
		briefly(t, g, d, 1)
		if t.NodePs(g) > 1 {
			t.BusyUntilSet(1)
		} else {
			timer.Stop(g)
		}
	}},
	{Name: "brief-two", MinCPUs: 2, MinGs: 2, Sysmon: true, Doc: "something comes for two Gs at once, and one of them keeps its P until the other has gone on: the M may not leave the poller with both", Main: func(t *T, g *sched.G) {
		d, e := open(t, g), open(t, g)
		briefly(t, g, d, 2)
		due := g.Nanotime() + 20
		var gr sched.Group
		d.Prepare(g, sched.PollRead)
		gr.Go(g, t.G(1, func(g *sched.G) {
			e.Prepare(g, sched.PollRead)
			t.NewsIn(e, sched.PollRead, max(due-g.Nanotime(), 0))
			t.NewsIn(d, sched.PollRead, max(due-g.Nanotime(), 0))
			t.Check(e.Wait(g, sched.PollRead) == nil, "a wait has failed")
			t.onTime(g, due)
			t.Store(2, 1)
		}))
		t.Check(d.Wait(g, sched.PollRead) == nil, "a wait has failed")
		t.BusyUntilSet(2)
		gr.Wait(g)
	}},
	{Name: "brief-elsewhere", MinCPUs: 3, MinGs: 3, Sysmon: true, Doc: "G 1 keeps its P, and its M has left its node's poller; G 2, whose M has left the poller of another node briefly, comes to wait at that of G 1: another M must look there at once", Main: func(t *T, g *sched.G) {
		many, other := t.busiestNode(g)
		g.GoAt(sched.OnNode(many), t.G(1, func(g *sched.G) {
			d, here := open(t, g), g.Node()
			g.GoAt(sched.OnNode(other), t.G(2, func(g *sched.G) {
				briefly(t, g, open(t, g), 3)
				due := g.Nanotime() + 20
				d.Prepare(g, sched.PollRead)
				t.NewsIn(d, sched.PollRead, 20)
				t.Check(d.Wait(g, sched.PollRead) == nil, "a wait has failed")
				if here == many && t.psOf(g, many) > 1 { // else nobody can look but sysmon
					t.onTime(g, due)
				}
				t.Store(1, 1)
			}))
			t.BusyUntilSet(1)
		}))
	}},
	{Name: "brief-call", MinCPUs: 2, MinGs: 2, Sysmon: true, Doc: "G 0 makes a system call when its M has left the poller briefly, and then waits again while G 1 keeps the P: another M must look", Main: func(t *T, g *sched.G) {
		d := open(t, g)
		briefly(t, g, d, 3)
		var gr sched.Group
		g.SyscallFor(100*time.Microsecond, nil)
		gr.Go(g, t.G(1, func(g *sched.G) {
			if t.NodePs(g) > 1 {
				t.BusyUntilSet(1)
			}
		}))
		due := g.Nanotime() + 20
		d.Prepare(g, sched.PollRead)
		t.NewsIn(d, sched.PollRead, 20)
		t.Check(d.Wait(g, sched.PollRead) == nil, "a wait has failed")
		if t.NodePs(g) > 1 {
			t.onTime(g, due)
		}
		t.Store(1, 1)
		gr.Wait(g)
	}},
	{Name: "brief-close", MinGs: 2, Close: true, Sysmon: true, Doc: "Close comes while Ms leave the poller and come back", Main: func(t *T, g *sched.G) {
		d := open(t, g)
		g.Go(t.G(1, func(g *sched.G) { g.Sleep(30 * time.Millisecond) }))
		briefly(t, g, d, 3)
	}},
}

// briefly has g wait n times for what comes soon for d, from outside.
func briefly(t *T, g *sched.G, d *sched.PollDesc, n int) {
	for range n {
		t.Check(d.Prepare(g, sched.PollRead) == nil, "a wait has failed")
		t.NewsIn(d, sched.PollRead, 5)
		t.Check(d.Wait(g, sched.PollRead) == nil, "a wait has failed")
	}
}

// onTime fails the execution if what g has waited for was due long ago. sysmon, which looks
// every 20 us at first, would only have come to it after 10 ms. Time that passes while Ms could go on
// costs a preemption, and is up to 20 us.
func (t *T) onTime(g *sched.G, due int64) {
	now := g.Nanotime()
	t.Check(now >= due && now < due+800_000, "what was due at %d ns has come at %d", due, now)
}

// NodePs returns how many Ps g's node has.
func (t *T) NodePs(g *sched.G) int { return t.psOf(g, g.Node()) }

func (t *T) psOf(g *sched.G, node int) (n int) {
	for p := range t.CPUs() {
		if g.Sched().NodeOfP(p) == node {
			n++
		}
	}
	return n
}

// busiestNode returns the node that has most Ps, and another one, if there is one.
func (t *T) busiestNode(g *sched.G) (most, other int) {
	for n := range t.Nodes() {
		if t.psOf(g, n) > t.psOf(g, most) {
			most = n
		}
	}
	return most, (most + 1) % t.Nodes()
}
