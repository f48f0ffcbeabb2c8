package sim_test

import (
	"fmt"
	"strings"
	"testing"

	"numasched/sched"
	"numasched/sched/sim"
	"numasched/topology"
)

// Every preset that comes with the package makes a machine, and every named
// machine of package topology has a preset.
func TestPresetsMakeMachines(t *testing.T) {
	have := map[string]bool{}
	for _, name := range sim.PresetNames() {
		have[name] = true
		simulated(t, name)
	}
	for _, name := range topology.Presets() {
		if !have[name] {
			t.Errorf("no preset has the constants of %s", name)
		}
	}
}

// Every constant says where it comes from, and a preset for a machine that
// nobody has built says that all are assumed.
func TestConstantsHaveSources(t *testing.T) {
	for _, name := range append(sim.PresetNames(), "synthetic:2x4") {
		p, err := sim.LoadPreset(name)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		p.Constants(func(field, value, source string) {
			n++
			if source == "" || value == "" {
				t.Errorf("%s: %s = %s from %q", name, field, value, source)
			}
		})
		if strings.HasPrefix(name, "synthetic:") && len(p.Assumed()) != n {
			t.Errorf("%s: %d of %d constants are assumed", name, len(p.Assumed()), n)
		}
	}
}

// Every preset survives being written and read: none of its constants is lost, and
// a constant that it leaves out stays left out.
func TestPresetRoundTrip(t *testing.T) {
	for _, name := range append(sim.PresetNames(), "synthetic:2x4") {
		p, err := sim.LoadPreset(name)
		if err != nil {
			t.Fatal(err)
		}
		a, err := p.JSON()
		if err != nil {
			t.Fatal(err)
		}
		q, err := sim.ParsePreset(name+" again", a)
		if err != nil {
			t.Errorf("%s is written as a preset that is refused: %v", name, err)
			continue
		}
		if b, _ := q.JSON(); string(a) != string(b) {
			t.Errorf("%s, written, read and written again:\n%s\nwas\n%s", name, b, a)
		}
	}
}

