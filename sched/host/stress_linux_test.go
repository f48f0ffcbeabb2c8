package host

import (
	"context"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"numasched/numa"
	"numasched/numa/leakcheck"
	"numasched/sched"
	"numasched/sched/policy"
	"numasched/sched/trace"
	"numasched/topology"
)

// stressTime is how long each part of the stress takes.
func stressTime() time.Duration {
	if os.Getenv("NUMASCHED_LONG_TESTS") != "" {
		return 15 * time.Second
	}
	return 300 * time.Millisecond
}

// Everything happens at once: Gs do all that Gs can do, and meanwhile the number of Ps
// changes, the garbage collector runs all the time, signals come to all threads, and masks
// or the cpuset change. What is computed must be right, and nothing may be left.
func TestStress(t *testing.T) {
	for _, c := range []struct {
		arm, topo string
		changes   string // masks, cpuset: threads are bound for real, and somebody changes that
	}{
		{"gm", "synthetic:2x2", ""},
		{"flat", "synthetic:2x2", ""},
		{"numa", "synthetic:2x2", ""},
		{"numa", "synthetic:2x1", "masks"},
		{"numa", "synthetic:2x1", "cpuset"},
	} {
		t.Run(strings.TrimSuffix(c.arm+"/"+c.topo+"/"+c.changes, "/"), func(t *testing.T) {
			if c.changes == "cpuset" && os.Getenv("NUMASCHED_CPUSET_STRESS") == "" {
				t.Skip("NUMASCHED_CPUSET_STRESS is not set: on a busy computer one run in twenty leaves a thread on one CPU, and it is not known why")
			}
			leakcheck.After(t)
			m := stressed(t, c.topo, c.changes != "")
			arm, err := policy.ByName(c.arm)
			if err != nil {
				t.Fatal(err)
			}
			cfg := sched.Config{Machine: m, Arm: arm, Report: func(string) {}}
			if os.Getenv("NUMASCHED_LONG_TESTS") == "" {
				cfg.Events = trace.Checked(t) // it keeps all events
			}
			s, err := sched.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			most := s.Procs()
			defer debug.SetGCPercent(debug.SetGCPercent(1))
			quit := make(chan struct{})
			var others sync.WaitGroup
			again := func(pause time.Duration, f func(r *rand.Rand)) {
				others.Go(func() {
					r := rand.New(rand.NewPCG(1, uint64(pause)))
					for {
						select {
						case <-quit:
							return
						case <-time.After(time.Duration(r.Int64N(int64(pause)))):
							f(r)
						}
					}
				})
			}
			again(time.Millisecond, func(r *rand.Rand) {
				if err := s.SetProcs(nil, 1+r.IntN(most)); err != nil {
					t.Error(err)
				}
			})
			again(500*time.Microsecond, func(r *rand.Rand) {
				tids, _ := numa.Threads()
				for _, tid := range tids {
					unix.Tgkill(os.Getpid(), tid, unix.SIGURG) // it may have ended
				}
			})
			again(20*time.Millisecond, func(*rand.Rand) { s.Stats() })
			switch c.changes {
			case "cpuset":
				set := ownCPUSet(t, topology.CPUs(0, 1))
				again(20*time.Millisecond, func(r *rand.Rand) {
					if n := r.IntN(3); n < 2 {
						set.narrow(topology.CPUs(n))
					} else {
						set.narrow(topology.CPUs(0, 1))
					}
				})
				defer set.narrow(topology.CPUs(0, 1))
			case "masks":
				all := processMask(t)
				again(20*time.Millisecond, func(r *rand.Rand) {
					to := all
					if r.IntN(2) == 0 {
						to = topology.CPUs(r.IntN(2))
					}
					letAllRunOn(to)
				})
				defer letAllRunOn(all)
			}
			for end := time.Now().Add(stressTime()); time.Now().Before(end) && !t.Failed(); {
				if err := s.Run(func(g *sched.G) { stress(t, s, g) }); err != nil {
					t.Fatal(err)
				}
			}
			close(quit)
			others.Wait()
			if c.changes == "masks" {
				letAllRunOn(processMask(t))
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// stressed returns a Machine of the topology. If threads are to be bound, they are for real.
func stressed(t *testing.T, topo string, real bool) *Machine {
	if real {
		return forReal(t)
	}
	tp, err := topology.Load(topo)
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(Config{Topology: tp})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// letAllRunOn gives all threads a mask, as taskset -a does.
func letAllRunOn(cpus topology.CPUSet) {
	seen := make(map[int]bool)
	for more := true; more; { // a thread whose turn is still to come may make another one meanwhile
		more = false
		tids, _ := numa.Threads()
		for _, tid := range tids {
			if !seen[tid] {
				seen[tid], more = true, true
				numa.SetAffinity(tid, cpus) // it may have ended
			}
		}
	}
}

// StressNetwork is set by a test that can import package hostnet.
var StressNetwork func(t *testing.T, g *sched.G)

// stressContext waits for everything that a G can wait for until a context ends, which may be
// at any time.
func stressContext(t *testing.T, g *sched.G, mu *sched.Mutex, rw *sched.RWMutex, c *sched.Cond) {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Microsecond)
	defer cancel()
	if mu.LockContext(ctx, g) == nil {
		for c.WaitContext(ctx, g) == nil {
		}
		mu.Unlock(g)
	}
	if rw.LockContext(ctx, g) == nil {
		t.Error("locked under a context that is done")
		rw.Unlock(g)
	}
	ctx, cancel = context.WithTimeout(context.Background(), 50*time.Microsecond)
	defer cancel()
	for rw.RLockContext(ctx, g) == nil {
		rw.RUnlock(g)
		if rw.LockContext(ctx, g) == nil {
			g.Yield()
			rw.Unlock(g)
		}
	}
	ctx, cancel = context.WithTimeout(context.Background(), 50*time.Microsecond)
	defer cancel()
	var gr sched.Group
	never := sched.NewChan[int](g.Sched(), 0)
	gr.Go(g, func(g *sched.G) {
		if _, _, err := never.RecvContext(ctx, g); err != context.DeadlineExceeded {
			t.Errorf("a receive from nobody returned %v", err)
		}
	})
	if err := gr.WaitContext(ctx, g); err != nil {
		gr.Wait(g)
	}
}

// stress has Gs do all that Gs can do, for about a millisecond.
func stress(t *testing.T, s *sched.Sched, g *sched.G) {
	var fib func(g *sched.G, n int) int
	fib = func(g *sched.G, n int) int {
		if n < 2 {
			return n
		}
		c := g.Fork(func(g *sched.G, arg sched.Arg) int { return fib(g, arg.A) }, sched.Arg{A: n - 1})
		y := fib(g, n-2)
		return g.Join(c) + y
	}
	var gr sched.Group
	var mu sched.Mutex
	var rw sched.RWMutex
	all := sched.NewCond(&mu)
	results, locked := sched.NewChan[int](s, 3), sched.NewChan[int](s, 0)
	const n = 24
	held, written := 0, 0
	for i := range n {
		gr.GoAt(g, sched.OnNode(i%2), func(g *sched.G) {
			switch i % 8 {
			case 0:
				g.Sleep(time.Duration(i) * 10 * time.Microsecond)
			case 1:
				g.Syscall(func() { time.Sleep(50 * time.Microsecond) })
			case 2:
				timer := g.NewTimer(time.Duration(i) * 10 * time.Microsecond)
				g.Select(timer.C.RecvCase(nil, nil), locked.RecvCase(nil, nil))
				timer.Stop(g)
			case 3:
				p, err := g.Alloc(64)
				if err != nil {
					t.Error(err)
					break
				}
				g.Yield()
				g.Free(p)
			case 4:
				rw.Lock(g)
				written++
				g.Yield()
				written++
				rw.Unlock(g)
			case 5:
				rw.RLock(g)
				if written%2 != 0 {
					t.Error("a G reads while another writes")
				}
				g.Yield()
				rw.RUnlock(g)
			case 6:
				stressContext(t, g, &mu, &rw, all)
			case 7:
				if i == 7 && StressNetwork != nil {
					StressNetwork(t, g)
				}
			}
			mu.Lock(g)
			held++
			all.Broadcast(g)
			mu.Unlock(g)
			results.Send(g, fib(g, 8))
		})
	}
	g.GoLocked(func(g *sched.G) {
		g.Yield()
		results.Send(g, 21)
	})
	for range n + 1 {
		if v, _ := results.Recv(g); v != 21 {
			t.Errorf("fib of 8 is %d, want 21", v)
		}
	}
	mu.Lock(g)
	for held != n {
		all.Wait(g)
	}
	mu.Unlock(g)
	gr.Wait(g)
	if written != n/4 {
		t.Errorf("there were %d writes, want %d", written, n/4)
	}
	if held != n {
		t.Errorf("the mutex was held %d times, want %d", held, n)
	}
}
