package topology

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestSynthetic(t *testing.T) {
	topo := mustSynthetic("synthetic:2x4")
	check(t, topo)
	if topo.Online.Len() != 8 || len(topo.Nodes) != 2 || len(topo.Packages) != 2 || len(topo.L3) != 2 || len(topo.Cores) != 8 || topo.Distance(0, 1) != 21 {
		t.Errorf("%+v", topo.Report())
	}
	topo = mustSynthetic("2x2x2x3x2")
	check(t, topo)
	if topo.Online.Len() != 48 || len(topo.Nodes) != 4 || len(topo.L3) != 8 || len(topo.Cores) != 24 {
		t.Errorf("%+v", topo.Report())
	}
	if topo.Distance(0, 0) != 10 || topo.Distance(0, 1) != 12 || topo.Distance(0, 2) != 32 {
		t.Errorf("distances %v", topo.Distances)
	}
	wantCPUs(t, "core 1", topo.Cores[1], "2-3")
	if topo.Origin != "synthetic:2x2x2x3x2" {
		t.Errorf("origin %q", topo.Origin)
	}
}

func TestSyntheticMachinesMayHaveIrregularNodes(t *testing.T) {
	topo := mustSynthetic("synthetic:2x4+1cpu+2mem+1empty")
	check(t, topo)
	wantCPUs(t, "nodes with CPUs", topo.NodesWith(HasCPUs), "0-2")
	wantCPUs(t, "nodes with memory", topo.NodesWith(HasMemory), "0-1,3-4")
	wantCPUs(t, "nodes in all", topo.NodesWith(0), "0-5")
	wantCPUs(t, "node 2", topo.Node(2).CPUs, "8-11")
	wantSets(t, "packages", topo.Packages, "0-3", "4-7", "8-11")
	if !topo.Node(5).CPUless || topo.Distance(0, 5) != 21 || topo.Distance(5, 5) != 10 || topo.Restricted() {
		t.Errorf("node 5 %+v, distances %v, restricted %v", topo.Node(5), topo.Distances, topo.Restricted())
	}
	for spec, origin := range map[string]string{
		"2x4+1empty+2mem":    "synthetic:2x4+2mem+1empty",
		"1x2x1x2x1+1cpu":     "synthetic:1x2x1x2x1+1cpu",
		"1x72+4empty+4empty": "synthetic:1x72+8empty",
	} {
		topo := mustSynthetic(spec)
		if topo.Origin != origin {
			t.Errorf("%s: origin %q, want %q", spec, topo.Origin, origin)
		}
		sameMachine(t, mustSynthetic(topo.Origin), topo)
		sameMachine(t, treeOf(topo).read(t), topo)
	}
}

func TestSyntheticSpecsThatAreNone(t *testing.T) {
	for _, spec := range []string{"", "2", "2x", "x4", "0x4", "-1x4", "2x4x2", "2x4x2x2x2x2", "ax4", "2 x4", "99999999999999999999x2", "16384x2", "2000x1", "128x128x128x128x128", "2x4+", "2x4+mem", "2x4+0mem", "2x4+1", "2x4+1gpu", "2x4+1mem+", "2x4+99999mem", "1x1+1024mem", "1x16384+1cpu"} {
		if topo, err := ParseSynthetic("synthetic:" + spec); err == nil {
			t.Errorf("%q is %v", spec, topo.Online)
		} else if !strings.Contains(err.Error(), "synthetic:"+spec) || !strings.Contains(err.Error(), "want") && !strings.Contains(err.Error(), "not a number") {
			t.Errorf("%q: %v", spec, err)
		}
	}
	for _, spec := range []SyntheticSpec{{Packages: -1}, {CoresPerL3: MaxSyntheticCPUs + 1}, {Packages: MaxSyntheticNodes + 1}} {
		if _, err := Synthetic(spec); err == nil {
			t.Errorf("%+v is taken", spec)
		}
	}
}

