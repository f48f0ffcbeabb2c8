package numa

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
)

func TestPoliciesPrintAsTheKernelPrintsThem(t *testing.T) {
	for want, p := range map[string]Policy{
		"default":                 {},
		"bind:0-1":                {Mode: Bind, Nodes: []int{1, 0}},
		"bind=static:3":           {Mode: Bind, Flags: StaticNodes, Nodes: []int{3}},
		"prefer:2":                {Mode: Preferred, Nodes: []int{2}},
		"prefer (many):0,2":       {Mode: PreferredMany, Nodes: []int{0, 2}},
		"interleave=relative:0-3": {Mode: Interleave, Flags: RelativeNodes, Nodes: []int{0, 1, 2, 3}},
		"local":                   {Mode: Local},
		"weighted interleave:0":   {Mode: WeightedInterleave, Nodes: []int{0}},
		"bind=static|balancing:0": {Mode: Bind, Flags: StaticNodes | Balancing, Nodes: []int{0}},
		"Mode(9):1":               {Mode: 9, Nodes: []int{1}},
	} {
		if got := p.String(); got != want {
			t.Errorf("%#v: %q, want %q", p, got, want)
		}
	}
}

const someMaps = `00400000 default file=/usr/bin/a\040b mapped=3 mapmax=2 N0=1 N2=2 kernelpagesize_kB=4
00800000 default heap anon=7 dirty=7 N1=7 kernelpagesize_kB=4
7f0000000000 prefer (many):0-1 anon=512 dirty=512 active=0 N0=512 kernelpagesize_kB=4
7f0000800000 bind=static:3 file=/anon_hugepage\040(deleted) huge anon=1 dirty=1 N3=1 kernelpagesize_kB=2048
7f0000c00000 weighted interleave:0-1
7ffd00000000 default stack anon=2 dirty=2 N0=2 new=1 word kernelpagesize_kB=4
`

func TestNumaMapsAreReadWithNodesPoliciesAndSizes(t *testing.T) {
	maps, err := ParseMaps(strings.NewReader(someMaps), "numa_maps")
	if err != nil || len(maps) != 6 {
		t.Fatalf("%d mappings, %v", len(maps), err)
	}
	if m := maps[0]; m.File != `/usr/bin/a\040b` || m.Pages[0] != 1 || m.Pages[2] != 2 || m.Counts["mapmax"] != 2 {
		t.Errorf("file mapping: %+v", m)
	}
	if m := maps[1]; !m.Heap || m.Start != 0x800000 || m.Counts["anon"] != 7 {
		t.Errorf("heap: %+v", m)
	}
	if m := maps[2]; m.Policy != "prefer (many):0-1" || m.Pages[0] != 512 {
		t.Errorf("policy with a space: %+v", m)
	}
	if m := maps[3]; !m.Huge || m.PageBytes != 2<<20 || m.Policy != "bind=static:3" {
		t.Errorf("huge pages: %+v", m)
	}
	if m := maps[4]; m.Policy != "weighted interleave:0-1" || len(m.Pages) != 0 {
		t.Errorf("no pages: %+v", m)
	}
	if m := maps[5]; !m.Stack || m.Counts["new"] != 1 {
		t.Errorf("stack, with words of a later kernel: %+v", m)
	}
}

func TestBadNumaMapsAreRefusedWithFileAndLine(t *testing.T) {
	for text, says := range map[string]string{
		"00400000 default N0=1\nhello\n":  "maps:2:",
		"00400000 default anon=many\n":    `"anon=many": want a number`,
		"zz default\n":                    "hexadecimal",
		strings.Repeat("x", 2<<20) + "\n": "too long",
	} {
		if _, err := ParseMaps(strings.NewReader(text), "maps"); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.30q: %v; want %q", text, err, says)
		}
	}
}

