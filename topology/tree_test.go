package topology

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// A tree is a /sys and /proc in the making: content by path.
type tree map[string]string

// treeOf writes the files that a recent Linux shows on machine t.
func treeOf(t *Topology) tree {
	tr := tree{}
	list := func(s CPUSet) string { return s.list() + "\n" }
	tr[cpuDir+"/online"] = list(t.Online)
	tr[cpuDir+"/present"] = list(t.Online.Or(t.Offline))
	for c := range t.Offline.All() {
		tr.cpu(c, "online", "0\n")
	}
	put := func(sets []CPUSet, name string) {
		for i, s := range sets {
			for c := range s.All() {
				tr.cpu(c, "topology/"+name+"_cpus", maskOf(s)+"\n")
				tr.cpu(c, "topology/"+name+"_cpus_list", list(s))
				tr.cpu(c, "topology/"+name+"_id", fmt.Sprintf("%d\n", i))
			}
		}
	}
	put(t.Cores, "core")
	put(t.Clusters, "cluster")
	put(t.Dies, "die")
	put(t.Packages, "package")
	for c := range t.Online.All() {
		tr.cpu(c, "topology/physical_package_id", fmt.Sprintf("%d\n", t.PackageOf(c)))
		delete(tr, cpuFile(c, "topology/package_id"))
	}
	for i, level := range []struct {
		caches []Cache
		level  int
		kind   string
	}{{t.L1d, 1, "Data"}, {t.L1d, 1, "Instruction"}, {t.L2, 2, "Unified"}, {t.L3, 3, "Unified"}} {
		for _, cache := range level.caches {
			for c := range cache.CPUs.All() {
				dir := fmt.Sprintf("cache/index%d/", i)
				tr.cpu(c, dir+"shared_cpu_map", maskOf(cache.CPUs)+"\n")
				tr.cpu(c, dir+"shared_cpu_list", list(cache.CPUs))
				tr.cpu(c, dir+"level", fmt.Sprintf("%d\n", level.level))
				tr.cpu(c, dir+"type", level.kind+"\n")
				tr.cpu(c, dir+"size", fmt.Sprintf("%dK\n", cache.Bytes>>10))
			}
		}
	}
	if t.OneNodeAssumed {
		tr["proc/meminfo"] = fmt.Sprintf("MemTotal:       %d kB\nMemFree:       1 kB\n", t.Nodes[0].Memory>>10)
		return tr
	}
	var ids CPUSet
	for i, n := range t.Nodes {
		ids.Add(n.ID)
		dir := fmt.Sprintf("%s/node%d/", nodeDir, n.ID)
		tr[dir+"cpumap"] = maskOf(n.CPUs) + "\n"
		tr[dir+"cpulist"] = list(n.CPUs)
		tr[dir+"meminfo"] = fmt.Sprintf("Node %d MemTotal:       %d kB\nNode %d MemFree: 1 kB\n", n.ID, n.Memory>>10, n.ID)
		var row []string
		for j := range t.Nodes {
			d := 10
			if t.Distances != nil {
				d = t.Distances[i][j]
			}
			row = append(row, fmt.Sprint(d))
		}
		tr[dir+"distance"] = strings.Join(row, " ") + "\n"
	}
	tr[nodeDir+"/online"] = list(ids)
	return tr
}

// maskOf formats a set as the kernel does, in words of 32 bits.
func maskOf(s CPUSet) string {
	var words []string
	for i := (len(s.words)*2 - 1); i > 0; i-- {
		words = append(words, fmt.Sprintf("%08x", uint32(s.words[i/2]>>(i%2*32))))
	}
	low := uint32(0)
	if len(s.words) > 0 {
		low = uint32(s.words[0])
	}
	return strings.Join(append(words, fmt.Sprintf("%08x", low)), ",")
}

func cpuFile(cpu int, name string) string { return fmt.Sprintf("%s/cpu%d/%s", cpuDir, cpu, name) }

func (tr tree) cpu(cpu int, name, content string) { tr[cpuFile(cpu, name)] = content }

// drop removes the files that match a pattern of package path.
func (tr tree) drop(patterns ...string) tree {
	for name := range tr {
		for _, p := range patterns {
			if ok, _ := path.Match(p, name); ok || strings.HasPrefix(name, p+"/") {
				delete(tr, name)
			}
		}
	}
	return tr
}

func (tr tree) set(name, content string) tree {
	tr[name] = content
	return tr
}

