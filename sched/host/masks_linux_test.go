package host

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"numasched/numa"
	"numasched/numa/leakcheck"
	"numasched/sched"
	"numasched/sched/internal/machine"
	"numasched/topology"
)

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

// The pages that a Work is the first to touch lie where it runs. So it stays on the
// thread that was bound, even if Go's runtime lets others have its turn meanwhile.
func TestAWorkStaysOnItsThread(t *testing.T) {
	leakcheck.After(t)
	m := forReal(t)
	s := newSched(t, m)
	during(t, s, func() {
		err := s.Run(func(g *sched.G) {
			var gr sched.Group
			for range 4 {
				gr.Go(g, func(g *sched.G) {
					for range 20 {
						g.Work(sched.Work{}, func() {
							tid := numa.CurrentThread()
							for range 20 {
								runtime.Gosched()
								if now := numa.CurrentThread(); now != tid {
									t.Errorf("a Work began on thread %d and is on %d", tid, now)
									return
								}
							}
						})
						g.Yield()
					}
				})
			}
			gr.Wait(g)
		})
		if err != nil {
			t.Error(err)
		}
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

// newM returns an M as Newosproc has it.
func newM() *machine.M { return &machine.M{Local: new(local)} }

// Where there is one node, nothing is narrowed, named or watched.
func TestOneNodeIsNotBound(t *testing.T) {
	leakcheck.After(t)
	m := forReal(t)
	s := newSched(t, m)
	all := processMask(t)
	for range 3 {
		if err := m.Bind(newM(), all); err != nil {
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
	needsTwoCPUs(t)
	var m *Machine
	pin(t, topology.CPUs(0), func() { m = forReal(t) }).end()
	s := newSched(t, m)
	during(t, s, func() {})
	closeBoth(t, s, m)
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
	sm := newM()
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
					if err := m.Bind(newM(), topology.CPUs(i)); err != nil {
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
