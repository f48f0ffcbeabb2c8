package workload

import (
	"fmt"

	"numasched/sched"
)

// pageGroups has groups of four Gs that share a buffer. The leader of a group writes the
// buffer first and starts the others. They meet at their leader after every visit, and
// every few rounds the leaders wait for each other.
var pageGroups = &Workload{
	Name:   "page-groups",
	Doc:    "groups of four Gs that share pages that one wrote first, and meet between visits: locality",
	Unit:   "visit",
	Params: append(touchParams(32, "groups"), phaseParam()),
	New: func(p Params) (*Instance, error) {
		const members = 4 // the leader and three others
		pages, rounds := int(p["pages"]), int(p["rounds"])
		return newTouching("page-groups", int(p["n"]), members*rounds, rounds, int(p["phase"]), func(g *sched.G, t *toucher) {
			r, err := newRegion(g, pages)
			if err != nil {
				t.err = err
				for i := range rounds {
					t.pass(g, i)
				}
				return
			}
			arrive, leave := sched.NewChan[int](g.Sched(), 0), sched.NewChan[int](g.Sched(), 0)
			var visits [members]touches
			var gr sched.Group
			for who := 1; who < members; who++ {
				gr.GoAt(g, sched.OnNode(r.home), func(g *sched.G) { // near what they will use
					for i := range rounds {
						r.visit(g, who, &visits[who])
						arrive.Send(g, i)
						leave.Recv(g)
					}
				})
			}
			for i := range rounds {
				t.pass(g, i)
				r.visit(g, 0, &visits[0])
				for range members - 1 {
					if got, _ := arrive.Recv(g); got != i && t.err == nil {
						t.err = fmt.Errorf("round %d: a member arrives in round %d", i, got)
					}
				}
				for range members - 1 {
					leave.Send(g, i)
				}
			}
			gr.Wait(g)
			for _, v := range visits {
				t.add(v)
			}
			if err := r.free(g, members, rounds); t.err == nil {
				t.err = err
			}
		}), nil
	},
}
