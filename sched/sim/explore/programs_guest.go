package explore

import "numasched/sched"

// guestPrograms are about callers from outside that take an idle P and run a G themselves.
var guestPrograms = []Program{
	{Name: "guest", MinGs: 2, Doc: "guests come for the Gs 1 to n, one after another, and G 0 waits until all have run", Main: func(t *T, g *sched.G) {
		c := channel(g, t.Gs())
		var fns []func(*sched.G)
		for i := 1; i < t.Gs(); i++ {
			fns = append(fns, t.G(i, func(g *sched.G) { c.Send(g, i) }))
		}
		t.Visit(g, fns...)
		for range t.Gs() - 1 {
			recv(g, c)
		}
	}},
	{Name: "guesttwo", MinGs: 3, Doc: "two guests come at once, for one P or for two; each goes on with what the other has left", Main: func(t *T, g *sched.G) {
		c := channel(g, 0)
		for i := 1; i < t.Gs(); i++ {
			t.Visit(g, t.G(i, func(g *sched.G) {
				if i%2 == 1 {
					c.Send(g, i)
				} else {
					recv(g, c)
				}
			}))
		}
		if t.Gs()%2 == 0 {
			recv(g, c)
		}
	}},
	{Name: "guestparks", MinGs: 2, Doc: "what a guest runs parks, and is made ready by G 0; the others it has spawned, and leaves behind", Main: func(t *T, g *sched.G) {
		there, back := channel(g, 0), channel(g, 0)
		t.Visit(g, t.G(1, func(g *sched.G) {
			for i := 2; i < t.Gs(); i++ {
				g.Go(t.G(i, func(g *sched.G) { back.Send(g, i) }))
			}
			recv(g, there)
			g.Yield()
			back.Send(g, 1)
		}))
		there.Send(g, 0)
		for range t.Gs() - 1 {
			recv(g, back)
		}
	}},
	{Name: "guestspawns", MinGs: 3, Doc: "what a guest runs spawns a G and ends at once, while G 0 spawns another and computes until both have begun", MinCPUs: 2, Main: func(t *T, g *sched.G) {
		t.Visit(g, t.G(1, func(g *sched.G) { g.Go(t.G(2, func(*sched.G) {})) }))
		for i := 3; i < t.Gs(); i++ {
			g.Go(t.G(i, func(*sched.G) {}))
		}
		t.BusyUntil(1, t.Gs())
	}},
	{Name: "guestforks", MinCPUs: 2, MinGs: 4, Doc: "what a guest runs has children, and ends while one is private, another has been stolen, and all other Ps are busy until the last has begun", Main: func(t *T, g *sched.G) {
		c := channel(g, t.Gs())
		t.Visit(g, t.G(1, func(g *sched.G) {
			var gr sched.Group // nobody waits, as after a Goexit
			for i := 2; i < t.Gs(); i++ {
				gr.Go(g, t.G(i, func(g *sched.G) {
					if i == 2 {
						t.BusyUntil(t.Gs()-1, t.Gs())
					}
					c.Send(g, i)
				}))
			}
			t.Store(0, 1)
			t.BusyUntil(2, 3)
		}))
		t.BusyUntilSet(0)
		for range t.Gs() - 2 {
			recv(g, c)
		}
	}},
	{Name: "guestdead", MinGs: 2, Close: true, Doc: "guests come for the Gs 1 to n, and G 0 waits for ever: Run must say so, though a guest leaves after its last G has ended, and not before all have run", Main: func(t *T, g *sched.G) {
		var fns []func(*sched.G)
		for i := 1; i < t.Gs(); i++ {
			fns = append(fns, t.G(i, func(g *sched.G) {
				if i%2 == 0 {
					g.Yield()
				}
			}))
		}
		t.Visit(g, fns...)
		channel(g, 0).Recv(g)
	}, Want: wantGuestsDead},
	{Name: "guestcalldead", MinGs: 2, Sysmon: true, Close: true, Doc: "guestdead, with Gs that may lose their P in a system call", Main: func(t *T, g *sched.G) {
		for i := 1; i < t.Gs(); i++ {
			t.Visit(g, t.G(i, func(g *sched.G) { g.SyscallFor(callTime(i), nil) }))
		}
		channel(g, 0).Recv(g)
	}, Want: wantGuestsDead},
	{Name: "guestcall", MinGs: 2, Sysmon: true, Doc: "what a guest runs loses its P in a system call", Main: func(t *T, g *sched.G) {
		c := channel(g, 0)
		t.Visit(g, t.G(1, func(g *sched.G) {
			g.SyscallFor(callTime(1), nil)
			c.Send(g, 1)
		}))
		for i := 2; i < t.Gs(); i++ {
			g.Go(t.G(i, (*sched.G).Yield))
		}
		recv(g, c)
	}},
	{Name: "guestclose", MinGs: 2, Close: true, Doc: "Close comes while guests come, and while what they run waits", Main: func(t *T, g *sched.G) {
		c := channel(g, 0)
		var fns []func(*sched.G)
		for i := 1; i < t.Gs(); i++ {
			fns = append(fns, t.G(i, func(g *sched.G) {
				if i%2 == 1 {
					recv(g, c)
				} else {
					g.Yield()
				}
			}))
		}
		t.Visit(g, fns...)
	}},
}

// wantGuestsDead is [wantDeadlock] after all guests' Gs have begun.
func wantGuestsDead(t *T, err error) error {
	for i := 1; i < t.Gs(); i++ {
		t.Check(t.words[i] == 1, "a deadlock was reported before a guest had come for G %d", i)
	}
	return wantDeadlock(t, err)
}
