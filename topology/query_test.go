package topology

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"
	"time"
)

func TestQueriesAllocateNothing(t *testing.T) {
	topo := mustSynthetic("8x4x8x4x2")
	sum := 0
	allocs := testing.AllocsPerRun(100, func() {
		for _, cpu := range []int{0, 777, 2047, 2048, -1} {
			sum += topo.NodeOf(cpu) + topo.L2Of(cpu) + topo.L3Of(cpu) + topo.CoreOf(cpu) + topo.ClusterOf(cpu) + topo.DieOf(cpu) + topo.PackageOf(cpu)
		}
		for _, id := range []int{0, 31, 32, -1} {
			if n := topo.Node(id); n != nil {
				for c := range n.CPUs.All() {
					sum += c
				}
				if n.CPUs.Contains(id) {
					sum++
				}
			}
			sum += len(topo.Nearest(id)) + topo.Distance(id, 5)
			if topo.Has(id, HasCPUs|HasMemory) {
				sum++
			}
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestEveryPartIsFoundByCPU(t *testing.T) {
	topo := &Topology{
		Online:   CPURange(0, 8),
		L2:       []Cache{{CPUs: CPURange(0, 4)}, {CPUs: CPURange(4, 8)}},
		Clusters: []CPUSet{CPURange(2, 4)},
		Dies:     []CPUSet{CPURange(0, 2), CPURange(2, 6)},
	}
	topo.finish()
	for _, x := range []struct {
		what string
		of   func(int) int
		want []int // of CPUs -1 to 8
	}{
		{"L2", topo.L2Of, []int{-1, 0, 0, 0, 0, 1, 1, 1, 1, -1}},
		{"cluster", topo.ClusterOf, []int{-1, -1, -1, 0, 0, -1, -1, -1, -1, -1}},
		{"die", topo.DieOf, []int{-1, 0, 0, 1, 1, 1, 1, -1, -1, -1}},
		{"package", topo.PackageOf, []int{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1}},
	} {
		for i, want := range x.want {
			if got := x.of(i - 1); got != want {
				t.Errorf("%s of CPU %d: %d, want %d", x.what, i-1, got, want)
			}
		}
	}
}

func TestDistanceToAnUnknownNodeIsNone(t *testing.T) {
	for _, topo := range []*Topology{mustSynthetic("2x1"), treeOf(mustSynthetic("2x1")).drop(nodeDir + "/node*/distance").read(t)} {
		for _, pair := range [][2]int{{0, 2}, {2, 0}, {-1, 0}, {7, 7}} {
			if d := topo.Distance(pair[0], pair[1]); d != -1 {
				t.Errorf("distance from node %d to %d of a machine of two: %d, want -1", pair[0], pair[1], d)
			}
		}
	}
}

func TestNearestWithLeavesOutWhatIsOfNoUse(t *testing.T) {
	tr := treeOf(mustSynthetic("4x2"))
	tr.set(nodeDir+"/node1/cpumap", "0\n").set(nodeDir+"/node1/cpulist", "\n") // memory alone
	tr.set(nodeDir+"/node2/meminfo", "Node 2 MemTotal: 0 kB\n")                // CPUs alone
	tr.set("proc/self/status", "Cpus_allowed_list:\t0-1\nMems_allowed_list:\t0-1\n")
	topo := tr.read(t)
	for _, x := range []struct {
		want  NodeTrait
		nodes []int
	}{
		{0, []int{0, 1, 2, 3}},
		{HasCPUs, []int{0, 2, 3}},
		{HasMemory, []int{0, 1, 3}},
		{HasCPUs | HasMemory, []int{0, 3}},
		{MayRun, []int{0}},
		{MayAllocate, []int{0, 1}},
		{MayRun | MayAllocate, []int{0}},
	} {
		if got := topo.NearestWith(0, x.want); !slices.Equal(got, x.nodes) {
			t.Errorf("nearest to 0 with traits %b: %v, want %v", x.want, got, x.nodes)
		}
		if got := topo.NodesWith(x.want); !got.Equal(NodeIDs(x.nodes...)) {
			t.Errorf("nodes with traits %b: %v, want %v", x.want, got, x.nodes)
		}
	}
	if topo.Has(4, 0) || topo.NearestWith(4, 0) != nil {
		t.Error("there is a node 4")
	}
}

// The kernel's Mems_allowed lists nodes with memory alone, for every process.
func TestANodeWithoutMemoryIsNotForbidden(t *testing.T) {
	tr := treeOf(mustSynthetic("2x2")).set(nodeDir+"/node1/meminfo", "Node 1 MemTotal: 0 kB\n")
	tr.set("proc/self/status", "Cpus_allowed_list:\t0-3\nMems_allowed_list:\t0\n")
	if topo := tr.read(t); topo.Restricted() || topo.Report().Restricted {
		t.Errorf("restricted to nodes %v", topo.AllowedNodes)
	}
	tr.set(nodeDir+"/node1/meminfo", "Node 1 MemTotal: 1024 kB\n")
	if topo := tr.read(t); !topo.Restricted() || topo.Has(1, MayAllocate) {
		t.Error("a node with memory is forbidden, and nobody says so")
	}
}

func TestUnknownMemoryIsNotNone(t *testing.T) {
	topo := treeOf(mustSynthetic("2x1")).drop(nodeDir + "/node1/meminfo").read(t)
	if topo.Node(0).MemoryUnknown || !topo.Node(1).MemoryUnknown || !topo.Has(1, HasMemory) {
		t.Errorf("nodes %+v; want the memory of node 1 unknown", topo.Nodes)
	}
	want := Note{NotThere, nodeDir + "/node1/meminfo", "not there: the memory of node 1 is unknown, taken as 0"}
	if !slices.Contains(topo.Missing, want) {
		t.Errorf("missing %v, want %v", topo.Missing, want)
	}
}

func TestAnEmptySetIsPrintedAsNone(t *testing.T) {
	if s := (CPUSet{}).String() + " " + CPUs(3).AndNot(CPUs(3)).String(); s != "none none" {
		t.Errorf("printed as %q", s)
	}
}

func TestATopologyNeverChanges(t *testing.T) {
	topo := mustSynthetic("2x2")
	set := topo.Online
	set.Add(3)
	set.Add(9)
	words := topo.Allowed.Words()
	words[0] = 0
	if topo.Online.String() != "0-3" || topo.Allowed.String() != "0-3" || set.String() != "0-3,9" {
		t.Errorf("online %v, allowed %v; a changed copy is %v", topo.Online, topo.Allowed, set)
	}
}

func TestNearestSpreadsVictims(t *testing.T) {
	// Where all others are equally far, every node is one other's first choice.
	topo := mustSynthetic("8x2")
	var firsts []int
	for _, n := range topo.Nodes {
		firsts = append(firsts, topo.Nearest(n.ID)[1])
	}
	slices.Sort(firsts)
	if !slices.Equal(firsts, []int{0, 1, 2, 3, 4, 5, 6, 7}) {
		t.Errorf("first victims %v", firsts)
	}
	if got := topo.Nearest(6); !slices.Equal(got, []int{6, 7, 0, 1, 2, 3, 4, 5}) {
		t.Errorf("nearest to 6: %v", got)
	}
	// And the same within each tier.
	topo = mustSynthetic("2x3x1x1x1")
	if got := topo.Nearest(4); !slices.Equal(got, []int{4, 5, 3, 0, 1, 2}) {
		t.Errorf("nearest to 4: %v", got)
	}
}

func TestANodeIsItsOwnNearestWhateverItsDistanceSays(t *testing.T) {
	tr := treeOf(mustSynthetic("2x1")).set(nodeDir+"/node0/distance", "30 20\n")
	if got := tr.read(t).Nearest(0); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("nearest to 0: %v", got)
	}
}

func BenchmarkQueries(b *testing.B) {
	topo := mustSynthetic("8x4x8x4x2")
	sum := 0
	b.Run("NodeOf", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			sum += topo.NodeOf(i & 2047)
		}
	})
	b.Run("L3Of", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			sum += topo.L3Of(i & 2047)
		}
	})
	b.Run("Node", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			sum += topo.Node(i & 31).ID
		}
	})
	b.Run("Nearest", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			sum += topo.Nearest(i & 31)[1]
		}
	})
	b.Run("Contains", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if topo.Online.Contains(i & 4095) {
				sum++
			}
		}
	})
	_ = sum
}