// What is wrong is said in one line: where (§), what is there, what was expected.
func TestBadPresets(t *testing.T) {
	with := func(constant string) string {
		return `{"like": "default", "topology": "synthetic:4x2", ` + constant + "}"
	}
	const s = `, "source": "s"}`
	for _, c := range []struct{ text, want string }{
		{"{\n \"name\": \"x\",\n §\"cycles_ns\": 3\n}", `unknown field "cycles_ns"`},
		{`§{"name": "x"}`, `cycle_ns: want a value and a source, or a preset to be "like"`},
		{`{"like": "default"} §{}`, "want nothing after the value"},
		{`{"like": §7}`, "like: 7: want a string"},
		{`{"like": §"nobody"}`, `like: preset "nobody": want synthetic:SPEC`},
		{`{"like": "default", "topology": §"nobody"}`, `"nobody"`},
		{`{"like": "default", "topology": §"synthetic:2y2"}`, `synthetic:2y2`},
		// Numbers.
		{with(`"cycle_ns": {"value": §-1` + s), "cycle_ns: -1: want a value above 0"},
		{with(`"cycle_ns": {"value": §0` + s), "cycle_ns: 0: want a value above 0"},
		{with(`"cycle_ns": {"value": §0.1234` + s), "at most three decimals"},
		{with(`"cycle_ns": §{"value": 1}`), "cycle_ns: want a value and a source"},
		{with(`"cycle_ns": §{"value": 1, "source": ""}`), "cycle_ns: want a value and a source"},
		{with(`"cycle_ns": §{"source": "s"}`), "cycle_ns: want a value and a source"},
		{with(`"smt_share": {"value": §1.2` + s), "smt_share: 1.2: want at most 1"},
		{with(`"misses_under_way": {"value": §0.5` + s), "misses_under_way: 0.5: want at least 1"},
		{with(`"kernel_cycles": {"value": {"triad": §0}` + s), "kernel_cycles: triad: 0: want cycles above 0"},
		{with(`"kernel_cycles": {"value": {"triad": §"2"}` + s), "triad: \"2\": want a decimal number without quotes"},
		{with(`"cache_KiB": {"value": [32, §16]` + s), "cache_KiB: 16: want up to three sizes"},
		{with(`"cache_KiB": {"value": [32, 256, 1024, §2048]` + s), "cache_KiB: 2048: want up to three sizes"},
		// Matrices and lists fit the machine.
		{with(`"idle_ns": {"value": §[]` + s), "idle_ns: want a square matrix"},
		{with(`"idle_ns": {"value": [§[1, 2]]` + s), "idle_ns: a row of 2 in a matrix of 1 rows: want a square matrix"},
		{with(`"idle_ns": {"value": [[1, 2], [2, §-1]]` + s), "idle_ns: -1: want values above 0"},
		{with(`"idle_ns": {"value": §[[1, 2], [2, 1]]` + s), "idle_ns: a matrix of 2 x 2: want 4 x 4, a row for each node of synthetic:4x2"},
		{with(`"c2c_ns": {"value": §[[1, 2, 3], [2, 1, 3], [3, 3, 1]]` + s), "c2c_ns: a matrix of 3 x 3: want 4 x 4"},
		{with(`"c2c_home_ns": {"value": §[[1]]` + s), "c2c_home_ns: a matrix of 1 x 1: want 4 x 4"},
		{`{"like": "skx-2x8180", "idle_ns": {"value": §[[1]]` + s + "}", "idle_ns: a matrix of 1 x 1: want 2 x 2"},
		{with(`"node_GBps": {"value": §[1, 2]` + s), "node_GBps: 2 values: want one for all nodes, or 4"},
		{with(`"node_GBps": {"value": [1, 2, 3, §0]` + s), "node_GBps: 0: want values above 0"},
		// Curves.
		{with(`"loaded_latency": {"value": §[]` + s), "loaded_latency: want at least one point"},
		{with(`"loaded_latency": {"value": [[0, 1], [0.5, 1.2], §[0.5, 1.3]]` + s), "loaded_latency: [0.5, 1.3]: want points that ascend"},
		{with(`"core_scaling": {"value": §{"load": [[1, 2]], "triad": [[1, 2]], "update": [[1, 2]]}` + s), "core_scaling: want at least one point of a curve copy"},
		{with(`"core_scaling": {"value": {"load": [§[2, 2]], "copy": [[1, 2]], "triad": [[1, 2]], "update": [[1, 2]]}` + s), "core_scaling: load begins with 2 cores: want a first point for 1 core"},
		// Links join what is there.
		{with(`"links": {"value": [{"between": ["p0", "p1"], "GBps": 1}, {"between": ["p0", §"p4"], "GBps": 1}]` + s), `links: "p4": want n0 to n3 or p0 to p3, or * twice`},
		{with(`"links": {"value": [{"between": [§"*", "p1"], "GBps": 1}]` + s), `links: "*": want n0 to n3`},
		{with(`"links": {"value": [{"between": ["p0", "p1"], "GBps": §0}]` + s), "links: 0: want a bandwidth above 0"},
		{with(`"links": {"value": [{"between": §["p1", "p1"], "GBps": 1}]` + s), "links: p1 is joined with itself"},
		{with(`"links": {"value": [{"between": ["p0", "p1"], "GBps": 1}, {"between": §["p1", "p0"], "GBps": 1}]` + s), "links: p1 and p0 are joined already"},
		{with(`"links": {"value": [{"between": ["*", "*"], "GBps": 1}, {"between": §["*", "*"], "GBps": 1}]` + s), "links: a second one between * and *"},
		{with(`"links": {"value": §[{"between": ["p0", "p1"], "GBps": 1}]` + s), "links: nothing joins node 2 and node 0: want a way between any two"},
		{`{"like": "snb-4s-ring", "topology": §"synthetic:2x2"}`, "the links are those of the preset that it is like"},
	} {
		before, after, ok := strings.Cut(c.text, "§")
		if !ok {
			t.Fatalf("%s does not mark the place", c.text)
		}
		want := fmt.Sprintf("x.json:%d:%d: ", strings.Count(before, "\n")+1, len(before)-strings.LastIndex(before, "\n"))
		_, err := sim.ParsePreset("x.json", []byte(before+after))
		if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s\n\tgives %v\n\twant  %s%s", c.text, err, want, c.want)
		}
	}
	if _, err := sim.LoadPreset("../presets/default"); err == nil {
		t.Error("a path is taken for a name")
	}
}

// On a machine whose topology lists no caches, the preset's own count: without them
// every access would go to memory, and no such machine is made.
func TestMachineWithoutListedCaches(t *testing.T) {
	p, err := sim.LoadPreset("default")
	if err != nil {
		t.Fatal(err)
	}
	bare, err := topology.Load("synthetic:2x4")
	if err != nil {
		t.Fatal(err)
	}
	none := *bare
	none.L1d, none.L2, none.L3 = nil, nil, nil
	if _, err := sim.New(sim.Config{Preset: p, Topology: &none}); err == nil || !strings.Contains(err.Error(), "lists no caches") {
		t.Errorf("without sizes: %v", err)
	}
	q := *p
	q.Caches = sim.List{Value: []sim.Milli{48_000, 2048_000, 30720_000}, Source: "measured"}
	var took [2]sim.Time
	for i, c := range []sim.Config{{Preset: p, Topology: bare}, {Preset: &q, Topology: &none}} {
		m, err := sim.New(c)
		if err != nil {
			t.Fatal(err)
		}
		buf, err := m.NewBuffer(16<<10, sched.Default)
		if err != nil {
			t.Fatal(err)
		}
		th := m.Start("reader", topology.CPUSet{}, func(th *sim.Thread) {
			w := sched.Work{Reads: []sched.Span{{Buf: buf, Len: 16 << 10}}}
			th.Work(&w)
			before := th.Now()
			for range 100 {
				th.Work(&w)
			}
			took[i] = th.Now() - before
		})
		if err := m.RunThreads(th); err != nil {
			t.Fatal(err)
		}
	}
	if took[0] != took[1] || took[0] == 0 {
		t.Errorf("100 reads of 16 KiB take %d ps from listed caches, %d from the preset's", took[0], took[1])
	}
}
