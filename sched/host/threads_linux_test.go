package host

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"numasched/numa"
	"numasched/numa/leakcheck"
	"numasched/sched"
	"numasched/sched/policy"
	"numasched/sched/trace"
	"numasched/topology"
)

// forReal returns a Machine of two made-up nodes of one CPU each, 0 and 1, to which
// it binds threads for real.
func forReal(t *testing.T) *Machine {
	t.Helper()
	leakcheck.After(t)
	needsTwoCPUs(t)
	topo, err := topology.Load("synthetic:2x1")
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(Config{Topology: topo})
	if err != nil {
		t.Fatal(err)
	}
	m.pretended = false
	return m
}

// needsTwoCPUs skips the test where a thread cannot be bound to CPUs 0 and 1. Only the
// test's own goroutine can call it.
func needsTwoCPUs(t *testing.T) {
	t.Helper()
	if all := processMask(t); !topology.CPUs(0, 1).AndNot(all).Empty() {
		t.Skipf("needs CPUs 0 and 1, has %s", all)
	}
}

func newSched(t *testing.T, m *Machine) *sched.Sched {
	t.Helper()
	return newSchedOf(t, sched.Config{Machine: m})
}

// newSchedOf makes a scheduler of the arm numa. What it does is validated.
func newSchedOf(t *testing.T, cfg sched.Config) *sched.Sched {
	t.Helper()
	arm, err := policy.ByName("numa")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Arm, cfg.Events = arm, trace.Checked(t)
	s, err := sched.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// busy keeps every M of s busy, and its threads bound, until stop is closed.
func busy(t *testing.T, s *sched.Sched, stop <-chan struct{}) {
	t.Helper()
	err := s.Run(func(g *sched.G) {
		var gr sched.Group
		for range 8 {
			gr.Go(g, func(g *sched.G) {
				for {
					select {
					case <-stop:
						return
					default:
						g.Yield()
					}
				}
			})
		}
		gr.Wait(g)
	})
	if err != nil {
		t.Error(err)
	}
}

// during runs f while the Ms of s are busy and at least one thread is bound.
func during(t *testing.T, s *sched.Sched, f func()) {
	t.Helper()
	stop := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { busy(t, s, stop) })
	defer running.Wait()
	defer close(stop)
	eventually(t, "a thread is bound", func() bool { return len(bound()) > 0 })
	f()
}

func bound() []int {
	b := &processMasks
	b.mu.Lock()
	defer b.mu.Unlock()
	var tids []int
	for tid := range b.threads {
		tids = append(tids, tid)
	}
	return tids
}

// bothNodesBound reports whether there are threads that run on CPU 0 alone, and on CPU 1 alone.
func bothNodesBound() bool {
	var seen topology.CPUSet
	for _, tid := range bound() {
		if mask, err := numa.Affinity(tid); err == nil && mask.Len() == 1 {
			seen = seen.Or(mask)
		}
	}
	return seen.Equal(topology.CPUs(0, 1))
}

// allRunOn reports whether every thread may run on cpus and nowhere else.
func allRunOn(cpus topology.CPUSet) bool {
	tids, _ := numa.Threads()
	return !slices.ContainsFunc(tids, func(tid int) bool {
		mask, err := numa.Affinity(tid)
		return err == nil && !mask.Equal(cpus)
	})
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not come to pass that %s", what)
		}
	}
}

func closeBoth(t *testing.T, s *sched.Sched, m *Machine) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	tids, _ := numa.Threads()
	for _, tid := range tids {
		if name := threadName(tid); strings.HasPrefix(name, markPrefix) {
			t.Errorf("thread %d is still called %s", tid, name)
		}
	}
}

func processMask(t *testing.T) (all topology.CPUSet) {
	t.Helper()
	tids, err := numa.Threads()
	if err != nil {
		t.Fatal(err)
	}
	for _, tid := range tids {
		if mask, err := numa.Affinity(tid); err == nil {
			all = all.Or(mask)
		}
	}
	return all
}

// A pinned is a thread that the program has given a mask of its own.
type pinned struct {
	tid  int
	quit chan struct{}
	done chan struct{}
}

// pin runs f on a thread that may run on cpus only. The thread ends with the test. It
// is none that an M has bound: a Machine cannot tell whether it or the program has set
// a mask that is the same.
func pin(t *testing.T, cpus topology.CPUSet, f func()) *pinned {
	t.Helper()
	p := &pinned{quit: make(chan struct{}), done: make(chan struct{})}
	ready := make(chan error)
	go func() {
		defer close(p.done)
		runtime.LockOSThread()
		if strings.HasPrefix(threadName(numa.CurrentThread()), markPrefix) || slices.Contains(bound(), numa.CurrentThread()) {
			defer runtime.UnlockOSThread()
			other := pin(t, cpus, f)
			p.tid = other.tid
			ready <- nil
			<-p.quit
			other.end()
			return
		}
		p.tid = numa.CurrentThread()
		// A Machine cannot tell a thread that is younger than the main thread's mask from its clone.
		processMasks.mu.Lock()
		if processMasks.elders != nil {
			processMasks.elders[p.tid] = true
		}
		processMasks.mu.Unlock()
		before, _ := numa.Affinity(0)
		defer numa.SetAffinity(0, before) // the main thread does not end
		err := numa.SetAffinity(0, cpus)
		if err == nil && f != nil {
			f()
		}
		ready <- err
		<-p.quit
	}()
	if err := <-ready; errors.Is(err, syscall.EPERM) {
		t.Skip("this process may not set masks: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.end)
	return p
}

func (p *pinned) end() {
	select {
	case <-p.quit:
	default:
		close(p.quit)
	}
	<-p.done
}

func wantMask(t *testing.T, tid int, when string, want topology.CPUSet) {
	t.Helper()
	if got, err := numa.Affinity(tid); err != nil || !got.Equal(want) {
		t.Errorf("%s thread %d may run on CPUs %s (%v), want %s", when, tid, got, err, want)
	}
}

// onThread runs f, locked to a thread that ends afterwards with whatever mask it has.
func onThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if numa.CurrentThread() == os.Getpid() { // which does not end, and has no name of its own
			defer runtime.UnlockOSThread()
			onThread(f)
			return
		}
		f()
	}()
	<-done
}
