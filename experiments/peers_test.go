package main

import (
	"strings"
	"testing"

	"numasched/experiments/peers"
	"numasched/experiments/usage"
	"numasched/experiments/workload"
)

// --tables says which sizes are run, so it excludes flags that do.
func TestPeersTables(t *testing.T) {
	for _, args := range []string{"peers --tables --quick", "peers --tables --workload fib"} {
		if status, _, errs := cli(strings.Fields(args)...); status != 2 || !strings.Contains(errs, "--tables and --") {
			t.Errorf("%s: status %d, %q", args, status, errs)
		}
	}
	loads, err := usage.Workloads(peers.PublishedLoads(), false)
	if err != nil || len(loads) != 4 {
		t.Fatalf("%d workloads, %v; want those of the table and skynet's original size", len(loads), err)
	}
	for _, l := range loads {
		if big := l.Name == "skynet" && l.Params["depth"] == 8; l.Stock == big {
			t.Errorf("goroutines have %s %s: %v", l.Name, l.Sizes(), l.Stock)
		}
	}
	if in, err := workload.ByName("skynet").New(workload.Params{"depth": 8}); err != nil || in.Stock != nil {
		t.Errorf("skynet with a hundred million goroutines is measured (%v)", err)
	}
}
