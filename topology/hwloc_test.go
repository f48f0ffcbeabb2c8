package topology

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What hwloc 2 and hwloc 1 export of small machines, written by hand after
// their documentation.
var hwlocSamples = []string{
	`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE topology SYSTEM "hwloc2.dtd">
<topology version="2.0">
  <object type="Machine" os_index="0" cpuset="0x0000000f" complete_cpuset="0x0000003f" allowed_cpuset="0x00000007" nodeset="0x00000007" complete_nodeset="0x00000007" allowed_nodeset="0x00000007" gp_index="1">
    <object type="Package" os_index="0" cpuset="0x00000003" gp_index="2">
      <object type="NUMANode" os_index="0" cpuset="0x00000003" nodeset="0x00000001" gp_index="3" local_memory="1048576"/>
      <object type="NUMANode" os_index="2" cpuset="0x00000003" nodeset="0x00000004" gp_index="9" local_memory="4194304"/>
      <object type="L3Cache" cpuset="0x00000003" cache_size="8388608" depth="3" cache_type="0">
        <object type="L2Cache" cpuset="0x00000003" cache_size="1048576" depth="2" cache_type="0">
          <object type="L1Cache" cpuset="0x00000003" cache_size="32768" depth="1" cache_type="1">
            <object type="L1iCache" cpuset="0x00000003" cache_size="32768" depth="1" cache_type="2">
              <object type="Core" os_index="0" cpuset="0x00000003">
                <object type="PU" os_index="0" cpuset="0x00000001"/>
                <object type="PU" os_index="1" cpuset="0x00000002"/>
              </object>
            </object>
          </object>
        </object>
      </object>
    </object>
    <object type="Package" os_index="1" cpuset="0x0000000c" gp_index="5">
      <object type="NUMANode" os_index="1" cpuset="0x0000000c" nodeset="0x00000002" gp_index="6" local_memory="2097152"/>
      <object type="Core" os_index="0" cpuset="0x0000000c">
        <object type="PU" os_index="2" cpuset="0x00000004"/>
        <object type="PU" os_index="3" cpuset="0x00000008"/>
      </object>
    </object>
  </object>
  <distances2 type="NUMANode" nbobjs="3" kind="5" name="NUMALatency" indexing="os">
    <indexes length="6">0 1 2 </indexes>
    <u64values length="15">10 21 17 21 10 </u64values>
    <u64values length="12">28 17 28 10 </u64values>
  </distances2>
</topology>
`,
	`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE topology SYSTEM "hwloc.dtd">
<topology>
  <object type="Machine" os_level="-1" os_index="0" cpuset="0x0000000f" complete_cpuset="0x0000000f" online_cpuset="0x0000000f" allowed_cpuset="0x0000000f" nodeset="0x00000003" complete_nodeset="0x00000003" allowed_nodeset="0x00000001">
    <page_type size="4096" count="0"/>
    <distances nbobjs="2" relative_depth="1" latency_base="10.000000">
      <latency value="1.000000"/>
      <latency value="2.100000"/>
      <latency value="2.000000"/>
      <latency value="1.000000"/>
    </distances>
    <object type="NUMANode" os_level="-1" os_index="0" cpuset="0x00000005" nodeset="0x00000001" local_memory="1048576">
      <object type="Socket" os_level="-1" os_index="0" cpuset="0x00000005">
        <object type="Cache" os_level="-1" cpuset="0x00000005" cache_size="8388608" depth="3" cache_linesize="64">
          <object type="Cache" os_level="-1" cpuset="0x00000005" cache_size="32768" depth="1" cache_linesize="64">
            <object type="Core" os_level="-1" os_index="0" cpuset="0x00000001">
              <object type="PU" os_level="-1" os_index="0" cpuset="0x00000001"/>
            </object>
            <object type="Core" os_level="-1" os_index="1" cpuset="0x00000004">
              <object type="PU" os_level="-1" os_index="2" cpuset="0x00000004"/>
            </object>
          </object>
        </object>
      </object>
    </object>
    <object type="NUMANode" os_level="-1" os_index="1" cpuset="0x0000000a" nodeset="0x00000002" local_memory="2097152">
      <object type="Socket" os_level="-1" os_index="1" cpuset="0x0000000a">
        <object type="Core" os_level="-1" os_index="0" cpuset="0x0000000a">
          <object type="PU" os_level="-1" os_index="1" cpuset="0x00000002"/>
          <object type="PU" os_level="-1" os_index="3" cpuset="0x00000008"/>
        </object>
      </object>
    </object>
  </object>
</topology>
`,
}

