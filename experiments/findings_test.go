package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"numasched/experiments/harness"
)

// made returns simulated results of one machine, with the given makespans per
// unit for flat and numa, and numa's locality and distance from the bound. The
// data is bound by memory if busiest and bound say the same.
func made(nodes int, workload string, flat, numa, local, bound, busiest float64) *harness.Results {
	cell := func(arm string, ns float64) harness.Measurement {
		return harness.Measurement{
			Cell: harness.Cell{Workload: workload, Arm: arm, Topo: "m", Procs: 8}, Runs: 1, Exact: true,
			Values: []harness.Value{{Value: ns, Unit: "ns/chunk"}, {Value: local, Unit: harness.UnitMemoryLocal},
				{Value: bound, Unit: harness.UnitOverBound}, {Value: busiest, Unit: harness.UnitBusiest}},
		}
	}
	return &harness.Results{
		Meta:         harness.Meta{Place: harness.Simulated, Topologies: []harness.TopoMeta{{Label: "m", CPUs: 8, NodesWithCPUs: nodes}}},
		Measurements: []harness.Measurement{cell("flat", flat), cell("numa", numa)},
	}
}

func TestFindingsJudge(t *testing.T) {
	for _, c := range []struct {
		name  string
		res   *harness.Results
		homed bool
		short []string // what it falls short in
	}{
		{"meets all", made(4, "triad", 200, 100, 96, 1.1, 100/1.1), true, nil},
		{"too slow", made(4, "triad", 170, 100, 96, 1.1, 100/1.1), true, []string{"over flat 1.700x"}},
		{"too far", made(8, "heat", 200, 100, 94.9, 1.1, 100/1.1), true, []string{"local 94.9 %"}},
		{"all wrong", made(8, "heat", 100, 100, 50, 1.3, 100/1.3), true, []string{"over flat 1.000x", "local 50.0 %", "over the bound 1.300x"}},
		{"two nodes", made(2, "triad", 100, 100, 96, 1.3, 100/1.3), false, nil},
		{"two nodes, slower", made(2, "triad", 97, 100, 96, 1.3, 100/1.3), false, []string{"over flat 0.970x"}},
		{"in the caches", made(4, "triad", 100, 100, 0, 5, 3), false, nil},
		{"no homes", made(4, "fib", 97.9, 100, 0, 5, 3), false, []string{"over flat 0.979x"}},
	} {
		fs := judge(c.res)
		if len(fs) != 1 || fs[0].homed != c.homed || len(fs[0].shorts) != len(c.short) {
			t.Errorf("%s: %+v", c.name, fs)
			continue
		}
		_, lines := findings(c.res)
		text := strings.Join(lines, "\n")
		for i, want := range c.short {
			if !strings.HasPrefix(fs[0].shorts[i], want) {
				t.Errorf("%s: falls short in %q, want %q", c.name, fs[0].shorts[i], want)
			}
		}
		if all := regexp.MustCompile(`, \d+ falls? short`).MatchString(text); all != (len(c.short) > 0) {
			t.Errorf("%s: says %q", c.name, text)
		}
	}
}

// small is a sweep of some milliseconds.
func small(dir string) []string {
	return []string{"--preset", "synthetic:4x2,skx-2x8180", "--arm", "flat,numa,numa-wrongmap", "--workload", "triad:n=65536,fib:n=12", "--procs", "1/4,8", "--out", dir}
}

