package host

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"numasched/numa"
	"numasched/numa/leakcheck"
	"numasched/sched"
	"numasched/sched/policy"
	"numasched/topology"
)

// forReal returns a Machine of two made-up nodes of one CPU each, 0 and 1, to which
// it binds threads for real.
func forReal(t *testing.T) *Machine {
	t.Helper()
	if all := processMask(t); !topology.CPUs(0, 1).AndNot(all).Empty() {
		t.Skipf("needs CPUs 0 and 1, has %s", all)
	}
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

func newSched(t *testing.T, m *Machine) *sched.Sched {
	t.Helper()
	arm, err := policy.ByName("numa")
	if err != nil {
		t.Fatal(err)
	}
	s, err := sched.New(sched.Config{Machine: m, Arm: arm})
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

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !f(); time.Sleep(time.Millisecond) {
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
		t.Skip(err)
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
		before, _ := numa.Affinity(0)
		defer numa.SetAffinity(0, before) // the main thread does not end
		err := numa.SetAffinity(0, cpus)
		if err == nil && f != nil {
			f()
		}
		ready <- err
		<-p.quit
	}()
	if err := <-ready; err != nil {
		t.Skip(err)
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

func TestThreadsAreBoundWhileMsRunAndNotAfterwards(t *testing.T) {
	leakcheck.After(t)
	m := forReal(t)
	s := newSched(t, m)
	during(t, s, func() {
		eventually(t, "threads with the masks of both nodes have their names", func() bool {
			masks := make(map[string]bool)
			for _, tid := range bound() {
				mask, _ := numa.Affinity(tid)
				if tid == os.Getpid() || strings.HasPrefix(threadName(tid), markPrefix) {
					masks[mask.String()] = true
				}
			}
			return masks["0"] && masks["1"]
		})
	})
	closeBoth(t, s, m)
}

func TestAClosedSchedulersThreadsAreFreeBeforeTheMachineIsClosed(t *testing.T) {
	leakcheck.After(t)
	m := forReal(t)
	s := newSched(t, m)
	during(t, s, func() {})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	eventually(t, "no thread is bound", func() bool { return len(bound()) == 0 })
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

// Where there is one node, nothing is narrowed, named or watched.
func TestOneNodeIsNotBound(t *testing.T) {
	leakcheck.After(t)
	m := forReal(t)
	s := newSched(t, m)
	all := processMask(t)
	for range 3 {
		if err := m.Bind(new(sched.M), all); err != nil {
			t.Error(err)
		}
	}
	processMasks.mu.Lock()
	open := len(processMasks.machines)
	processMasks.mu.Unlock()
	if open > 0 || strings.HasPrefix(threadName(numa.CurrentThread()), markPrefix) {
		t.Errorf("%d Machines bind threads; this one is called %s", open, threadName(numa.CurrentThread()))
	}
	closeBoth(t, s, m)
}

// Ms' threads are narrowed; the machine that a goroutine on one of them sees is not.
func TestHostIsTheSameOnTheThreadsOfMs(t *testing.T) {
	leakcheck.After(t)
	m := forReal(t)
	s := newSched(t, m)
	all := processMask(t)
	during(t, s, func() {
		err := s.Run(func(g *sched.G) {
			for range 20 {
				topo, err := topology.Host()
				if err != nil || !topo.Allowed.Equal(all) {
					t.Errorf("the host allows CPUs %s (%v), want %s", topo.Allowed, err, all)
				}
				g.Yield()
			}
		})
		if err != nil {
			t.Error(err)
		}
		another, err := New(Config{Procs: all.Len()})
		if err != nil {
			t.Fatal(err)
		}
		another.Close()
	})
	closeBoth(t, s, m)
}

// childMask returns the mask that a process has that is started now.
func childMask(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("grep", "Cpus_allowed_list", "/proc/self/status").Output()
	if err != nil {
		t.Error(err)
		return ""
	}
	return strings.Fields(string(out))[1]
}

func TestNoProcessInheritsTheMaskOfABoundThread(t *testing.T) {
	leakcheck.After(t)
	m := forReal(t)
	s := newSched(t, m)
	want := processMask(t).String()
	narrow := func(who string) {
		if got := childMask(t); got != want {
			t.Errorf("a child of %s may run on CPUs %s, want %s", who, got, want)
		}
	}
	during(t, s, func() {
		var started sync.WaitGroup
		for range 4 {
			started.Go(func() {
				for range 15 {
					narrow("a goroutine")
				}
			})
		}
		err := s.Run(func(g *sched.G) {
			var gr sched.Group
			for range 4 {
				gr.Go(g, func(g *sched.G) {
					for range 15 {
						narrow("a G")
						g.Yield()
					}
				})
			}
			gr.Wait(g)
		})
		if err != nil {
			t.Error(err)
		}
		started.Wait()
		eventually(t, "threads are bound again", func() bool {
			return slices.ContainsFunc(bound(), func(tid int) bool {
				mask, _ := numa.Affinity(tid)
				return mask.String() != want
			})
		})
	})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	narrow("a goroutine, with the Machine still open,")
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

func TestUnboundRunsOnAThreadWithItsFormerMask(t *testing.T) {
	leakcheck.After(t)
	m := forReal(t)
	s := newSched(t, m)
	want := processMask(t)
	during(t, s, func() {
		err := s.Run(func(g *sched.G) {
			for range 100 {
				Unbound(func() { wantMask(t, 0, "in Unbound", want) })
				g.Yield()
			}
		})
		if err != nil {
			t.Error(err)
		}
	})
	if w := m.Warnings(); len(w) > 0 {
		t.Errorf("warnings %q", w)
	}
	closeBoth(t, s, m)
	Unbound(func() { wantMask(t, 0, "without any Machine", want) })
}

// Threads that the program pins before or while a scheduler runs, to what happens to
// be a node, are not the Machine's to restore.
func TestThreadsThatTheProgramPinsStayPinned(t *testing.T) {
	m := forReal(t)
	s := newSched(t, m)
	one := topology.CPUs(0)
	before := pin(t, one, nil)
	during(t, s, func() {
		var meanwhile []*pinned
		for i := range 4 {
			p := pin(t, topology.CPUs(i%2), nil)
			meanwhile = append(meanwhile, p)
		}
		for range 3 {
			childMask(t) // restores masks for a moment, and looks for clones
		}
		wantMask(t, before.tid, "while Ms run, the pinned", one)
		for i, p := range meanwhile {
			wantMask(t, p.tid, "while Ms run, the later pinned", topology.CPUs(i%2))
		}
		for _, p := range meanwhile {
			p.end()
		}
	})
	closeBoth(t, s, m)
	wantMask(t, before.tid, "after Close, the pinned", one)
}

// New may be called on a thread that is pinned: what the other threads had before
// they get back.
func TestAMachineMadeOnAPinnedThreadRestoresTheMasksOfOthers(t *testing.T) {
	leakcheck.After(t)
	var m *Machine
	pin(t, topology.CPUs(0), func() { m = forReal(t) }).end()
	s := newSched(t, m)
	during(t, s, func() {})
	closeBoth(t, s, m)
}

// taskset runs taskset -a, as somebody would from outside.
func taskset(t *testing.T, cpus topology.CPUSet) {
	t.Helper()
	if _, err := exec.LookPath("taskset"); err != nil {
		t.Skip(err)
	}
	var out []byte
	var err error
	for range 100 { // it gives up when a thread ends before its turn has come
		out, err = exec.Command("taskset", "-apc", cpus.String(), fmt.Sprint(os.Getpid())).CombinedOutput()
		if err == nil {
			return
		}
	}
	t.Fatalf("taskset: %v, %s", err, out)
}

func TestWhatTasksetDoesFromOutsideLasts(t *testing.T) {
	all := processMask(t)
	defer taskset(t, all)
	for _, narrow := range []topology.CPUSet{topology.CPUs(0), topology.CPUs(1)} {
		m := forReal(t)
		s := newSched(t, m)
		narrowed := func(when string) {
			tids, _ := numa.Threads()
			for _, tid := range tids {
				if mask, err := numa.Affinity(tid); err == nil && !mask.Equal(narrow) {
					t.Errorf("taskset let all threads run on CPUs %s; %s thread %d may run on %s", narrow, when, tid, mask)
				}
			}
		}
		during(t, s, func() {
			eventually(t, "two threads are bound", func() bool { return len(bound()) == 2 })
			taskset(t, narrow)
			eventually(t, "it is noticed", func() bool {
				return slices.ContainsFunc(m.Warnings(), func(w string) bool {
					return strings.Contains(w, "somebody else") && strings.Contains(w, "CPUs "+narrow.String())
				})
			})
			narrowed("while Ms run,")
			if got := childMask(t); got != narrow.String() {
				t.Errorf("a child may run on CPUs %s, want %s", got, narrow)
			}
		})
		if errs := s.BindErrors(); len(errs) == 0 {
			t.Error("BindErrors is empty")
		}
		closeBoth(t, s, m)
		narrowed("after Close")
		taskset(t, all)
	}
}

// A process that is narrowed between New and the first binding stays narrow.
func TestTasksetBeforeTheFirstBindingLasts(t *testing.T) {
	all := processMask(t)
	defer taskset(t, all)
	m := forReal(t)
	s := newSched(t, m)
	taskset(t, topology.CPUs(1))
	for range 2 {
		if err := s.Run(func(g *sched.G) {
			var gr sched.Group
			for range 100 {
				gr.Go(g, func(g *sched.G) { g.Yield() })
			}
			gr.Wait(g)
		}); err != nil {
			t.Error(err)
		}
	}
	if got := processMask(t); !got.Equal(topology.CPUs(1)) {
		t.Errorf("the process may run on %s after taskset let it run on 1", got)
	}
	closeBoth(t, s, m)
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

// A thread that is made on a bound thread has its mask and name. It gets the process's
// own when the Machine looks for such threads.
func TestClonesOfBoundThreadsGetTheMaskOfTheProcess(t *testing.T) {
	m := forReal(t)
	defer m.Close()
	all := processMask(t)
	onThread(func() {
		if err := m.Bind(new(sched.M), topology.CPUs(0)); err != nil {
			t.Fatal(err)
		}
		mask, name := topology.CPUs(0), threadName(numa.CurrentThread())
		if !strings.HasPrefix(name, markPrefix) {
			t.Errorf("a bound thread is called %q", name)
		}
		// As the kernel makes a clone:
		onThread(func() {
			tid := numa.CurrentThread()
			if err := numa.SetAffinity(0, mask); err != nil {
				t.Fatal(err)
			}
			setThreadName(tid, name)
			processMasks.mu.Lock()
			defer processMasks.mu.Unlock()
			if err := processMasks.freeClones(); err != nil {
				t.Error(err)
			}
			wantMask(t, 0, "a clone's", all)
			if got := threadName(tid); got != processMasks.process {
				t.Errorf("it is called %q, want %q", got, processMasks.process)
			}
		})
		wantMask(t, 0, "the bound", mask)
		// A clone that an M binds was never meant to have the mask it came with.
		onThread(func() {
			if err := numa.SetAffinity(0, mask); err != nil {
				t.Fatal(err)
			}
			setThreadName(numa.CurrentThread(), name)
			sm := new(sched.M)
			if err := m.Bind(sm, topology.CPUs(1)); err != nil {
				t.Fatal(err)
			}
			processMasks.unbind(sm)
			wantMask(t, 0, "a clone that was bound itself, afterwards,", all)
			if got := threadName(numa.CurrentThread()); got != processMasks.process {
				t.Errorf("it is called %q, want %q", got, processMasks.process)
			}
		})
	})
}

// A CPU that goes offline or leaves the cpuset is taken out of masks by the kernel.
func TestWhatTheKernelTakesFromAMaskIsNobodysDoing(t *testing.T) {
	m := forReal(t)
	defer m.Close()
	b := &masks{given: []topology.CPUSet{topology.CPUs(0, 5000)}}
	thread := &boundThread{former: topology.CPUs(1, 5000), shown: topology.CPUs(0, 5000)}
	if b.mine(thread, topology.CPUs(1)) {
		t.Error("a mask that nobody gave counts as the Machine's")
	}
	if !b.mine(thread, topology.CPUs(0)) {
		t.Error("a mask without the CPUs that have gone counts as somebody else's")
	}
	thread.lent = 1
	if !b.mine(thread, topology.CPUs(1)) {
		t.Error("the former mask without the CPUs that have gone counts as somebody else's")
	}
}

func TestAnMThatBindsAnotherThreadFreesTheOneBefore(t *testing.T) {
	m := forReal(t)
	defer m.Close()
	all := processMask(t)
	sm := new(sched.M)
	onThread(func() {
		if err := m.Bind(sm, topology.CPUs(0)); err != nil {
			t.Fatal(err)
		}
		first := numa.CurrentThread()
		onThread(func() {
			if err := m.Bind(sm, topology.CPUs(1)); err != nil {
				t.Fatal(err)
			}
			wantMask(t, first, "the former", all)
			wantMask(t, 0, "the new", topology.CPUs(1))
		})
	})
}

// Machines share the process, and may be closed in any order.
func TestMachinesRestoreMasksInAnyOrder(t *testing.T) {
	for _, order := range [][2]int{{0, 1}, {1, 0}} {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			leakcheck.After(t)
			ms := [2]*Machine{forReal(t), forReal(t)}
			all := processMask(t)
			onThread(func() {
				// Both bind one thread, as Ms of both may come by.
				for i, m := range ms {
					if err := m.Bind(new(sched.M), topology.CPUs(i)); err != nil {
						t.Fatal(err)
					}
				}
				var first topology.CPUSet
				if first = all; order[0] == 0 {
					first = topology.CPUs(1) // it is the other's by now
				}
				ms[order[0]].Close()
				wantMask(t, 0, "after the first Close the", first)
				ms[order[1]].Close()
				wantMask(t, 0, "after both the", all)
			})
		})
	}
}
