package workload

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"numasched/sched"
	"numasched/sched/host/hosttest"
	"numasched/sched/policy"
)

// small are sizes for tests, which run under the race detector on any machine.
// A size that is not here is the quick one.
var small = map[string]string{
	"fib":          "n=15",
	"triad":        "n=100000",
	"pingpong":     "pairs=3/rounds=50",
	"fib-closure":  "n=15",
	"fib-group":    "n=15",
	"spawn":        "n=2000",
	"heat":         "n=50/rows=7/sweeps=3",
	"uts":          "binomial=1/root=30",
	"onenode":      "n=500/ops=100",
	"parfor":       "n=100000",
	"allocfree":    "pairs=2/objects=1000",
	"cilksort":     "n=20000/grain=64",
	"actorring":    "actors=10/tokens=3/laps=4",
	"pipeline":     "lines=2/stages=3/items=50/ops=10/room=2",
	"wakestorm":    "groups=2/fan=4/loops=5",
	"gups":         "n=4096/tasks=8/updates=500",
	"pointerchase": "tasks=5/bytes=8192/steps=100/yields=3",
	"matmul":       "n=2",
	"cholesky":     "n=3",
	"cg":           "n=40/rows=3/iterations=12",
	"bfs":          "scale=8/chunk=8",
	"page-pairs":   "n=4/pages=2/rounds=10",
	"page-groups":  "n=3/pages=2/rounds=10",
	"page-yield":   "n=6/pages=2/rounds=10",
	"page-churn":   "n=6/rounds=10",
	"kvserve":      "gap=2000/n=50/shards=3/bytes=4096",
	"fanout":       "gap=2000/n=50/fan=3/shards=3/bytes=4096",
	"taskbench":    "pattern=4/width=3/steps=5/ops=64/bytes=32",
	"nqueens":      "n=6",
	"skynet":       "depth=3",
	"lu":           "n=3",
	"strassen":     "levels=1",
	"pagerank":     "scale=8/ends=128/iterations=3",
	"bufferpool":   "pairs=3/buffers=2/messages=50/bytes=4096",
	"syscalls":     "n=8/calls=40/every=8/block=10000/ops=100",
	"filereads":    "n=4/reads=20/bytes=4096/file=65536",
	"timers":       "n=4/sleeps=5/sleep=100000/ops=100",
	"goschedstorm": "gs=3/yields=20/ops=30",
	"shortwakes":   "gap=2000/n=50/conns=2/room=3/ops=300/flush=100",
}

