package explore

import (
	"context"
	"fmt"
	"os"
	"strings"

	"numasched/sched/policy"
)

// Hunt looks for a bug with the given programs, and prints what it has found. mutation_test.go
// puts this file beside the explorer of a mutated scheduler.
//
// Which CPUs, Gs and arm a bug needs is not said: small machines are tried first, and
// each for a short time before any for long. A bug that takes long to find so may say
// where it was found: first is then "PROGRAM ARM CPUS GS BOUND", which is tried before.
func Hunt(programs, first string) {
	h := hunt{}
	if first != "" {
		var name, arm string
		cfg := Config{Limit: 150_000, PCT: 50_000, Depth: 4}
		if _, err := fmt.Sscan(first, &name, &arm, &cfg.CPUs, &cfg.Gs, &cfg.Bound); err != nil {
			fmt.Printf("%q: want PROGRAM ARM CPUS GS BOUND: %v\n", first, err)
			return
		}
		if h.explore(name, arm, cfg) {
			return
		}
	}
	for _, cfg := range []Config{
		{CPUs: 1, Gs: 4, Bound: 2, Limit: 2_000, PCT: 500, Depth: 4},
		{CPUs: 2, Gs: 3, Bound: 2, Limit: 8_000, PCT: 2_000, Depth: 4},
		{CPUs: 3, Gs: 4, Bound: 2, Limit: 8_000, PCT: 2_000, Depth: 4},
		{CPUs: 2, Gs: 9, Bound: 2, Limit: 8_000, PCT: 2_000, Depth: 4},
		{CPUs: 2, Gs: 3, Bound: 3, Limit: 120_000, PCT: 20_000, Depth: 4},
		{CPUs: 3, Gs: 4, Nodes: 3, Bound: 2, Limit: 20_000, PCT: 20_000, Depth: 4},
		{CPUs: 3, Gs: 4, Bound: 2, Limit: 100_000, PCT: 100_000, Depth: 4},
	} {
		for _, arm := range []string{"flat", "numa"} {
			for name := range strings.SplitSeq(programs, ",") {
				if h.explore(name, arm, cfg) {
					return
				}
			}
		}
	}
	fmt.Printf("CLEAN after %d interleavings\n", h.tried)
}

type hunt struct{ tried int64 }

// explore looks in one place, and reports whether the hunt is over.
func (h *hunt) explore(name, arm string, cfg Config) (over bool) {
	p, ok := ProgramByName(name)
	if !ok {
		fmt.Printf("no program %q\n", name)
		return true
	}
	if cfg.CPUs < p.MinCPUs {
		return false
	}
	cfg.Gs = max(cfg.Gs, p.MinGs)
	var err error
	if cfg.Arm, err = policy.ByName(arm); err != nil {
		fmt.Println(err)
		return true
	}
	r, err := Explore(context.Background(), p, cfg)
	if err != nil {
		fmt.Println(err)
		return true
	}
	h.tried += r.Executions()
	f := r.Failure
	if f == nil {
		return false
	}
	how := "systematic"
	if f.Random {
		how = "random"
	}
	reason, _, _ := strings.Cut(f.Err.Error(), "\n")
	fmt.Printf("FOUND by %s, %s, %d CPUs, %d Gs, bound %d, %s, after %d interleavings: %s\n", name, arm, cfg.CPUs, cfg.Gs, r.Bounds[len(r.Bounds)-1].Bound, how, h.tried, reason)
	fmt.Printf("SCHEDULE %s\n", f.Schedule)
	if os.Getenv("EXPLORE_TIMELINE") != "" {
		fmt.Print(f.Timeline)
	}
	return true
}
