package host

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"numasched/sched"
	"numasched/topology"
)

// taskset runs taskset -a, as somebody would from outside.
func taskset(t *testing.T, cpus topology.CPUSet) {
	t.Helper()
	if _, err := exec.LookPath("taskset"); err != nil {
		t.Skip("taskset is not installed: ", err)
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
		// A thread that asks what the cpuset allows may run anywhere for a moment.
		narrowed := func(when string) {
			eventually(t, fmt.Sprintf("%s all threads run on CPUs %s, as taskset has let them", when, narrow), func() bool { return allRunOn(narrow) })
		}
		during(t, s, func() {
			eventually(t, "two threads are bound", func() bool { return len(bound()) == 2 })
			taskset(t, narrow)
			eventually(t, "it is noticed", func() bool {
				return slices.ContainsFunc(m.Warnings(), func(w string) bool {
					return strings.Contains(w, "somebody else") && strings.Contains(w, "CPUs "+narrow.String())
				})
			})
			narrowed("while Ms run")
			if got := childMask(t); got != narrow.String() {
				t.Errorf("a child may run on CPUs %s, want %s", got, narrow)
			}
		})
		s.Quiesce()
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
	closeBoth(t, s, m)
	eventually(t, "the process runs on CPU 1 alone, as taskset has let it", func() bool { return processMask(t).Equal(topology.CPUs(1)) })
}

// reports are those of a scheduler that say that the process may run elsewhere. On a busy machine
// there may be others.
type reports chan string

func (r reports) add(text string) {
	if strings.Contains(text, "the process may run") {
		r <- text
	}
}

func (r reports) next(t *testing.T) string {
	t.Helper()
	select {
	case text := <-r:
		return text
	case <-time.After(time.Minute):
		t.Error("nobody has noticed where the process may run")
		return ""
	}
}

// When the process is let run where it ran before, threads are bound to nodes again. The
// scheduler says each time what has changed, and has as many Ps as there are CPUs if it was
// asked to.
func TestThreadsAreBoundAgainAfterTaskset(t *testing.T) {
	all := processMask(t)
	for _, follow := range []bool{false, true} {
		t.Run(fmt.Sprintf("follow %v", follow), func(t *testing.T) {
			m := forReal(t)
			defer letAllRunOn(all)
			reports := make(reports, 100)
			s := newSchedOf(t, sched.Config{Machine: m, FollowCPUs: follow, Report: reports.add})
			during(t, s, func() {
				for range 2 {
					letAllRunOn(topology.CPUs(0))
					if text := reports.next(t); !strings.Contains(text, "the process may run on CPUs 0 now") || !strings.Contains(text, "Of nodes [1] nothing is left") {
						t.Errorf("report %q", text)
					}
					if got, want := s.Procs(), map[bool]int{false: 2, true: 1}[follow]; got != want {
						t.Errorf("%d Ps, want %d", got, want)
					}
					letAllRunOn(topology.CPUs(0, 1))
					if text := reports.next(t); !strings.Contains(text, "the process may run on CPUs 0-1 now") || strings.Contains(text, "nothing is left") {
						t.Errorf("report %q", text)
					}
					if got := s.Procs(); got != 2 {
						t.Errorf("%d Ps, want 2", got)
					}
					eventually(t, "threads are bound to both nodes again", bothNodesBound)
				}
			})
			if w := s.Warnings(); len(w) != 4 {
				t.Errorf("%d warnings, want 4: %q", len(w), w)
			}
			closeBoth(t, s, m)
		})
	}
}

// Machines whose threads nobody binds tell of changes, too.
func TestAChangeIsToldWithoutBinding(t *testing.T) {
	all := processMask(t)
	m := forReal(t)
	defer m.Close()
	defer letAllRunOn(all)
	told := make(chan topology.CPUSet, 10)
	detach, err := m.Attach(func(cpus topology.CPUSet, _ string) { told <- cpus })
	if err != nil {
		t.Fatal(err)
	}
	defer detach()
	for _, cpus := range []topology.CPUSet{topology.CPUs(1), topology.CPUs(0, 1), topology.CPUs(0)} {
		letAllRunOn(cpus)
		if got := <-told; !got.Equal(cpus) {
			t.Errorf("told of CPUs %s, want %s", got, cpus)
		}
	}
}
