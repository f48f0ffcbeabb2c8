package main

import (
	"fmt"
	"slices"
	"strings"

	"numasched/experiments/harness"
)

// sixteen sets what the runs host-16cpu and host-16cpu-tasks say: how flat and numa do beside
// goroutines, and what one locked queue costs, on 16 real CPUs of one node.
func (b *book) sixteen() {
	const all = 16
	found := map[harness.Finding][]string{}
	open := 0
	groups := b.runs["host-16cpu"].groups
	for i := range groups {
		g := &groups[i]
		stock := g.Find(harness.Goroutine)
		if g.Procs != all || stock == nil { // some workloads have no version with goroutines
			continue
		}
		if g.Open() { // arrivals decide how long it takes
			open++
			continue
		}
		f := stock.Speedup.Finding()
		found[f] = append(found[f], fmt.Sprintf("%s (%.2f)", g.Workload, stock.Speedup.Center))
	}
	lost, won := found[harness.Faster], found[harness.Slower]
	slices.Sort(lost)
	slices.Sort(won)
	b.holds(len(lost) > 0 && len(won) > 0, "goroutines are faster on some workloads on 16 CPUs, and slower on others")
	b.set("sixteenLost", "%s", list(lost))
	b.set("sixteenWon", "%s", list(won))
	b.set("sixteenEven", "%d", len(found[harness.NoDifference]))
	b.set("sixteenUndecided", "%d", len(found[harness.Undecided]))
	b.set("sixteenOpen", "%d", open)
	b.set("sixteenCommand", "%s", strings.Join(b.runs["host-16cpu"].Meta.Command, " "))

	tasks := b.runs["host-16cpu-tasks"].groups
	for name, procs := range map[string]int{"One": 1, "Four": 4, "Sixteen": all} {
		i := slices.IndexFunc(tasks, func(g harness.Group) bool { return g.Workload == "fib" && g.Procs == procs })
		if i < 0 || tasks[i].Find("gm") == nil {
			b.fail("host-16cpu-tasks: no fib under gm with %d Ps", procs)
			return
		}
		b.set("sixteenGm"+name, "%.0f", tasks[i].Find("gm").NsPerUnit.Center)
		b.set("sixteenFlat"+name, "%.0f", tasks[i].Find("flat").NsPerUnit.Center)
	}
}
