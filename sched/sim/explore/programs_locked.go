package explore

import (
	"runtime"

	"numasched/sched"
)

// lockedPrograms are about Gs that have an M of their own.
var lockedPrograms = []Program{
	{Name: "locked", MinGs: 2, Doc: "G 1 and G 2 have Ms of their own and talk to G 0; the others come between", Main: func(t *T, g *sched.G) {
		there, back := channel(g, 0), channel(g, 0)
		for i := 1; i < t.Gs(); i++ {
			fn := t.G(i, func(g *sched.G) {
				back.Send(g, recv(g, there))
				g.Yield()
			})
			if i < 3 {
				g.GoLocked(fn)
			} else {
				g.Go(fn)
			}
		}
		for i := 1; i < t.Gs(); i++ {
			there.Send(g, i)
			recv(g, back)
		}
	}},
	{Name: "lockedcall", MinGs: 2, Sysmon: true, Doc: "a G with an M of its own loses its P in a system call", Main: func(t *T, g *sched.G) {
		c := channel(g, 0)
		g.GoLocked(t.G(1, func(g *sched.G) {
			g.SyscallFor(callTime(1), nil)
			c.Send(g, 1)
		}))
		for i := 2; i < t.Gs(); i++ {
			g.Go(t.G(i, (*sched.G).Yield))
		}
		recv(g, c)
	}},
	{Name: "threadcall", MinGs: 3, Sysmon: true, Doc: "G 1 locks its thread and loses its P in a system call; G 0 and the fourth G on compute until it has one again", Main: func(t *T, g *sched.G) {
		c := channel(g, 0)
		g.Go(t.G(1, func(g *sched.G) {
			t.callOnItsThread(g)
			c.Send(g, 1)
		}))
		compute := func(g *sched.G) {
			for t.BusyUntilAsked(2); !t.Begun(2); t.BusyUntilAsked(2) {
				g.Preempt()
			}
		}
		for i := 3; i < t.Gs(); i++ {
			g.Go(t.G(i, compute))
		}
		compute(g)
		recv(g, c)
	}},
	{Name: "threadcall-panic", MinGs: 3, Sysmon: true, Close: true, Want: wantPlanned, Doc: "the same, but G 0 panics when it is asked for its P after G 1 has begun", Main: func(t *T, g *sched.G) {
		g.Go(t.G(1, t.callOnItsThread))
		for i := 3; i < t.Gs(); i++ {
			g.Go(t.G(i, func(g *sched.G) {
				for t.Load(value) == 0 {
					t.BusyUntilAsked(ownWords + value)
					g.Preempt()
				}
			}))
		}
		for !t.Begun(1) {
			t.BusyUntilAsked(1)
			g.Preempt()
		}
		t.BusyUntilAsked(2)
		t.Store(value, 1) // the others are not asked for their Ps once the scheduler stops
		panic(errPlanned)
	}},
	{Name: "lockeddead", MinGs: 2, Close: true, Doc: "Gs with Ms of their own come to wait for ever: Run must say so, and Close end them", Want: wantDeadlock, Main: func(t *T, g *sched.G) {
		c := channel(g, 0)
		for i := 1; i < t.Gs(); i++ {
			startLocked(g, i)(t.G(i, func(g *sched.G) { recv(g, c) }))
		}
		recv(g, c)
	}},
	{Name: "lockedclose", MinGs: 2, Close: true, Doc: "Close comes while Gs with Ms of their own start, wait, or are made ready", Main: func(t *T, g *sched.G) {
		c := channel(g, 0)
		for i := 1; i < t.Gs(); i++ {
			startLocked(g, i)(t.G(i, func(g *sched.G) {
				if i%2 == 1 {
					recv(g, c)
				} else {
					g.Yield()
				}
			}))
		}
		c.TrySend(g, 1)
	}},
}

// callOnItsThread makes a system call while g is locked to its thread, and then starts G 2.
func (t *T) callOnItsThread(g *sched.G) {
	runtime.LockOSThread()
	g.SyscallFor(callTime(1), nil)
	g.Go(t.G(2, nop))
	runtime.UnlockOSThread()
}

// startLocked returns how g starts G i, if that may have an M of its own: there may be as
// many Ms as such Gs, and there are few.
func startLocked(g *sched.G, i int) func(func(*sched.G)) {
	if i > 4 {
		return g.Go
	}
	return g.GoLocked
}