func nodeTree(hit string) fstest.MapFS {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	return fstest.MapFS{
		"sys/devices/system/node/online":          file("0,10\n"),
		"sys/devices/system/node/node10/numastat": file("numa_hit " + hit + "\nnuma_miss 2\nnuma_foreign 3\ninterleave_hit 4\nlocal_node 5\nother_node 6\n"),
		"sys/devices/system/node/node10/meminfo":  file("Node 10 MemTotal:     1024 kB\nNode 10 HugePages_Total:     7\n"),
		"sys/devices/system/node/node10/vmstat":   file("nr_free_pages 100\nnuma_hit " + hit + "\nnr_dirty -1\n"),
		"sys/devices/system/node/node0/numastat":  file("numa_hit 1\n"),
		"proc/vmstat":                             file("nr_free_pages 9\nnuma_hint_faults 8\npgmigrate_success " + hit + "\n"),
	}
}

func TestCountersAreReadByNodeAndSubtracted(t *testing.T) {
	before, err := ReadCounters(nodeTree("100"))
	if err != nil {
		t.Fatal(err)
	}
	after, err := ReadCounters(nodeTree("150"))
	if err != nil {
		t.Fatal(err)
	}
	d := after.Sub(before)
	if len(d.Nodes) != 2 || d.Nodes[0].Node != 0 || d.Nodes[1].Node != 10 {
		t.Fatalf("nodes: %+v", d.Nodes)
	}
	n := d.Nodes[1]
	if n.Hit != 50 || n.Miss != 0 || n.VM["numa_hit"] != 50 || d.VM["pgmigrate_success"] != 50 || d.VM["numa_hint_faults"] != 0 {
		t.Errorf("differences: %+v, %v", n, d.VM)
	}
	if n.Memory["MemTotal"] != 1<<20 || n.Memory["HugePages_Total"] != 7 || n.VM["nr_free_pages"] != 100 || n.VM["nr_dirty"] != 0 {
		t.Errorf("levels: %+v", n)
	}
	if _, ok := d.VM["nr_free_pages"]; ok {
		t.Error("/proc/vmstat lines that are not about NUMA were kept")
	}
}

func TestMalformedOrMissingCountersAreErrorsThatNameTheFile(t *testing.T) {
	if _, err := ReadCounters(fstest.MapFS{}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("no tree: %v", err)
	}
	for name, text := range map[string]string{
		"sys/devices/system/node/node0/numastat": "numa_hit many\n",
		"sys/devices/system/node/node0/meminfo":  "MemTotal: 3\n",
		"proc/vmstat":                            "one two three\n",
	} {
		tree := nodeTree("1")
		tree[name] = &fstest.MapFile{Data: []byte(text)}
		if _, err := ReadCounters(tree); err == nil || !strings.Contains(err.Error(), "/"+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWithoutNUMAEveryCallSaysSo(t *testing.T) {
	if runtime.GOOS == "linux" {
		t.Skip("Linux has the calls")
	}
	_, policy := CurrentPolicy()
	_, nodes := AllowedNodes()
	_, at := LocateRange(make([]byte, 10))
	_, maps := ReadMaps(0)
	_, mask := Affinity(0)
	for i, err := range []error{policy, nodes, at, maps, mask, SetPolicy(Policy{}), SetPolicyOf(nil, Policy{}, 0)} {
		if !errors.Is(err, ErrUnsupported) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if cpu, node := CurrentCPU(); cpu != -1 || node != -1 {
		t.Errorf("CPU %d, node %d", cpu, node)
	}
	if len(Capabilities()) == 0 {
		t.Error("no report")
	}
}

func FuzzParseMaps(f *testing.F) {
	f.Add(someMaps)
	f.Fuzz(func(t *testing.T, text string) { ParseMaps(strings.NewReader(text), "maps") })
}

func FuzzReadCounters(f *testing.F) {
	f.Add("numa_hit 1\n", "Node 0 MemTotal: 1 kB\n")
	f.Fuzz(func(t *testing.T, stat, mem string) {
		ReadCounters(fstest.MapFS{
			"sys/devices/system/node/node0/numastat": &fstest.MapFile{Data: []byte(stat)},
			"sys/devices/system/node/node0/meminfo":  &fstest.MapFile{Data: []byte(mem)},
		})
	})
}
