package explore

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/policy"
)

func config(t testing.TB, arm string) Config {
	t.Helper()
	a, err := policy.ByName(arm)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Arm: a, CPUs: 3, Gs: 4, Seed: 1, Bound: 1, Limit: 5_000, PCT: 2_500, Depth: 4}
	switch {
	case raceDetector: // for what explorers that run in parallel share
		cfg.Limit, cfg.PCT = 20, 10
	case !longTests():
		cfg.Limit, cfg.PCT = 100, 60
	case testing.Short():
		cfg.Limit, cfg.PCT = 500, 250
	}
	return cfg
}

// Every program keeps the invariants under every kind of arm.
func TestPrograms(t *testing.T) {
	arms := []string{"gm", "flat", "numa"}
	if longTests() {
		arms = append(arms, "numa-nodeq", "numa-home")
	}
	for _, arm := range arms {
		for _, p := range Programs {
			t.Run(arm+"/"+p.Name, func(t *testing.T) {
				t.Parallel()
				cfg := config(t, arm)
				r, err := Explore(context.Background(), p, cfg)
				if err != nil {
					t.Fatal(err)
				}
				if f := r.Failure; f != nil {
					t.Fatalf("%v\nschedule %s\n%s", f.Err, f.Schedule, f.Timeline)
				}
			})
		}
	}
}

// They keep them on the machines, too, on which mutations are hunted (see Hunt). Else a mutation
// would be found by a program that fails without one.
func TestProgramsWhereMutationsAreHunted(t *testing.T) {
	if !longTests() || raceDetector {
		t.Skip("NUMASCHED_LONG_TESTS=1 runs it")
	}
	for _, arm := range []string{"flat", "numa"} {
		for _, p := range Programs {
			for _, size := range []Config{{CPUs: 1, Gs: 4}, {CPUs: 2, Gs: 3}, {CPUs: 2, Gs: 4}, {CPUs: 2, Gs: 9}, {CPUs: 3, Gs: 4, Nodes: 3}} {
				if size.CPUs < p.MinCPUs {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%d-%d", arm, p.Name, size.CPUs, size.Gs), func(t *testing.T) {
					t.Parallel()
					cfg := config(t, arm)
					cfg.CPUs, cfg.Gs, cfg.Nodes, cfg.Bound, cfg.Limit, cfg.PCT = size.CPUs, max(size.Gs, p.MinGs), size.Nodes, 2, 150, 100
					r, err := Explore(context.Background(), p, cfg)
					if err != nil {
						t.Fatal(err)
					}
					if f := r.Failure; f != nil {
						t.Fatalf("%v\nschedule %s\n%s", f.Err, f.Schedule, f.Timeline)
					}
				})
			}
		}
	}
}

// A larger bound tries more, and says whether it tried all.
func TestBoundsGrow(t *testing.T) {
	if raceDetector {
		t.Skip("tries everything")
	}
	p, _ := ProgramByName("spawn")
	cfg := config(t, "flat")
	cfg.CPUs, cfg.Gs, cfg.Bound, cfg.PCT, cfg.Limit = 2, 2, 2, 0, 0
	r, err := Explore(context.Background(), p, cfg)
	if err != nil || r.Failure != nil {
		t.Fatal(err, r.Failure)
	}
	if len(r.Bounds) != 3 {
		t.Fatalf("%d bounds, want 3", len(r.Bounds))
	}
	for i, b := range r.Bounds {
		if !b.Complete {
			t.Errorf("bound %d is not complete without a limit", i)
		}
		if i > 0 && b.Executions <= r.Bounds[i-1].Executions {
			t.Errorf("bound %d tried %d interleavings, bound %d %d", i, b.Executions, i-1, r.Bounds[i-1].Executions)
		}
	}
}

// A search that is not complete says so.
func TestLimitStops(t *testing.T) {
	p, _ := ProgramByName("park")
	cfg := config(t, "numa")
	cfg.Limit = 100
	r, err := Explore(context.Background(), p, cfg)
	if err != nil || r.Failure != nil {
		t.Fatal(err, r.Failure)
	}
	last := r.Bounds[len(r.Bounds)-1]
	if last.Complete || r.Executions() != 100+cfg.PCT {
		t.Errorf("complete %v after %d interleavings, want a search that stops after 100", last.Complete, r.Executions())
	}
}

