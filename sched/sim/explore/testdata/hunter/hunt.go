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
// each for a short time before any for long.
func Hunt(programs string) {
	tried := int64(0)
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
			cfg.Arm, _ = policy.ByName(arm)
			for name := range strings.SplitSeq(programs, ",") {
				p, ok := ProgramByName(name)
				if !ok {
					fmt.Printf("no program %q\n", name)
					return
				}
				if cfg.CPUs < p.MinCPUs {
					continue
				}
				cfg := cfg
				cfg.Gs = max(cfg.Gs, p.MinGs)
				r, err := Explore(context.Background(), p, cfg)
				if err != nil {
					fmt.Println(err)
					return
				}
				tried += r.Executions()
				if f := r.Failure; f != nil {
					how := "systematic"
					if f.Random {
						how = "random"
					}
					reason, _, _ := strings.Cut(f.Err.Error(), "\n")
					fmt.Printf("FOUND by %s, %s, %d CPUs, %s, after %d interleavings: %s\n", name, arm, cfg.CPUs, how, tried, reason)
					fmt.Printf("SCHEDULE %s\n", f.Schedule)
					if os.Getenv("EXPLORE_TIMELINE") != "" {
						fmt.Print(f.Timeline)
					}
					return
				}
			}
		}
	}
	fmt.Printf("CLEAN after %d interleavings\n", tried)
}