// BenchmarkRead reads a machine of 256 CPUs on 64 nodes from a directory, as
// Host does from /sys, and from memory.
func BenchmarkRead(b *testing.B) {
	tr := treeOf(mustSynthetic("64x1x1x2x2"))
	dir := b.TempDir()
	if err := os.CopyFS(dir, tr.fs()); err != nil {
		b.Fatal(err)
	}
	b.Run("from=directory", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := openDir(dir); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("from=memory", func(b *testing.B) {
		fsys := tr.inMemory()
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Read(fsys); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func TestReadingCostsLittleMemory(t *testing.T) {
	const cpus = 256
	fsys := treeOf(mustSynthetic("64x1x1x2x2")).inMemory()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Read(fsys); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	per100 := (after.TotalAlloc - before.TotalAlloc) * 100 / cpus
	t.Logf("%d KB for 100 CPUs", per100>>10)
	if per100 > 2<<20 {
		t.Errorf("%d bytes for 100 CPUs, want at most 2 MB", per100)
	}
}

// BenchmarkAgainstLstopo reads a machine of 256 CPUs on 64 nodes from an
// unpacked directory, in turn with hwloc's lstopo-no-graphics, whose time
// includes that of starting it. The medians are reported, in ms.
func BenchmarkAgainstLstopo(b *testing.B) {
	lstopo, err := exec.LookPath("lstopo-no-graphics")
	if err != nil {
		b.Skip("lstopo-no-graphics is not installed")
	}
	dir := b.TempDir()
	if err := os.CopyFS(dir, treeOf(mustSynthetic("64x1x1x2x2")).fs()); err != nil {
		b.Fatal(err)
	}
	var ours, theirs []float64
	for b.Loop() {
		start := time.Now()
		if _, err := openDir(dir); err != nil {
			b.Fatal(err)
		}
		ours = append(ours, time.Since(start).Seconds()*1e3)
		start = time.Now()
		if err := exec.Command(lstopo, "-i", dir, "--if", "fsroot", "--of", "console").Run(); err != nil {
			b.Fatal(err)
		}
		theirs = append(theirs, time.Since(start).Seconds()*1e3)
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	b.ReportMetric(ours[len(ours)/2], "ours-ms")
	b.ReportMetric(theirs[len(theirs)/2], "lstopo-ms")
	b.ReportMetric(0, "ns/op")
}
