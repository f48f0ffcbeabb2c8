package topology

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A virtualMachine is what QEMU was told to be, and what was done to it since: the truth for
// captures made by scripts/numalab-test.sh --update. It owes nothing to this package.
type virtualMachine struct {
	Nodes []struct {
		ID     int
		CPUs   []int
		Memory int64 // bytes
	}
	Distances    [][]int // nil: 10 and 20
	Offline      []int   `json:",omitempty"`
	Allowed      []int   `json:",omitempty"` // by a cpuset; nil: all that are online
	AllowedNodes []int   `json:",omitempty"` // nil: all with memory
}

// check compares a topology that was read from the machine.
func (v virtualMachine) check(t *testing.T, got *Topology) {
	t.Helper()
	offline := CPUs(v.Offline...)
	var online CPUSet
	withMemory := []int{}
	if len(got.Nodes) != len(v.Nodes) {
		t.Fatalf("%d nodes, want %d", len(got.Nodes), len(v.Nodes))
	}
	var packages []CPUSet
	for i, want := range v.Nodes {
		n := got.Nodes[i]
		cpus := CPUs(want.CPUs...).AndNot(offline)
		online = online.Or(cpus)
		if !cpus.Empty() {
			packages = append(packages, cpus)
		}
		if n.ID != want.ID || !n.CPUs.Equal(cpus) {
			t.Errorf("node %d has CPUs %q, want node %d with %q", n.ID, n.CPUs, want.ID, cpus)
		}
		// The kernel keeps some memory to itself, on any node.
		if n.Memory > want.Memory || n.Memory < want.Memory-64<<20 || want.Memory > 0 && n.Memory == 0 {
			t.Errorf("node %d has %d bytes, want about %d", n.ID, n.Memory, want.Memory)
		}
		if want.Memory > 0 {
			withMemory = append(withMemory, want.ID)
		}
		for j, to := range v.Nodes {
			d := 20
			if i == j {
				d = 10
			}
			if v.Distances != nil {
				d = v.Distances[i][j]
			}
			if got := got.Distance(want.ID, to.ID); got != d {
				t.Errorf("distance from node %d to %d is %d, want %d", want.ID, to.ID, got, d)
			}
		}
		for _, c := range cpus.List() {
			if got.NodeOf(c) != want.ID {
				t.Errorf("CPU %d is on node %d, want %d", c, got.NodeOf(c), want.ID)
			}
		}
	}
	allowed := online
	if v.Allowed != nil {
		allowed = CPUs(v.Allowed...)
	}
	if v.AllowedNodes != nil {
		withMemory = v.AllowedNodes
	}
	if !got.Online.Equal(online) || !got.Offline.Equal(offline) || !got.Allowed.Equal(allowed) {
		t.Errorf("online %q, offline %q, allowed %q; want %q, %q, %q", got.Online, got.Offline, got.Allowed, online, offline, allowed)
	}
	if allowed := got.NodesWith(MayAllocate).List(); !slices.Equal(allowed, withMemory) {
		t.Errorf("memory of nodes %v is allowed, want %v", allowed, withMemory)
	}
	if !slices.EqualFunc(got.Packages, packages, CPUSet.Equal) {
		t.Errorf("packages %v, want one for each node with CPUs: %v", got.Packages, packages)
	}
	if len(got.Cores) != online.Len() {
		t.Errorf("%d cores of %d CPUs without siblings", len(got.Cores), online.Len())
	}
}

func TestCapturesOfVirtualMachinesAreWhatQEMUWasTold(t *testing.T) {
	files, err := filepath.Glob("testdata/virtual/*.json")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d captures in testdata/virtual, error %v; want at least 8", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(file, ".json")
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var v virtualMachine
			if err := json.Unmarshal(text, &v); err != nil {
				t.Fatal(err)
			}
			got, err := Open(name + ".tar.gz")
			if err != nil {
				t.Fatal(err)
			}
			v.check(t, got)
		})
	}
}