// A program that breaks an invariant fails, and its schedule replays to the same
// failure with a timeline, whichever way it was found.
func TestFailureReplays(t *testing.T) {
	twice := Program{Name: "twice", Main: func(t *T, g *sched.G) {
		c := channel(g, 0)
		for i := 1; i < 3; i++ {
			g.Go(t.G(i, func(g *sched.G) { c.Send(g, i) }))
		}
		first := recv(g, c)
		recv(g, c)
		t.Check(first != 1, "G 1 came first")
	}}
	for _, c := range []struct {
		how        string
		limit, pct int64
	}{{"systematic", 50_000, 0}, {"random", 1, 1000}} {
		for seed := range uint64(5) {
			cfg := config(t, "flat")
			cfg.Limit, cfg.PCT, cfg.Seed = c.limit, c.pct, seed
			r, err := Explore(context.Background(), twice, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if r.Failure == nil || r.Failure.Random != (c.how == "random") {
				t.Fatalf("no %s interleaving in which G 1 comes first", c.how)
			}
			sch, err := ParseSchedule(r.Failure.Schedule.String())
			if err != nil {
				t.Fatal(err)
			}
			timeline, err := Replay(twice, cfg, sch)
			if err == nil || err.Error() != r.Failure.Err.Error() {
				t.Errorf("%s: the replay ends with %v, the exploration with %v", c.how, err, r.Failure.Err)
			}
			if timeline == "" || timeline != r.Failure.Timeline {
				t.Errorf("%s: the timeline is not that of the failure:\n%s", c.how, timeline)
			}
		}
	}
}

// A scheduler that was made new for the next execution behaves like a new one.
func TestUsedIsAsNew(t *testing.T) {
	arms := []string{"flat", "numa"}
	if longTests() {
		arms = append(arms, "gm", "numa-nodeq")
	}
	for _, arm := range arms {
		for _, p := range Programs {
			cfg := config(t, arm)
			used, err := newMachine(&cfg)
			if err != nil {
				t.Fatal(err)
			}
			rnd := newPCT(cfg.Seed, cfg.Depth)
			uses := uint64(4)
			if longTests() {
				uses = 50
			}
			for i := range uses {
				rnd.begin(cfg.Seed, i)
				if err := used.execute(&p, &cfg, rnd); err != nil {
					t.Fatal(err)
				}
			}
			schedule := append(Schedule(nil), used.deviations...)
			used.trace = newTimeline()
			if err := used.execute(&p, &cfg, &replay{schedule}); err != nil {
				t.Fatal(err)
			}
			want, err := Replay(p, cfg, schedule)
			if err != nil {
				t.Fatal(err)
			}
			if got := used.trace.String(); got != want {
				t.Errorf("%s under %s: a used scheduler runs as\n%s\na new one as\n%s", p.Name, arm, got, want)
			}
			used.discard()
		}
	}
}

// What an explorer starts ends with it, but for schedulers that have failed.
func TestNoCoroutineIsLeft(t *testing.T) {
	runtime.GC() // while it runs, goroutines that have ended are counted as well
	before := runtime.NumGoroutine()
	for _, p := range Programs {
		cfg := config(t, "numa")
		cfg.Limit, cfg.PCT = 30, 30
		if r, err := Explore(context.Background(), p, cfg); err != nil || r.Failure != nil {
			t.Fatal(err, r.Failure)
		}
	}
	for end := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; runtime.GC() {
		if time.Now().After(end) { // until then they may be ending
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

func TestScheduleText(t *testing.T) {
	for _, text := range []string{"-", "12:1", "12:1,13:0"} {
		s, err := ParseSchedule(text)
		if err != nil || s.String() != text {
			t.Errorf("%q reads as %v, %v", text, s, err)
		}
	}
	for _, text := range []string{"", "x", "1", "1:x", "5:1,5:0", "7:1,6:1", "1:99", "-1:0"} {
		if s, err := ParseSchedule(text); err == nil {
			t.Errorf("%q reads as %v, want an error", text, s)
		}
	}
}

// BenchmarkInterleavings explores the small programs within three preemptions,
// and then at random.
func BenchmarkInterleavings(b *testing.B) {
	for _, name := range []string{"spawn", "steal", "park", "close"} {
		b.Run(name, func(b *testing.B) {
			p, _ := ProgramByName(name)
			cfg := config(b, "numa")
			cfg.Bound, cfg.Limit, cfg.PCT = 3, 50_000, 20_000
			total, steps := int64(0), int64(0)
			for b.Loop() {
				r, err := Explore(context.Background(), p, cfg)
				if err != nil || r.Failure != nil {
					b.Fatal(err, r.Failure)
				}
				total += r.Executions()
				steps += r.Steps
			}
			b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "interleavings/s")
			b.ReportMetric(float64(steps)/float64(total), "accesses/interleaving")
		})
	}
}
