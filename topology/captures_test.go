package topology

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"testing"
)

// capturesDir returns the folder of captured machines with known answers, and
// skips the test where it is not. It is optional data, not part of the project.
func capturesDir(t testing.TB) string {
	dir := os.Getenv("NUMASCHED_CAPTURES")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "data", "topologies")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no captured machines here: %v (set NUMASCHED_CAPTURES to their folder)", err)
	}
	return dir
}

func captures(t testing.TB) []string {
	files, _ := filepath.Glob(filepath.Join(capturesDir(t), "*.tar.gz"))
	if len(files) == 0 {
		t.Skip("the folder of captured machines is empty")
	}
	return files
}

// The fields that a capture is graded by. A field of several keys is right if
// all of them are.
var gradedFields = []string{
	"pus", "offline_pus", "cores", "packages", "dies", "clusters", "l1d",
	"l2", "l2_bytes", "l3", "l3_bytes", "numa", "distance_nodes", "distances",
	"allowed_pus", "allowed_nodes", "restricted", "synthetic_single_node",
}

func TestCapturedMachinesAreKnownInEveryField(t *testing.T) {
	right, asked := map[string]int{}, map[string]int{}
	for _, file := range captures(t) {
		name := strings.TrimSuffix(filepath.Base(file), ".tar.gz")
		topo, err := Open(file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := fields(t, topo.Report())
		want := answer(t, strings.TrimSuffix(file, ".tar.gz")+".json")
		for _, f := range gradedFields {
			w, ok := want[f]
			if !ok || skipped(name, f, want) {
				continue
			}
			asked[f]++
			if reflect.DeepEqual(got[f], w) {
				right[f]++
			} else {
				t.Errorf("%s: %s\n got %s\nwant %s", name, f, short(got[f]), short(w))
			}
		}
	}
	names := append([]string(nil), gradedFields...)
	sort.SliceStable(names, func(a, b int) bool { return right[names[a]]*asked[names[b]] < right[names[b]]*asked[names[a]] })
	for _, f := range names {
		if asked[f] > 0 {
			t.Logf("%-22s %3d of %3d  %5.1f %%", f, right[f], asked[f], 100*float64(right[f])/float64(asked[f]))
		}
	}
}

// skipped tells which answers are none: a corrupt tree's packages, and all that
// a capture without CPU files cannot know. What such a capture does know must be
// right still, so an empty answer of ours is all that is forgiven.
func skipped(name, field string, want map[string]any) bool {
	if name == "40intel64-4n10c+pci-conflicts" {
		return field == "packages" || field == "l3" || field == "l3_bytes"
	}
	return want["robustness_only"] == true && field != "pus"
}

func answer(t *testing.T, file string) map[string]any {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if p, ok := m["packages_true"]; ok {
		m["packages"] = p
	}
	return m
}

// fields turns a report into what its JSON reads back as.
func fields(t *testing.T, r Report) map[string]any {
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func short(v any) string {
	s := fmt.Sprint(v)
	if len(s) > 300 {
		s = s[:300] + "..."
	}
	return s
}
