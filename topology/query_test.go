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
			sum += topo.NodeOf(cpu) + topo.L3Of(cpu) + topo.CoreOf(cpu) + topo.PackageOf(cpu)
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
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
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
