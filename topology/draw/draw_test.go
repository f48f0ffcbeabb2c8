package draw

import (
	"bytes"
	"image/png"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"numasched/topology"
)

func load(t *testing.T, name string) *topology.Topology {
	t.Helper()
	topo, err := topology.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return topo
}

// everyMachine is one of each kind: presets, a huge one, the smallest.
func everyMachine() []string {
	return append(topology.Presets(), "synthetic:1x1", "synthetic:64x4", "synthetic:8x4x8x4x2", "synthetic:1x1x1x3x8")
}

func TestTextTellsLikeNeighboursTogether(t *testing.T) {
	var b strings.Builder
	if err := Text(&b, load(t, "genoa-2x9224-cxl")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"genoa-2x9224-cxl: 2x EPYC 9224 (Genoa)",
		"96 CPUs, 48 cores, 2 packages, 5 NUMA nodes, 896 GiB of memory",
		" ├─ node 0 of 192 GiB: CPUs 0-11,48-59\n │   └─ 2 x L3 16 MiB of 6 cores of 2 threads, L2 1 MiB, L1d 32 KiB: 0-5,48-53  6-11,54-59",
		"node 4, 128 GiB, memory only, nearest to node 0 (distance 50)",
		" 4  50  50  60  60  10",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func TestTextOfEveryMachineNamesEveryNode(t *testing.T) {
	for _, name := range everyMachine() {
		topo := load(t, name)
		var b strings.Builder
		if err := Text(&b, topo); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(b.String(), "node "); got < len(topo.Nodes) {
			t.Errorf("%s: the text names %d nodes of %d", name, got, len(topo.Nodes))
		}
	}
}

func TestBoxesHoldEveryCPUOnce(t *testing.T) {
	for _, name := range everyMachine() {
		topo := load(t, name)
		root := boxes(topo)
		var seen topology.CPUSet
		var walk func(b *box)
		walk = func(b *box) {
			own := b.threads()
			if !own.And(seen).Empty() {
				t.Errorf("%s: CPUs %v are in two boxes", name, own.And(seen))
			}
			seen = seen.Or(own)
			for _, c := range b.children {
				walk(c)
			}
		}
		walk(root)
		if !seen.Equal(topo.Online) {
			t.Errorf("%s: boxes hold CPUs %v of %v", name, seen, topo.Online)
		}
	}
}

func TestTilesStayInsideAndApart(t *testing.T) {
	for _, name := range everyMachine() {
		topo := load(t, name)
		p := compose(topo)
		var walk func(c *tile)
		walk = func(c *tile) {
			for i, k := range c.tiles {
				if k.x < -0.01 || k.y < -0.01 || k.x+k.w > c.w+0.01 || k.y+k.h > c.h+0.01 {
					t.Errorf("%s: a tile of CPUs %v sticks out", name, k.box.cpus)
				}
				for _, o := range c.tiles[:i] {
					if k.x < o.x+o.w && o.x < k.x+k.w && k.y < o.y+o.h && o.y < k.y+k.h {
						t.Errorf("%s: tiles of CPUs %v and %v overlap", name, k.box.cpus, o.box.cpus)
					}
				}
				walk(k)
			}
		}
		walk(p.root)
		if p.root.x+p.root.w > p.w || p.root.y+p.root.h > p.h {
			t.Errorf("%s: the machine is larger than the page", name)
		}
	}
}

func TestSVGIsTheSameEachTime(t *testing.T) {
	topo := load(t, "kunpeng-920")
	var a, b bytes.Buffer
	if err := SVG(&a, topo); err != nil {
		t.Fatal(err)
	}
	if err := SVG(&b, topo); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("two drawings of one machine differ")
	}
	for _, want := range []string{"<svg", "Package 1", "Distances between nodes", ">127<"} {
		if !strings.Contains(a.String(), want) {
			t.Errorf("no %q in the drawing", want)
		}
	}
}

func TestPNGOfAHugeMachineStaysSmallEnoughToOpen(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(PNG(w, load(t, "synthetic:8x4x8x8x2"))) }()
	c, err := png.DecodeConfig(r)
	if err != nil {
		t.Fatal(err)
	}
	if c.Width*c.Height > 60e6 || c.Width < 1000 {
		t.Errorf("%d x %d pixels", c.Width, c.Height)
	}
	r.Close()
}

// columns is how many tiles the first row has.
func (t *tile) columns() (n int) {
	for _, c := range t.tiles {
		if c.y == t.tiles[0].y {
			n++
		}
	}
	return n
}

func TestRowsAreFullWhereTheyCanBe(t *testing.T) {
	machine := compose(load(t, "synthetic:64x4")).root
	if n := machine.columns(); n != 8 {
		t.Errorf("64 nodes in rows of %d, want 8", n)
	}
	for _, pkg := range compose(load(t, "skx-2x8180")).root.tiles {
		if n := pkg.columns(); n != 7 {
			t.Errorf("28 cores in rows of %d, want 7", n)
		}
	}
	for _, pkg := range compose(load(t, "gnr-2x6980p-snc3")).root.tiles {
		if n := pkg.columns(); n != 3 && n != 1 {
			t.Errorf("3 nodes in rows of %d", n)
		}
	}
}

// Every list of CPUs and every caption is whole or not there.
func TestNoLabelIsCut(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "data", "topologies")
	machines := everyMachine()
	if captures, _ := filepath.Glob(filepath.Join(dir, "*.tar.gz")); captures != nil {
		machines = append(machines, captures...)
	} else {
		t.Logf("%s is not here: presets only", dir)
	}
	for _, name := range machines {
		if strings.Contains(name, "synthetic:8x4x8") {
			continue // too large to be drawn twice
		}
		p := compose(load(t, name))
		if strings.Contains(title(p.t), string(filepath.Separator)) {
			t.Errorf("%s: the title %q has folders", name, title(p.t))
		}
		var walk func(c *tile)
		walk = func(c *tile) {
			for _, s := range c.captions {
				if textWidth(s, 7, false) > c.w-gap {
					t.Errorf("%s: %q does not fit", name, s)
				}
			}
			for _, s := range c.strips {
				if textWidth(label(s), 8, isTitle(s)) > c.w-gap {
					t.Errorf("%s: %q does not fit", name, label(s))
				}
			}
			for _, k := range c.tiles {
				walk(k)
			}
		}
		walk(p.root)
		var svg bytes.Buffer
		if err := SVG(&svg, p.t); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(svg.Bytes(), []byte("...<")) {
			t.Errorf("%s: a label is cut", name)
		}
		if m := regexp.MustCompile(`(?:fill|stroke):#[^;"]*[^0-9A-F;"][^;"]*`).Find(svg.Bytes()); m != nil {
			t.Errorf("%s: colour %s", name, m)
		}
	}
}