func newSmall(t *testing.T, w *Workload) *Instance {
	t.Helper()
	p, err := w.Parse(small[w.Name], small[w.Name] == "")
	if err != nil {
		t.Fatal(err)
	}
	in, err := p.New()
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// onHost calls fn with a scheduler on this machine, or on one of the given name's shape if
// topo is not "". On pretended nodes what it does is validated. On the real ones nobody
// listens, for only then are forks and joins short (sched/gfree.go).
func onHost(tb testing.TB, topo string, arm policy.Arm, procs int, fn func(*sched.Sched)) {
	tb.Helper()
	m := hosttest.Open(tb, topo, procs)
	var machine sched.Machine = m
	if topo == "" {
		machine = m.Machine
	}
	s, err := sched.New(sched.Config{Machine: machine, Arm: arm, Procs: procs, Seed: 1})
	if err != nil {
		tb.Fatal(err)
	}
	fn(s)
	if err := s.Close(); err != nil {
		tb.Error(err)
	}
	if err := m.Close(); err != nil {
		tb.Error(err)
	}
}

// runTwice runs in as a measurement does: what the first run leaves behind must
// not hide what the second does wrong.
func runTwice(s *sched.Sched, in *Instance) error {
	if in.Setup != nil {
		if err := in.Setup(s); err != nil {
			return fmt.Errorf("setup: %w", err)
		}
	}
	for range 2 {
		var wrong error
		if err := s.Run(func(g *sched.G) { wrong = in.Run(g) }); err != nil {
			return err
		}
		if wrong != nil {
			return wrong
		}
	}
	for _, r := range in.Reported() {
		if !(r.Value > 0) || r.Unit == "touched-%" && r.Value > 100 {
			return fmt.Errorf("reported %v", in.Reported())
		}
	}
	if in.Check != nil {
		return in.Check(s)
	}
	return nil
}

// longTests reports whether there is time, as in .ci/run, which sets the variable.
func longTests() bool { return os.Getenv("NUMASCHED_LONG_TESTS") != "" }

// Without the long tests, this host's own nodes are for few arms, and pretended ones for these
// and every third of the others. Which third that is differs from workload to workload.
func TestEveryWorkloadIsRightUnderEveryArm(t *testing.T) {
	for i, w := range All {
		for _, topo := range []string{"", "synthetic:2x2"} {
			for k, arm := range policy.Arms {
				few := slices.Contains([]string{"gm", "flat", "numa"}, arm.Name)
				if !longTests() && !few && (topo == "" || (i+k)%3 != 0) {
					continue
				}
				t.Run(w.Name+"/"+topo+"/"+arm.Name, func(t *testing.T) {
					onHost(t, topo, arm, 0, func(s *sched.Sched) {
						if err := runTwice(s, newSmall(t, w)); err != nil {
							t.Error(err)
						}
					})
				})
			}
		}
	}
}

func TestEveryWorkloadIsRightInPlainGoroutines(t *testing.T) {
	for _, w := range All {
		t.Run(w.Name, func(t *testing.T) {
			in := newSmall(t, w)
			if in.Stock == nil {
				t.Skip("has no version in plain goroutines")
			}
			if in.Setup != nil {
				if err := in.Setup(nil); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 {
				if err := in.Stock(); err != nil {
					t.Error(err)
				}
			}
			if in.Check != nil {
				if err := in.Check(nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// BenchmarkWorkloads measures quick sizes; experiments run measures with care.
func BenchmarkWorkloads(b *testing.B) {
	for _, w := range All {
		for _, arm := range []string{"gm", "flat", "numa", "goroutine"} {
			b.Run(w.Name+"/"+arm, func(b *testing.B) {
				in, err := w.Program(true).New()
				if err != nil {
					b.Fatal(err)
				}
				if arm == "goroutine" {
					if in.Stock == nil {
						b.Skip("has no version in plain goroutines")
					}
					bench(b, w, in, nil, in.Stock)
					return
				}
				a, _ := policy.ByName(arm)
				onHost(b, "", a, 0, func(s *sched.Sched) {
					bench(b, w, in, s, func() (wrong error) {
						err := s.Run(func(g *sched.G) { wrong = in.Run(g) })
						if err != nil {
							return err
						}
						return wrong
					})
				})
			})
		}
	}
}

func bench(b *testing.B, w *Workload, in *Instance, s *sched.Sched, run func() error) {
	if in.Setup != nil {
		if err := in.Setup(s); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := run(); err != nil {
			b.Fatal(err)
		}
	}
	n := float64(b.N) * float64(in.Tasks)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/n, "ns/"+w.Unit)
	if in.Check != nil {
		if err := in.Check(s); err != nil {
			b.Fatal(err)
		}
	}
}

// Workloads whose requests and sleeps have Gs of their own say how long these took to run. A
// request's G runs before the request is answered.
func TestStarts(t *testing.T) {
	for load, sizes := range map[string]string{
		"kvserve": "n=20/bytes=4096", "fanout": "n=10/bytes=4096", "timers": "n=2/sleeps=3/sleep=20000", "shortwakes": "n=10",
	} {
		prog, err := ByName(load).Parse(sizes, true)
		if err != nil {
			t.Fatal(err)
		}
		in, err := prog.New()
		if err != nil {
			t.Fatal(err)
		}
		if err := in.Setup(nil); err != nil {
			t.Fatal(err)
		}
		if err := in.Stock(); err != nil {
			t.Fatal(err)
		}
		h := in.Starts()
		if load == "shortwakes" { // its connections' Gs serve many messages
			if h != nil {
				t.Errorf("%s: %v", load, h)
			}
			continue
		}
		if h == nil || h.Len() != in.Tasks || h.Quantile(500, 1000) > in.Latencies().Quantile(1000, 1000) {
			t.Errorf("%s: starts %v of %d tasks, latencies %v", load, h, in.Tasks, in.Latencies())
		}
	}
}
