package main

import (
	"strconv"
	"strings"
	"testing"

	"numasched/topology"
)

// What locality.sh measures on a virtual machine runs on this one, too: goroutines touch pages in
// every scenario, whichever nodes are pretended. On one node all of them must be local, so this
// does not test where goroutines run.
func TestLocality(t *testing.T) {
	file := program(t, "locality")
	machine, err := topology.Host()
	if err != nil {
		t.Fatal(err)
	}
	for _, gonuma := range []string{"off", "2", "2,heap"} {
		status, out, errs := start(t, gonuma, file, "20ms")
		if status == 3 {
			t.Skip(errs) // the kernel, or a container, does not say where pages lie
		}
		if status != 0 {
			t.Fatalf("GONUMA=%s: exit status %d: %s", gonuma, status, errs)
		}
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if len(lines) != 10 {
			t.Errorf("GONUMA=%s: %d scenarios, want 10:\n%s", gonuma, len(lines), out)
		}
		for _, line := range lines {
			f := strings.Fields(line)
			if len(f) != 4 {
				t.Errorf("GONUMA=%s: line %q, want a name and three numbers", gonuma, line)
				continue
			}
			touches, err1 := strconv.Atoi(f[1])
			share, err2 := strconv.ParseFloat(f[2], 64)
			if err1 != nil || err2 != nil || touches <= 0 || share < 0 || share > 1 {
				t.Errorf("GONUMA=%s: line %q, want touches above 0 and a share of 0 to 1", gonuma, line)
			}
			if len(machine.Nodes) == 1 && share != 1 {
				t.Errorf("GONUMA=%s: line %q on one node, want the share 1", gonuma, line)
			}
		}
	}
}