// What sim --out writes is a result directory like any other, and it is verified
// until a byte of it changes.
func TestSimDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sim")
	if status, out, errs := cli(append([]string{"sim"}, small(dir)...)...); status != 0 || !strings.Contains(out, "over flat") {
		t.Fatalf("status %d, prints %q and %q", status, out, errs)
	}
	for _, file := range []string{"results.txt", "run.json", "index.html", "throughput.svg", "speedup.png", "machine-skx-2x8180.svg"} {
		if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
			t.Error(err)
		}
	}
	res, err := harness.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	// 2 presets, 3 arms, 2 workloads; 1/4 of 8 CPUs and of 112, and 8.
	if res.Meta.Place != harness.Simulated || !res.Meta.Complete() || len(res.Measurements) != 24 || !res.Measurements[0].Exact {
		t.Errorf("%+v with %d measurements", res.Meta, len(res.Measurements))
	}
	again, err := os.ReadFile(filepath.Join(dir, "results.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if text := harness.ResultsText(&res.Meta, res.Measurements); !bytes.Equal(text, again) {
		t.Errorf("what was read is written as\n%s\nwant\n%s", text, again)
	}
	for _, args := range [][]string{{"report", dir}, {"plot", dir}, {"compare", dir, dir}, {"sim", "--verify", dir}} {
		if status, _, errs := cli(args...); status != 0 {
			t.Errorf("%v: status %d: %s", args, status, errs)
		}
	}
	if status, _, errs := cli(append([]string{"sim"}, small(dir)...)...); status != 2 || !strings.Contains(errs, "exists") {
		t.Errorf("over another run: status %d, %q", status, errs)
	}

	changed := bytes.Replace(again, []byte(" ns/chunk"), []byte("1 ns/chunk"), 1)
	if err := os.WriteFile(filepath.Join(dir, "results.txt"), changed, 0o666); err != nil {
		t.Fatal(err)
	}
	line := 1 + bytes.Count(again[:bytes.Index(again, []byte(" ns/chunk"))], []byte("\n"))
	status, out, errs := cli("sim", "--verify", dir)
	if want := "results.txt:" + strconv.Itoa(line); status != 1 || !strings.Contains(out, want) || !strings.Contains(errs, "1 line differs in") {
		t.Errorf("a changed byte: status %d, prints %q and %q, want %s", status, out, errs, want)
	}
	if err := os.WriteFile(filepath.Join(dir, "results.txt"), again[:len(again)-1], 0o666); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := cli("sim", "--verify", dir); status != 1 {
		t.Errorf("a missing byte: status %d", status)
	}
}

func TestSharesOfCPUs(t *testing.T) {
	for in, want := range map[string]string{"all": "[64]", "1/8,1/2,all": "[8 32 64]", "64,all,1/1": "[64]", "3/4": "[48]", "1/1000": "[1]", "16,2": "[2 16]"} {
		ps, err := parseShares(in, "m", 64)
		if got := fmt.Sprint(ps); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "0", "1/0", "0/4", "5/4", "half", "1/2/3", "65", "-1"} {
		if ps, err := parseShares(in, "m", 64); err == nil {
			t.Errorf("%q: %v, want an error", in, ps)
		}
	}
}

func TestVerifyWantsSimulatedResults(t *testing.T) {
	for _, args := range [][]string{
		{"sim", "--verify", filepath.Join("testdata", "onenode")},
		{"sim", "--verify", "nowhere"},
		{"sim", "--preset", "synthetic:2x2", "--out", "x", "--json"},
	} {
		if status, _, errs := cli(args...); status != 2 || strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: status %d, %q", args, status, errs)
		}
	}
}

// Beside the ratios stands what they do not show: what flat is there, and that
// numa-wrongmap still has locality.
func TestFindingsSayWhatTheRatiosDoNotShow(t *testing.T) {
	if _, lines := findings(made(4, "fib", 200, 100, 0, 5, 3)); strings.Contains(strings.Join(lines, "\n"), "flat is not") {
		t.Errorf("on work without homes: %s", lines)
	}
	if _, lines := findings(made(2, "heat", 200, 100, 96, 1.1, 100/1.1)); !strings.Contains(strings.Join(lines, "\n"), "flat is not what a Go program gets") {
		t.Errorf("on two nodes: %s", lines)
	}
	res := made(4, "triad", 200, 100, 96, 1.1, 100/1.1)
	text := func() string {
		_, lines := findings(res)
		return strings.Join(lines, "\n")
	}
	if got := text(); !strings.Contains(got, "flat is not what a Go program gets") || strings.Contains(got, "numa-wrongmap") {
		t.Errorf("without numa-wrongmap: %s", got)
	}
	for i, local := range []float64{15, 46} {
		wrong := made(4, "triad", 200, 110, local, 1.1, 100/1.1).Measurements
		for j := range wrong {
			wrong[j].Topo = fmt.Sprint("m", i)
			if wrong[j].Arm == "numa" {
				wrong[j].Arm = "numa-wrongmap"
			}
		}
		both := made(4, "triad", 200, 100, 96, 1.1, 100/1.1).Measurements
		both[1].Topo = wrong[0].Topo
		res.Measurements = append(res.Measurements, append(wrong, both[1])...)
		res.Meta.Topologies = append(res.Meta.Topologies, harness.TopoMeta{Label: wrong[0].Topo, CPUs: 8, NodesWithCPUs: 4})
	}
	want := "numa has 1.10x to 1.10x the throughput of numa-wrongmap. That arm is not sharding without locality"
	if got := text(); !strings.Contains(got, want) || !strings.Contains(got, "15 to 46 % of its bytes are local") || !strings.Contains(got, "is not known from it") {
		t.Errorf("with numa-wrongmap: %s", got)
	}
}