func TestPresetsAreSoundAndSayWhereTheyCameFrom(t *testing.T) {
	want := []string{
		"genoa-2x9224-cxl", "gnr-2x6980p-snc3", "graviton3", "kunpeng-920", "opteron-4x6276",
		"rome-2x7742-nps4", "skx-2x8180", "skx-8s", "snb-4s-ring", "spr-2x8468-snc4",
	}
	if got := Presets(); !slices.Equal(got, want) {
		t.Errorf("presets %q", got)
	}
	cpus := map[string]int{
		"genoa-2x9224-cxl": 96, "gnr-2x6980p-snc3": 512, "graviton3": 64, "kunpeng-920": 128, "opteron-4x6276": 64,
		"rome-2x7742-nps4": 256, "skx-2x8180": 112, "skx-8s": 448, "snb-4s-ring": 64, "spr-2x8468-snc4": 192,
	}
	for _, name := range Presets() {
		topo, err := Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		check(t, topo)
		info, ok := AboutPreset(name)
		if !ok || info.Machine == "" || info.Source == "" || info.Assumed == "" {
			t.Errorf("%s: %+v", name, info)
		}
		if topo.Online.Len() != cpus[name] {
			t.Errorf("%s has %d CPUs, want %d", name, topo.Online.Len(), cpus[name])
		}
		for i, row := range topo.Distances {
			if row[i] != 10 {
				t.Errorf("%s: node %d is %d from itself", name, i, row[i])
			}
		}
		if len(topo.Nodes) > 1 && len(topo.Distances) != len(topo.Nodes) {
			t.Errorf("%s: %d rows of distances", name, len(topo.Distances))
		}
		var cores CPUSet
		for _, c := range topo.Cores {
			cores = cores.Or(c)
		}
		if !cores.Equal(topo.Online) {
			t.Errorf("%s: cores have CPUs %v of %v", name, cores, topo.Online)
		}
	}
}

func TestLoadTakesEveryFormOfAMachine(t *testing.T) {
	dir := t.TempDir()
	tr := treeOf(mustSynthetic("2x2"))
	for name, content := range tr {
		file := filepath.Join(dir, "tree", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := Capture(&b, tr.fs()); err != nil {
		t.Fatal(err)
	}
	capture, xml := filepath.Join(dir, "m.tar.gz"), filepath.Join(dir, "m.xml")
	if err := os.WriteFile(capture, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(xml, []byte(hwlocSamples[1]), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		arg    string
		cpus   int
		origin string
	}{
		{"host", 0, "host"},
		{"synthetic:2x4", 8, "synthetic:2x4"},
		{"preset:skx-8s", 448, "preset:skx-8s"},
		{"skx-8s", 448, "preset:skx-8s"},
		{capture, 4, capture},
		{xml, 4, xml},
		{filepath.Join(dir, "tree"), 4, filepath.Join(dir, "tree")},
	} {
		topo, err := Load(x.arg)
		if err != nil {
			t.Errorf("%s: %v", x.arg, err)
			continue
		}
		check(t, topo)
		if x.cpus != 0 && topo.Online.Len() != x.cpus || topo.Origin != x.origin {
			t.Errorf("%s: %d CPUs, origin %q", x.arg, topo.Online.Len(), topo.Origin)
		}
	}
	for _, bad := range []string{"", "nosuch", "preset:", "preset:nosuch", "synthetic:", filepath.Join(dir, "nosuch.tar.gz"), dir, os.DevNull} {
		if _, err := Load(bad); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error %v; want one line", bad, err)
		}
	}
}

func TestATreeMayLieInsideTheDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "captures", "machine"), treeOf(mustSynthetic("2x2")).fs()); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"", "captures", "captures/machine"} {
		topo, err := Load(filepath.Join(dir, from))
		if err != nil {
			t.Errorf("%q: %v", from, err)
			continue
		}
		wantCPUs(t, "online", topo.Online, "0-3")
	}
	if err := os.Mkdir(filepath.Join(dir, "other"), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil {
		t.Error("one of two directories is taken")
	}
}

// The name of a file must not decide whether threads are bound.
func TestOnlyHostIsTheHost(t *testing.T) {
	t.Chdir(t.TempDir())
	tr := treeOf(mustSynthetic("2x2"))
	var b bytes.Buffer
	if err := Capture(&b, tr.fs()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("host", b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	foreign, err := Load("./host")
	if err != nil {
		t.Fatal(err)
	}
	if foreign.IsHost() || foreign.Online.Len() != 4 {
		t.Errorf("a capture named host: IsHost %v, CPUs %v; want false and 0-3", foreign.IsHost(), foreign.Online)
	}
	mine, err := Load("host")
	if err != nil {
		t.Fatal(err)
	}
	narrowed := *mine
	narrowed.Allowed = CPUs(mine.Allowed.First())
	if !mine.IsHost() || !narrowed.IsHost() {
		t.Errorf("the host: IsHost %v, and of a copy %v; want true", mine.IsHost(), narrowed.IsHost())
	}
}

func TestHostIsAMachine(t *testing.T) {
	topo, err := Host()
	if err != nil {
		t.Fatal(err)
	}
	check(t, topo)
	if topo.Allowed.Len() < 1 || topo.Online.Len() < runtime.NumCPU() {
		t.Errorf("CPUs %v, allowed %v; Go sees %d", topo.Online, topo.Allowed, runtime.NumCPU())
	}
	if runtime.GOOS != "linux" && len(topo.Missing) == 0 {
		t.Error("Missing does not say that there is no /sys")
	}
}
