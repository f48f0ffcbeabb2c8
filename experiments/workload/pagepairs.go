package workload

import (
	"errors"
	"fmt"

	"numasched/sched"
)

// pagePairs has pairs of Gs, each with pages of its own. After every visit the two send
// each other a number over unbuffered channels. Every few rounds one of each pair waits
// for all the other pairs.
var pagePairs = &Workload{
	Name:   "page-pairs",
	Doc:    "pairs that talk between visits to pages that each wrote first: locality",
	Unit:   "visit",
	Params: append(touchParams(64, "pairs"), phaseParam()),
	New: func(p Params) (*Instance, error) {
		pages, rounds := int(p["pages"]), int(p["rounds"])
		return newTouching("page-pairs", int(p["n"]), 2*rounds, rounds, int(p["phase"]), func(g *sched.G, t *toucher) {
			s := g.Sched()
			there, back := sched.NewChan[int](s, 0), sched.NewChan[int](s, 0)
			var other toucher
			var gr sched.Group
			gr.Go(g, func(g *sched.G) {
				other.rounds(g, pages, rounds, func(i int) int {
					v, _ := there.Recv(g)
					back.Send(g, i)
					return v
				})
			})
			t.rounds(g, pages, rounds, func(i int) int {
				t.pass(g, i)
				there.Send(g, i)
				v, _ := back.Recv(g)
				return v
			})
			gr.Wait(g)
			t.add(other.touches)
			t.err = errors.Join(t.err, other.err)
		}), nil
	},
}

// rounds visits t's own pages. After each visit swap exchanges the number of the round
// with the partner's.
func (t *toucher) rounds(g *sched.G, pages, rounds int, swap func(i int) int) {
	r, err := newRegion(g, pages)
	for i := range rounds {
		if r != nil {
			r.visit(g, 0, &t.touches)
		}
		if got := swap(i); got != i && err == nil {
			err = fmt.Errorf("round %d: the other is in round %d", i, got)
		}
	}
	if r != nil {
		err = errors.Join(err, r.free(g, 1, rounds))
	}
	t.err = err
}
