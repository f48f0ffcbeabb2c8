package harness

import (
	"runtime"
	"strings"
	"testing"

	"numasched/topology"
)

func TestCellNamesRoundTrip(t *testing.T) {
	for name, c := range map[string]Cell{
		"Fib/arm=numa/topo=2n1l4c2t/P=8":                        {"fib", "", "numa", "2n1l4c2t", 8},
		"WakeStorm/arm=flat+pin/topo=1n1l2c1t/P=2/n=10/grain=3": {"wake-storm", "n=10/grain=3", "flat+pin", "1n1l2c1t", 2},
		"Uts/arm=numa-pin/topo=pretended-5n20c33t/P=1/tree=-1":  {"uts", "tree=-1", "numa-pin", "pretended-5n20c33t", 1},
	} {
		if got := c.Name(); got != name {
			t.Errorf("%+v: name %q, want %q", c, got, name)
		}
		if got, err := ParseName(name); err != nil || got != c {
			t.Errorf("%q: %+v, %v; want %+v", name, got, err, c)
		}
	}
}

func TestForeignBenchmarkNamesAreErrors(t *testing.T) {
	for _, name := range []string{"", "Fib", "Fib/arm=numa", "Fib/arm=/topo=x/P=1", "Fib/topo=x/arm=numa/P=1", "Fib/arm=a/topo=b/P=two",
		"Fib/arm=a/topo=b/P=0", "Fib/arm=a/topo=b/P=-1", "Fib/arm=a/topo=b/P=+8", "Fib/arm=a/topo=b/P=08", "Fib/arm=a/topo=b/P=99999999"} {
		if c, err := ParseName(name); err == nil {
			t.Errorf("%q is read as %+v", name, c)
		} else if !strings.Contains(err.Error(), "benchmark name") {
			t.Errorf("%q: error %q does not say what is wrong", name, err)
		}
	}
}

func TestTopologyLabels(t *testing.T) {
	for arg, want := range map[string]string{
		"synthetic:2x4":       "pretended-2n1l4c1t",
		"synthetic:1x2x3x2x1": "pretended-2n3l2c1t",
	} {
		topo, err := topology.Load(arg)
		if err != nil {
			t.Fatal(err)
		}
		if got := TopologyLabel(topo); got != want {
			t.Errorf("%s: label %q, want %q", arg, got, want)
		}
	}
	host, err := topology.Host()
	if err != nil && runtime.GOOS != "linux" {
		t.Skip("the topology can be read on Linux only: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := TopologyLabel(host); strings.HasPrefix(got, "pretended-") {
		t.Errorf("this machine: label %q", got)
	}
	named := &topology.Topology{Origin: "host", Online: topology.CPURange(0, 5), Cores: make([]topology.CPUSet, 3), Nodes: make([]topology.Node, 2)}
	if got := TopologyLabel(named); got != "pretended-2n3c5t" {
		t.Errorf("uneven machine: label %q, want totals 2n3c5t", got)
	}
}
