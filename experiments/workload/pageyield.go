package workload

import "numasched/sched"

// pageYield has Gs that yield after every visit to pages of their own.
var pageYield = &Workload{
	Name:   "page-yield",
	Doc:    "Gs that yield between visits to pages that each wrote first: locality",
	Unit:   "visit",
	Params: touchParams(128, "Gs"),
	New: func(p Params) (*Instance, error) {
		pages, rounds := int(p["pages"]), int(p["rounds"])
		return newTouching("page-yield", int(p["n"]), rounds, rounds, 0, func(g *sched.G, t *toucher) {
			t.rounds(g, pages, rounds, func(i int) int {
				g.Yield()
				return i
			})
		}), nil
	},
}