func readXML(t *testing.T, s string) *Topology {
	t.Helper()
	topo, err := ReadHwlocXML(strings.NewReader(s))
	if err != nil {
		t.Fatal(err)
	}
	check(t, topo)
	return topo
}

func TestHwloc2XML(t *testing.T) {
	topo := readXML(t, hwlocSamples[0])
	r := topo.Report()
	want := Report{
		PUs: []int{0, 1, 2, 3}, OfflinePUs: []int{4, 5},
		Cores: [][]int{{0, 1}, {2, 3}}, Packages: [][]int{{0, 1}, {2, 3}}, Dies: [][]int{}, Clusters: [][]int{},
		L1d: [][]int{{0, 1}}, L2: [][]int{{0, 1}}, L2Bytes: []int64{1048576}, L3: [][]int{{0, 1}}, L3Bytes: []int64{8388608},
		// Node 2 has the CPUs of node 0, so it is memory beside that one.
		NUMA:          []ReportNode{{0, []int{0, 1}, 1048576, false}, {1, []int{2, 3}, 2097152, false}, {2, []int{}, 4194304, true}},
		DistanceNodes: []int{0, 1, 2}, Distances: [][]int{{10, 21, 17}, {21, 10, 28}, {17, 28, 10}},
		AllowedPUs: []int{0, 1, 2}, AllowedNodes: []int{0, 1, 2}, Restricted: true,
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
}

func TestHwloc1XML(t *testing.T) {
	topo := readXML(t, hwlocSamples[1])
	r := topo.Report()
	want := Report{
		PUs: []int{0, 1, 2, 3}, OfflinePUs: []int{},
		Cores: [][]int{{0}, {1, 3}, {2}}, Packages: [][]int{{0, 2}, {1, 3}}, Dies: [][]int{}, Clusters: [][]int{},
		L1d: [][]int{{0, 2}}, L2: [][]int{}, L2Bytes: []int64{}, L3: [][]int{{0, 2}}, L3Bytes: []int64{8388608},
		NUMA:          []ReportNode{{0, []int{0, 2}, 1048576, false}, {1, []int{1, 3}, 2097152, false}},
		DistanceNodes: []int{0, 1}, Distances: [][]int{{10, 21}, {20, 10}},
		AllowedPUs: []int{0, 1, 2, 3}, AllowedNodes: []int{0}, Restricted: true,
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
}

// Format 1 writes the kind of a Group into an element inside it.
func TestGroupsOfHwloc1AreDiesAndClusters(t *testing.T) {
	group := func(kind, cpus, inside string) string {
		return `<object type="Group" cpuset="` + cpus + `"><info name="Type" value="` + kind + `"/>` + inside + `</object>`
	}
	pus := func(list ...string) (s string) {
		for _, n := range list {
			s += `<object type="PU" os_index="` + n + `" cpuset="0x1"/>`
		}
		return s
	}
	file := func(infos string) string {
		return `<topology><object type="Machine" cpuset="0xff">` + infos +
			group("Die", "0x0f", group("Cluster", "0x03", pus("0", "1"))+group("Cluster", "0x0c", pus("2", "3"))) +
			group("Die", "0xf0", pus("4", "5", "6", "7")) + group("Tile", "0x30", "") + `</object></topology>`
	}
	topo := readXML(t, file(""))
	wantSets(t, "dies", topo.Dies, "0-3", "4-7")
	wantSets(t, "clusters", topo.Clusters, "0-1", "2-3")
	// Knights Landing's clusters are quarters of its mesh.
	topo = readXML(t, file(`<info name="CPUModelNumber" value="87"/>`))
	wantSets(t, "dies", topo.Dies, "0-3", "4-7")
	wantSets(t, "clusters", topo.Clusters)
}

func TestHwlocXMLSaysWhenNodesCannotBeToldApart(t *testing.T) {
	file := func(first, second string) string {
		return `<topology><object type="Machine" cpuset="0x3">
<object type="NUMANode" os_index="0" cpuset="0x3" local_memory="1024"` + first + `/><object type="NUMANode" os_index="1" cpuset="0x3" local_memory="1024"` + second + `/>
<object type="PU" os_index="0" cpuset="0x1"/><object type="PU" os_index="1" cpuset="0x2"/></object></topology>`
	}
	topo := readXML(t, file("", ""))
	wantNote(t, topo, "nodes 0 and 1 have the same CPUs in the file")
	wantCPUs(t, "node 0", topo.Node(0).CPUs, "0-1")
	topo = readXML(t, file(` subtype="HBM"`, ` subtype="DRAM"`))
	wantCPUs(t, "node 1", topo.Node(1).CPUs, "0-1")
	if !topo.Node(0).CPUless || len(topo.Missing) != 1 { // that there are no cores
		t.Errorf("node 0 of HBM: %+v, missing %v", topo.Node(0), topo.Missing)
	}
}

func TestDistancesOfZeroInXMLAreNone(t *testing.T) {
	for i, s := range hwlocSamples {
		for _, r := range [][2]string{{"10 21 17 21 10", "0 0 0 0 0"}, {`value="2.100000"`, `value="0.000000"`}} {
			s = strings.Replace(s, r[0], r[1], 1)
		}
		topo := readXML(t, s)
		if topo.Distances != nil {
			t.Errorf("sample %d: distances %v", i, topo.Distances)
		}
		wantNote(t, topo, "a distance is 0")
	}
}

func TestSeveralMachinesInOneXMLAreRefused(t *testing.T) {
	machine := `<object type="Machine" cpuset="0x1"><object type="PU" os_index="0" cpuset="0x1"/></object>`
	_, err := ReadHwlocXML(strings.NewReader(`<topology><object type="System">` + machine + machine + `</object></topology>`))
	if err == nil || !strings.Contains(err.Error(), "object PU: os_index 0 for the second time") {
		t.Errorf("error %v", err)
	}
}

func TestHwlocXMLWithoutNodesIsOneNode(t *testing.T) {
	topo := readXML(t, `<topology><object type="Machine" cpuset="0x1" local_memory="4096"><object type="PU" os_index="0" cpuset="0x1"/></object></topology>`)
	if !topo.OneNodeAssumed || len(topo.Nodes) != 1 || topo.Nodes[0].Memory != 4096 {
		t.Errorf("nodes %+v", topo.Nodes)
	}
}

func TestHwlocXMLThatAllowsNoNodeAllowsAll(t *testing.T) {
	topo := readXML(t, `<topology><object type="Machine" cpuset="0x1" allowed_nodeset="0x8"><object type="NUMANode" os_index="0" cpuset="0x1"/><object type="PU" os_index="0" cpuset="0x1"/></object></topology>`)
	if topo.AllowedNodes.Len() != 1 || len(topo.Missing) == 0 {
		t.Errorf("allowed nodes %v, missing %q", topo.AllowedNodes, topo.Missing)
	}
}

func TestHwlocSets(t *testing.T) {
	for _, x := range []struct{ text, want string }{
		{"0x0", "none"}, {"0x0000000f", "0-3"}, {"0x00000001,0x80000000", "31-32"}, {"0x1,,0x3", "0-1,64"},
	} {
		got, err := parseHwlocSet(x.text)
		if err != nil || got.String() != x.want {
			t.Errorf("%s: %v, %v; want %s", x.text, got, err, x.want)
		}
	}
	if all, err := parseHwlocSet("0xf...f"); err != nil || all.Len() != maxCPUs {
		t.Errorf("0xf...f: %d CPUs, %v", all.Len(), err)
	}
	for _, bad := range []string{"", "3", "0x", "0x1 ", "0xg", "0x100000000"} {
		if got, err := parseHwlocSet(bad); err == nil {
			t.Errorf("%q is taken as %v", bad, got)
		}
	}
}

func TestBadHwlocXMLIsRefusedByLineAndText(t *testing.T) {
	for _, x := range []struct{ xml, want string }{
		{"", "no element topology"},
		{"<svg/>", `"svg"`},
		{"<topology>", "line 1"},
		{"<topology/>", "PU"},
		{"<topology>\n<object type=\"PU\" os_index=\"x\"/></topology>", `line 2: object PU: os_index "x": want a number`},
		{"<topology>\n\n<object type=\"Core\" cpuset=\"12\"/></topology>", `line 3: object Core: cpuset "12": want a set`},
		{`<topology><object type="PU" os_index="99999999"/></topology>`, "below 16384"},
		{"<topology>" + strings.Repeat(`<object type="Group">`, 1000), "inside one another"},
		{strings.Repeat("<topology>", 1000), "inside one another"},
		{"<topology" + strings.Repeat(" a=''", 1<<20), "without a tag's end"},
		{"<topology>" + strings.Repeat("x", 1<<22), "without a tag's end"},
	} {
		_, err := ReadHwlocXML(strings.NewReader(x.xml))
		if err == nil || !strings.Contains(err.Error(), x.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.60q: %v; want one line with %q", x.xml, err, x.want)
		}
	}
}

// What lstopo exports of a captured machine is that machine, but for what hwloc
// changes on the way.
func TestHwlocXMLOfCapturedMachines(t *testing.T) {
	lstopo, err := exec.LookPath("lstopo-no-graphics")
	if err != nil {
		t.Skip("lstopo-no-graphics is not installed")
	}
	// Some of each kind: unpacking all would take a minute.
	some := []string{
		"16amd64-8n2c-cpusets", "16em64t-4s2c2t-offlines", "20em64t-hybrid-1p6c2t+2ca4co1t", "20s390-2g6s4c",
		"32amd64-4s2n4c-cgroup2", "48amd64-4pa2n6c-sparse", "64intel64-fakeKNL-SNC4-hybrid", "8em64t-2s4c-asymcaches",
		"8ia64-2n2s2c", "fakememinitiators-1npc+1npc", "2ps3-2t", "64amd64-4s2n4ca2co",
	}
	// Where hwloc does not export what the kernel says.
	lost := map[string]string{
		"20em64t-hybrid-1p6c2t+2ca4co1t clusters":      "merged with L2",
		"64intel64-fakeKNL-SNC4-hybrid distances":      "dropped on Knights Landing",
		"64intel64-fakeKNL-SNC4-hybrid distance_nodes": "dropped on Knights Landing",
	}
	for _, file := range captures(t) {
		name := strings.TrimSuffix(filepath.Base(file), ".tar.gz")
		if !slices.Contains(some, name) {
			continue
		}
		topo, err := Open(file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		dir := unpack(t, file)
		for _, format := range [][]string{nil, {"--export-xml-flags", "v1"}} {
			args := append([]string{"-i", dir, "--if", "fsroot", "--of", "xml", "--disallowed"}, format...)
			out, err := exec.Command(lstopo, args...).Output()
			if err != nil || len(out) == 0 {
				continue // hwloc finds nothing there
			}
			fromXML, err := ReadHwlocXML(bytes.NewReader(out))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			check(t, fromXML)
			want, got := fields(t, topo.Report()), fields(t, fromXML.Report())
			for _, f := range gradedFields {
				if f == "synthetic_single_node" || lost[name+" "+f] != "" {
					continue
				}
				if !reflect.DeepEqual(got[f], want[f]) {
					t.Errorf("%s %v: %s\n got %s\nwant %s", name, format, f, short(got[f]), short(want[f]))
				}
			}
		}
	}
}

// unpack writes the files of a .tar.gz into a new directory.
func unpack(t testing.TB, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for in := tar.NewReader(zip); ; {
		h, err := in.Next()
		if err == io.EOF {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, filepath.FromSlash(path.Clean("/"+h.Name)))
		switch h.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(to, 0o777)
		case tar.TypeReg:
			var data []byte
			if data, err = io.ReadAll(in); err == nil {
				if err = os.MkdirAll(filepath.Dir(to), 0o777); err == nil {
					err = os.WriteFile(to, data, 0o666)
				}
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
