package host

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"numasched/numa"
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
