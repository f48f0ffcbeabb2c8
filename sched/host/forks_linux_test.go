package host

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"numasched/numa"
	"numasched/numa/leakcheck"
	"numasched/sched"
	"numasched/topology"
)

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

// A thread that is made on a bound thread has its mask and name. It gets the process's
// own when the Machine looks for such threads.
func TestClonesOfBoundThreadsGetTheMaskOfTheProcess(t *testing.T) {
	m := forReal(t)
	defer m.Close()
	all := processMask(t)
	onThread(func() {
		if err := m.Bind(newM(), topology.CPUs(0)); err != nil {
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
			sm := newM()
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

// A thread that was made on a bound thread must be known for a clone whatever its maker does
// meanwhile: the main thread may have lent its mask, because a process is about to be
// started, and a thread that gets another mask has its new name already.
func TestClonesAreKnownWhateverTheirMakerDoes(t *testing.T) {
	needsTwoCPUs(t)
	all := processMask(t)
	b := &masks{all: all, given: []topology.CPUSet{topology.CPUs(0), topology.CPUs(1)}, process: threadName(os.Getpid())}
	onThread(func() {
		tid, mask := numa.CurrentThread(), topology.CPUs(0)
		if err := numa.SetAffinity(0, mask); err != nil {
			t.Fatal(err)
		}
		if b.isClone(tid, mask) {
			t.Error("a thread counts as a clone although no thread is bound")
		}
		main := &boundThread{former: all, mark: 0, shown: mask}
		b.threads, b.elders = map[int]*boundThread{os.Getpid(): main}, map[int]bool{}
		for _, main.lent = range []int{0, 1} {
			if !b.isClone(tid, mask) {
				t.Errorf("a clone of the main thread is not known, while that has lent its mask %d times", main.lent)
			}
		}
		b.elders[tid] = true
		if b.isClone(tid, mask) {
			t.Error("a thread that is older than the main thread's mask counts as its clone")
		}
		setThreadName(tid, markName(1))
		if !b.isClone(tid, mask) {
			t.Error("a clone with its maker's next name is not known")
		}
	})
}

// A thread takes up the signal only when it is not in the midst of a call of the kernel's.
func TestSettleWaitsForThreadsThatRun(t *testing.T) {
	var quit atomic.Bool
	tid := make(chan int)
	go func() {
		runtime.LockOSThread()
		for tid <- numa.CurrentThread(); !quit.Load(); {
		}
	}()
	defer quit.Store(true)
	busy := <-tid
	b := &masks{threads: map[int]*boundThread{busy: {}, os.Getpid(): {}}}
	for range 20 {
		if b.settle() {
			return
		}
	}
	t.Error("threads that run do not take up signals")
}
