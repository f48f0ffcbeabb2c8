package explore

import (
	"context"
	"os/exec"
	"testing"

	"numasched/sched"
)

// Every program keeps the invariants on three nodes, beside which there is one without
// CPUs. Under flat all Ps share one Node, so most programs do there what TestPrograms has them
// do on two. These are left out.
func TestThreeNodes(t *testing.T) {
	for _, arm := range []string{"flat", "numa"} {
		for _, p := range Programs {
			t.Run(arm+"/"+p.Name, func(t *testing.T) {
				t.Parallel()
				cfg := config(t, arm)
				two := cfg
				cfg.Nodes, cfg.Bare, cfg.Gs = 3, true, 4
				if arm == "flat" && steps(t, p, cfg) == steps(t, p, two) {
					t.Skip("the nodes make no difference")
				}
				cfg.Limit, cfg.PCT = cfg.Limit/3, cfg.PCT/3
				mustHold(t, p, cfg)
			})
		}
	}
}

// steps returns how many accesses some executions make. Those of a random schedule differ in
// that when anything is different.
func steps(t *testing.T, p Program, cfg Config) int64 {
	t.Helper()
	cfg.Limit, cfg.PCT = min(cfg.Limit, 20), min(cfg.PCT, 20)
	r, err := Explore(context.Background(), p, cfg)
	if err != nil || r.Failure != nil {
		t.Fatal(err, r.Failure)
	}
	return r.Steps
}

func mustHold(t *testing.T, p Program, cfg Config) {
	t.Helper()
	r, err := Explore(context.Background(), p, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if f := r.Failure; f != nil {
		t.Fatalf("%v\nschedule %s\n%s", f.Err, f.Schedule, f.Timeline)
	}
}

// The machine has as many nodes as it was asked for, with Ps on each.
func TestNodes(t *testing.T) {
	for _, n := range []int{1, 2, 3} {
		cfg := config(t, "numa")
		cfg.Nodes, cfg.Bare = n, true
		on := make(map[int]bool)
		mustHold(t, Program{Name: "where", Main: func(_ *T, g *sched.G) {
			if ids := g.Sched().NodeIDs(); len(ids) == n {
				on[n] = true
			}
		}}, cfg)
		if !on[n] {
			t.Errorf("Ps are not on %d nodes", n)
		}
	}
}

// Every program keeps the invariants with rings, magazines and free lists that are full
// after a few Gs.
func TestSmallRings(t *testing.T) {
	if !longTests() || raceDetector {
		t.Skip("builds the scheduler anew")
	}
	goCmd, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command to build the scheduler with")
	}
	out, err := exec.Command(goCmd, "test", "-vet=off", "-tags", "smallrings", "-run", "^TestManyGs$", "-count=1", "-v", ".").CombinedOutput()
	if err != nil {
		t.Errorf("with small rings: %v\n%s", err, out)
	}
}

// Every program keeps the invariants with more Gs than a small ring holds. TestSmallRings runs
// it with small rings. With large ones it finds little that four Gs do not, so a few
// interleavings have to do, beside those of TestProgramsWhereMutationsAreHunted.
func TestManyGs(t *testing.T) {
	for _, arm := range []string{"flat", "numa"} {
		for _, p := range Programs {
			t.Run(arm+"/"+p.Name, func(t *testing.T) {
				t.Parallel()
				cfg := config(t, arm)
				cfg.CPUs, cfg.Gs = max(2, p.MinCPUs), 9
				cfg.Limit, cfg.PCT = cfg.Limit/4, cfg.PCT/4
				if !smallRings {
					cfg.Limit, cfg.PCT = min(cfg.Limit, 50), min(cfg.PCT, 30)
				}
				mustHold(t, p, cfg)
			})
		}
	}
}