func (tr tree) fs() fs.FS {
	m := fstest.MapFS{}
	for name, content := range tr {
		m[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return m
}

// inMemory is the tree as a capture holds it: faster than fs.
func (tr tree) inMemory() *memFS {
	m := newMemFS()
	names := make([]string, 0, len(tr))
	for name := range tr {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		m.put(name, &memEntry{data: []byte(tr[name])})
	}
	m.sort()
	return m
}

func (tr tree) read(t testing.TB) *Topology {
	t.Helper()
	var fsys fs.FS = tr.inMemory()
	if len(tr) < 500 {
		fsys = tr.fs() // any fs.FS will do, if it is slow
	}
	topo, err := Read(fsys)
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	check(t, topo)
	return topo
}

// check fails unless what every Topology promises holds of topo.
func check(t testing.TB, topo *Topology) {
	t.Helper()
	fail := func(format string, args ...any) { t.Helper(); t.Fatalf(format, args...) }
	if topo.Online.Empty() {
		fail("no CPU is online")
	}
	if !topo.Online.And(topo.Offline).Empty() {
		fail("CPUs %v are online and offline", topo.Online.And(topo.Offline))
	}
	inside := func(what string, s CPUSet) {
		t.Helper()
		if !s.AndNot(topo.Online).Empty() {
			fail("%s %v has CPUs that are not online", what, s)
		}
	}
	inside("allowed", topo.Allowed)
	if topo.Allowed.Empty() {
		fail("no CPU is allowed")
	}
	ordered := func(what string, sets []CPUSet) {
		t.Helper()
		last := -1
		for _, s := range sets {
			inside(what, s)
			if s.Empty() || s.First() < last {
				fail("%s: %v after one from CPU %d on", what, s, last)
			}
			last = s.First()
		}
	}
	ordered("cores", topo.Cores)
	ordered("clusters", topo.Clusters)
	ordered("dies", topo.Dies)
	ordered("packages", topo.Packages)
	for _, caches := range [][]Cache{topo.L1d, topo.L2, topo.L3} {
		var sets []CPUSet
		for _, c := range caches {
			if c.Bytes < 0 {
				fail("a cache of %d bytes", c.Bytes)
			}
			sets = append(sets, c.CPUs)
		}
		ordered("caches", sets)
	}
	if len(topo.Nodes) == 0 {
		fail("no node")
	}
	last := -1
	for _, n := range topo.Nodes {
		if n.ID <= last {
			fail("node %d after node %d", n.ID, last)
		}
		last = n.ID
		inside("node", n.CPUs)
		if n.Memory < 0 {
			fail("node %d has %d bytes", n.ID, n.Memory)
		}
		if got := topo.Node(n.ID); got == nil || got.ID != n.ID {
			fail("Node(%d) = %v", n.ID, got)
		}
		near := slices.Clone(topo.Nearest(n.ID))
		if len(near) != len(topo.Nodes) || near[0] != n.ID {
			fail("Nearest(%d) = %v", n.ID, near)
		}
		for i := 2; i < len(near); i++ {
			if topo.Distance(n.ID, near[i-1]) > topo.Distance(n.ID, near[i]) {
				fail("Nearest(%d) = %v is not in order of distance", n.ID, near)
			}
		}
		slices.Sort(near)
		if len(slices.Compact(near)) != len(topo.Nodes) {
			fail("Nearest(%d) names a node twice", n.ID)
		}
	}
	if topo.AllowedNodes.Empty() {
		fail("allowed nodes %v", topo.AllowedNodes)
	}
	for id := range topo.AllowedNodes.All() {
		if topo.Node(id) == nil {
			fail("allowed node %d is not there", id)
		}
	}
	if topo.Distances != nil && len(topo.Distances) != len(topo.Nodes) {
		fail("%d rows of distances for %d nodes", len(topo.Distances), len(topo.Nodes))
	}
	for _, row := range topo.Distances {
		if len(row) != len(topo.Nodes) {
			fail("%d distances for %d nodes", len(row), len(topo.Nodes))
		}
	}
	for c := range topo.Online.All() {
		if id := topo.NodeOf(c); id >= 0 && !topo.Node(id).CPUs.Contains(c) {
			fail("NodeOf(%d) = %d, which has %v", c, id, topo.Node(id).CPUs)
		}
		if i := topo.L3Of(c); i >= 0 && !topo.L3[i].CPUs.Contains(c) {
			fail("L3Of(%d) = %d, which has %v", c, i, topo.L3[i].CPUs)
		}
		if i := topo.CoreOf(c); i >= 0 && !topo.Cores[i].Contains(c) {
			fail("CoreOf(%d) = %d, which has %v", c, i, topo.Cores[i])
		}
	}
}

// sameMachine compares all that is reported of two machines.
func sameMachine(t *testing.T, got, want *Topology) {
	t.Helper()
	a, b := got.Report(), want.Report()
	if diff := cmp.Diff(b, a); diff != "" {
		t.Errorf("- want, + got:\n%s", diff)
	}
}

func ids(t *Topology) []int {
	var list []int
	for _, n := range t.Nodes {
		list = append(list, n.ID)
	}
	return list
}

func wantSets(t *testing.T, what string, got []CPUSet, want ...string) {
	t.Helper()
	var list []string
	for _, s := range got {
		list = append(list, s.String())
	}
	if !slices.Equal(list, want) {
		t.Errorf("%s: %q, want %q", what, list, want)
	}
}

func wantCPUs(t *testing.T, what string, got CPUSet, want string) {
	t.Helper()
	if got.String() != want {
		t.Errorf("%s: %v, want %s", what, got, want)
	}
}

func wantNote(t *testing.T, topo *Topology, want string) {
	t.Helper()
	if !slices.ContainsFunc(topo.Missing, func(n Note) bool { return strings.Contains(n.String(), want) }) {
		t.Errorf("Missing does not say %q: %q", want, topo.Missing)
	}
}

func must(t *Topology, err error) *Topology {
	if err != nil {
		panic(err)
	}
	return t
}
