package host

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"numasched/sched"
	"numasched/topology"
)

// A cpuset is a control group of the test's own that this process is in.
type cpuset struct {
	t   *testing.T
	dir string
}

// ownCPUSet moves this process into a new cpuset with the CPUs that it has now, until the
// test ends. It skips the test where that is not allowed.
func ownCPUSet(t *testing.T, cpus topology.CPUSet) *cpuset {
	t.Helper()
	for _, root := range []string{"/sys/fs/cgroup/cpuset", "/sys/fs/cgroup"} { // of version 1, and of 2
		c := &cpuset{t, filepath.Join(root, fmt.Sprintf("numasched-test-%d", os.Getpid()))}
		if _, err := os.Stat(filepath.Join(root, "cgroup.procs")); err != nil || os.Mkdir(c.dir, 0o755) != nil {
			continue
		}
		t.Cleanup(func() { os.Remove(c.dir) })
		if mems, err := os.ReadFile(filepath.Join(root, "cpuset.mems")); err == nil {
			os.WriteFile(filepath.Join(c.dir, "cpuset.mems"), mems, 0o644)
		}
		if os.WriteFile(filepath.Join(c.dir, "cpuset.cpus"), []byte(cpus.String()), 0o644) != nil {
			continue
		}
		former := filepath.Join(root, memberOf(t, root == "/sys/fs/cgroup/cpuset"), "cgroup.procs")
		pid := []byte(fmt.Sprint(os.Getpid()))
		if _, err := os.Stat(former); err != nil {
			continue // a container sees only a part of the hierarchy
		}
		if os.WriteFile(filepath.Join(c.dir, "cgroup.procs"), pid, 0o644) != nil {
			continue
		}
		t.Cleanup(func() {
			if err := os.WriteFile(former, pid, 0o644); err != nil {
				t.Error(err)
			}
		})
		return c
	}
	t.Skip("no cpuset can be made here: it takes root, and a hierarchy of cgroups with the cpuset controller")
	return nil
}

// memberOf returns the group of the cpuset hierarchy that this process is in.
func memberOf(t *testing.T, version1 bool) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) == 3 && slices.Contains(strings.Split(f[1], ","), map[bool]string{true: "cpuset", false: ""}[version1]) {
			return f[2]
		}
	}
	t.Fatalf("/proc/self/cgroup names no group of the cpuset hierarchy: %s", text)
	return ""
}

// narrow has the process run on cpus only, as whoever runs a container does. Any goroutine may
// call it.
func (c *cpuset) narrow(cpus topology.CPUSet) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, "cpuset.cpus"), []byte(cpus.String()), 0o644); err != nil {
		c.t.Error(err)
	}
}

// When a cpuset is narrowed, threads are bound within what is left. When it is widened, they are
// bound as before. Each is reported, and Ps follow if they are to.
func TestThreadsAreBoundWithinACpusetThatChanges(t *testing.T) {
	for _, follow := range []bool{false, true} {
		t.Run(fmt.Sprintf("follow %v", follow), func(t *testing.T) {
			m := forReal(t)
			set := ownCPUSet(t, topology.CPUs(0, 1))
			reports := make(reports, 100)
			s := newSchedOf(t, sched.Config{Machine: m, FollowCPUs: follow, Report: reports.add})
			during(t, s, func() {
				eventually(t, "threads are bound to both nodes", bothNodesBound)
				for _, cpu := range []int{0, 1} {
					set.narrow(topology.CPUs(cpu))
					if text := reports.next(t); !strings.Contains(text, fmt.Sprintf("the process may run on CPUs %d now", cpu)) {
						t.Errorf("report %q", text)
					}
					if got, want := s.Procs(), map[bool]int{false: 2, true: 1}[follow]; got != want {
						t.Errorf("%d Ps, want %d", got, want)
					}
					if got := childMask(t); got != fmt.Sprint(cpu) {
						t.Errorf("a child may run on CPUs %s, want %d", got, cpu)
					}
					set.narrow(topology.CPUs(0, 1))
					if text := reports.next(t); !strings.Contains(text, "the process may run on CPUs 0-1 now") {
						t.Errorf("report %q", text)
					}
					eventually(t, "threads are bound to both nodes again", bothNodesBound)
					if got := childMask(t); got != "0,1" && got != "0-1" {
						t.Errorf("a child may run on CPUs %s, want 0-1", got)
					}
				}
			})
			closeBoth(t, s, m)
			eventually(t, "all threads run on all CPUs after Close", func() bool { return allRunOn(topology.CPUs(0, 1)) })
		})
	}
}
