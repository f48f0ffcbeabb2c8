package peers

import (
	"os"
	"testing"

	"numasched/experiments/workload"
)

// sizes are small: the tests are about answers.
var sizes = map[string]workload.Params{
	"fib":         {"n": 12},
	"fib-closure": {"n": 12},
	"spawn":       {"n": 5000},
	"parfor":      {"n": 3*parForChunk + 5},
	"nqueens":     {"n": 7},
	"skynet":      {"depth": 3},
}

func TestEveryPeerGivesTheRightAnswers(t *testing.T) {
	for _, p := range All {
		t.Run(p.Name, func(t *testing.T) {
			if p.prog != nil && os.Getenv("NUMASCHED_LONG_TESTS") == "" {
				t.Skip("it takes up to a minute to compile a peer in another language; NUMASCHED_LONG_TESTS=1 runs it")
			}
			if err := p.Ready(); err != nil {
				t.Skip(err)
			}
			for load, params := range sizes {
				if !p.Has(load, params) {
					continue
				}
				for _, procs := range []int{1, 2} {
					elapsed, err := p.Measure(load, params, procs, 3, true)
					if err != nil || elapsed <= 0 {
						t.Errorf("%s on %d threads: %v, %v", load, procs, elapsed, err)
					}
				}
			}
		})
	}
}

// A published row is of a workload of that size, counts its tasks as the workload does, and
// has all runtimes that are shown.
func TestPublishedRows(t *testing.T) {
	for _, row := range PublishedRows {
		prog, err := workload.ByName(row.Load).Parse(row.Params, false)
		if err != nil {
			t.Fatal(err)
		}
		in, err := prog.New()
		if err != nil {
			t.Fatal(err)
		}
		if in.Tasks != row.Tasks || prog.Sizes() != row.Params {
			t.Errorf("%s has %d tasks of %s, want %d of %s", row.Load, in.Tasks, prog.Sizes(), row.Tasks, row.Params)
		}
		for _, name := range PublishedRuntimes {
			if row.Micros[name] <= 0 {
				t.Errorf("%s has no %s", row.Load, name)
			}
		}
	}
}

// A peer checks its answer: one that loses tasks must not look fast.
func TestAPoolThatLosesTasksIsFound(t *testing.T) {
	lossy := &goPool{func(int) (openPool, error) {
		n := 0
		return openPool{
			submit: func(f func()) {
				if n++; n != 2 {
					f()
				}
			},
			wait:  func() {},
			close: func() {},
		}, nil
	}}
	p := &Peer{Name: "lossy", pool: lossy}
	if _, err := p.Measure("parfor", sizes["parfor"], 1, 1, false); err == nil {
		t.Error("parfor: no error")
	}
	lossy.open = func(int) (openPool, error) {
		return openPool{submit: func(func()) {}, wait: func() {}, close: func() {}}, nil
	}
	if _, err := p.Measure("spawn", sizes["spawn"], 1, 1, false); err == nil {
		t.Error("spawn: no error")
	}
}

func TestAPoolRefusesForkJoin(t *testing.T) {
	p := ByName("chanpool")
	for _, load := range []string{"fib", "nqueens", "skynet"} {
		if p.Has(load, sizes[load]) {
			t.Errorf("it has %s", load)
		}
	}
	if _, err := p.Measure("fib", sizes["fib"], 1, 1, false); err == nil {
		t.Error("it measures fib")
	}
	if ByName("onetbb").Has("skynet", workload.Params{"depth": 3, "channels": 1}) {
		t.Error("a peer that forks and joins has skynet with channels")
	}
	if ByName("no-such-peer") != nil {
		t.Error("an unknown name has a peer")
	}
}
