package explore

import "numasched/sched"

// preemptPrograms are about Gs that have their P taken.
var preemptPrograms = []Program{
	{Name: "preempt", MinGs: 2, Sysmon: true, Doc: "G 0 queues the others and computes, and lets go of its P whenever sysmon asks for it, until all have run", Main: func(t *T, g *sched.G) {
		for i := 1; i < t.Gs(); i++ {
			g.GoAt(sched.Default, t.G(i, nop))
		}
		for i := 1; i < t.Gs(); i++ {
			for !t.Begun(i) {
				t.BusyUntilAsked(i)
				g.Preempt()
			}
		}
	}},
	{Name: "respawn", MinGs: 3, Sysmon: true, Doc: "each G starts the next and computes until sysmon asks for its P, and ends: G 1, which is queued, must have its turn", Main: func(t *T, g *sched.G) {
		g.GoAt(sched.Default, t.G(1, nop))
		var chain func(i int) func(*sched.G)
		chain = func(i int) func(*sched.G) {
			return t.G(i, func(g *sched.G) {
				t.BusyUntilAsked(1)
				if i+1 < ownWords && !t.Begun(1) {
					g.Go(chain(i + 1))
				}
				t.Check(t.Begun(1) || i < 8, "G 1 has starved")
			})
		}
		g.Go(chain(2))
	}},
	{Name: "pair", MinGs: 4, Sysmon: true, Doc: "G 0 and G 1 send to each other, and compute before until sysmon asks for their P: G 2, which is queued, must have its turn", Main: func(t *T, g *sched.G) {
		there, back := channel(g, 0), channel(g, 0)
		g.Go(t.G(1, func(g *sched.G) {
			for _, ok := there.Recv(g); ok; _, ok = there.Recv(g) {
				t.BusyUntilAsked(2)
				back.Send(g, 1)
			}
		}))
		for i := 2; i < t.Gs(); i++ {
			g.GoAt(sched.Default, t.G(i, nop))
		}
		for n := 0; !t.Begun(2); n++ {
			t.Check(n < 8, "G 2 has starved")
			t.BusyUntilAsked(2)
			there.Send(g, 1)
			recv(g, back)
		}
		there.Close(g)
	}},
}
