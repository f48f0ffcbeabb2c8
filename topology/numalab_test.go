//go:build numalab && linux

package topology

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// These tests run as root in a virtual machine: see scripts/numalab-test.sh.

func thisMachine(t *testing.T) virtualMachine {
	t.Helper()
	text := os.Getenv("NUMALAB_SHAPE")
	if text == "" {
		t.Skip("not in a virtual machine: run scripts/numalab-test.sh")
	}
	var v virtualMachine
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// checkHost compares Host, and a capture of it, with v, and leaves the
// capture and v among the results.
func checkHost(t *testing.T, v virtualMachine, suffix string) {
	t.Helper()
	got, err := Host()
	if err != nil {
		t.Fatal(err)
	}
	v.check(t, got)
	base := filepath.Join(os.Getenv("NUMALAB_RESULTS"), os.Getenv("NUMALAB_NAME")+suffix)
	f, err := os.Create(base + ".tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := Capture(f, os.DirFS("/")); err != nil {
		t.Fatal(err)
	}
	captured, err := Open(base + ".tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	v.check(t, captured)
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(base+".json", append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestLabHostIsWhatQEMUWasTold(t *testing.T) {
	checkHost(t, thisMachine(t), "")
}

func TestLabHostKnowsOfflineCPUs(t *testing.T) {
	v := thisMachine(t)
	// The last CPU of every node that keeps one.
	for _, n := range v.Nodes {
		if len(n.CPUs) > 1 {
			v.Offline = append(v.Offline, n.CPUs[len(n.CPUs)-1])
		}
	}
	if v.Offline == nil {
		t.Skip("no node has two CPUs")
	}
	for _, c := range v.Offline {
		online := fmt.Sprintf("/sys/devices/system/cpu/cpu%d/online", c)
		write(t, online, "0")
		defer write(t, online, "1")
	}
	checkHost(t, v, "-offline")
}

func TestLabHostKnowsItsCpuset(t *testing.T) {
	v := thisMachine(t)
	const root = "/sys/fs/cgroup"
	const group = root + "/lab"
	write(t, root+"/cgroup.subtree_control", "+cpuset")
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Fatal(err)
	}
	// The last node with CPUs, and the memory of the first node.
	for _, n := range v.Nodes {
		if len(n.CPUs) > 0 {
			v.Allowed = n.CPUs
		}
	}
	v.AllowedNodes = []int{v.Nodes[0].ID}
	write(t, group+"/cpuset.cpus", CPUs(v.Allowed...).String())
	write(t, group+"/cpuset.mems", strconv.Itoa(v.AllowedNodes[0]))
	pid := strconv.Itoa(os.Getpid())
	write(t, group+"/cgroup.procs", pid)
	defer func() {
		write(t, root+"/cgroup.procs", pid)
		os.Remove(group)
	}()
	checkHost(t, v, "-cpuset")
}
