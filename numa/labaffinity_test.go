//go:build numalab && linux

package numa

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"numasched/topology"
)

func TestLabThreadsRunWhereTheyAreBound(t *testing.T) {
	nodes, _ := lab(t)
	locked(t, func() {
		for _, n := range nodes {
			for _, cpu := range n.CPUs {
				if err := SetAffinity(0, topology.CPUs(cpu)); err != nil {
					t.Fatal(err)
				}
				c, k := CurrentCPU()
				c2, k2 := getcpu()
				if c != cpu || k != n.ID || c2 != cpu || k2 != n.ID {
					t.Errorf("bound to CPU %d of node %d: runs on CPU %d of node %d, and by the system call on %d of %d",
						cpu, n.ID, c, k, c2, k2)
				}
			}
			if len(n.CPUs) == 0 {
				continue
			}
			if err := SetAffinity(0, topology.CPUs(n.CPUs...)); err != nil {
				t.Fatal(err)
			}
			for range 1000 {
				if _, k := CurrentCPU(); k != n.ID {
					t.Fatalf("bound to node %d: runs on node %d", n.ID, k)
				}
				runtime.Gosched()
			}
		}
	})
}

func TestLabChildrenInheritACleanMaskAfterRestoration(t *testing.T) {
	nodes, _ := lab(t)
	var all []int
	for _, n := range nodes {
		all = append(all, n.CPUs...)
	}
	want := topology.CPUs(all...).String()
	locked(t, func() {
		before, err := Affinity(0)
		if err != nil {
			t.Fatal(err)
		}
		narrow := topology.CPUs(nodes[0].CPUs...)
		if err := SetAffinity(0, narrow); err != nil {
			t.Fatal(err)
		}
		if got := child(t, "mask"); got != narrow.String() {
			t.Errorf("a child of a thread on %q has %q", narrow, got)
		}
		if err := SetAffinity(0, before); err != nil {
			t.Fatal(err)
		}
		if got := child(t, "mask"); got != want {
			t.Errorf("a child of a restored thread has %q, want %q", got, want)
		}
	})
}

// child runs this program as a child of the calling thread and returns what
// it says of itself.
func child(t *testing.T, what string) string {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run", "^TestLabChild$")
	cmd.Env = append(os.Environ(), "NUMA_LAB_CHILD="+what)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(out), "\n")
	return text
}

func TestLabChild(t *testing.T) {
	// Asked of the main thread, which is the one that was exec'ed.
	var text []byte
	switch os.Getenv("NUMA_LAB_CHILD") {
	case "":
		t.Skip("a helper of other tests")
	case "mask":
		cpus, err := Affinity(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(cpus.String())
	case "policy":
		p, err := CurrentPolicy() // every thread has inherited the main thread's
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(p.String())
	}
	fmt.Println(string(text))
}

func TestLabAnOfflineCPUIsAnErrorThatSaysSo(t *testing.T) {
	nodes, _ := lab(t)
	n := nodes[0]
	if len(n.CPUs) < 2 {
		t.Skip("node 0 has one CPU")
	}
	cpu := n.CPUs[len(n.CPUs)-1]
	online := fmt.Sprintf("/sys/devices/system/cpu/cpu%d/online", cpu)
	if err := os.WriteFile(online, []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	defer os.WriteFile(online, []byte("1"), 0)
	locked(t, func() {
		if err := SetAffinity(0, topology.CPUs(cpu)); err == nil || !strings.Contains(err.Error(), "online and allowed") {
			t.Errorf("bound to an offline CPU: %v", err)
		}
		// What is left of the node can still be used.
		if err := SetAffinity(0, topology.CPUs(n.CPUs...)); err != nil {
			t.Error(err)
		} else if got, _ := Affinity(0); got.Contains(cpu) {
			t.Errorf("mask %q holds the offline CPU %d", got, cpu)
		}
	})
}
