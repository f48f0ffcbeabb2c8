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
				if !p.Has(load) {
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
	if p.Has("fib") {
		t.Error("it has fib")
	}
	if _, err := p.Measure("fib", sizes["fib"], 1, 1, false); err == nil {
		t.Error("it measures fib")
	}
	if ByName("no-such-peer") != nil {
		t.Error("an unknown name has a peer")
	}
}
