package sim_test

import (
	"strings"
	"testing"

	"numasched/sched/sim"
	"numasched/topology"
)

// Every preset that comes with the package makes a machine, and every named
// machine of package topology has a preset.
func TestPresetsMakeMachines(t *testing.T) {
	have := map[string]bool{}
	for _, name := range sim.PresetNames() {
		have[name] = true
		machine(t, name)
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

func TestBadPresets(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"{\n \"name\": \"x\",\n \"cycles_ns\": 3\n}", `x.json:3:2: unknown field "cycles_ns"`},
		{`{"name": "x"}`, `x.json: cycle_ns: want a value and a source, or a preset to be "like"`},
		{`{"like": "default", "cycle_ns": {"value": -1, "source": "s"}}`, "x.json: cycle_ns: want a value above 0"},
		{`{"like": "default", "cycle_ns": {"value": 0.1234, "source": "s"}}`, "at most three decimals"},
		{`{"like": "default", "misses_under_way": {"value": 0.5, "source": "s"}}`, "x.json: misses_under_way: want at least 1"},
		{`{"like": "nobody"}`, `x.json: like: preset "nobody": want synthetic:SPEC`},
		{`{"like": "default", "idle_ns": {"value": [[1,2]], "source": "s"}}`, "x.json: idle_ns: want a square matrix"},
		{`{"like": "default"} {}`, "x.json:1:21: want nothing after the value"},
		{`{"like": 7}`, "x.json:1:10: like: 7: want a string"},
	} {
		_, err := sim.ParsePreset("x.json", []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n\tgives %v\n\twant  %s", c.text, err, c.want)
		}
	}
	if _, err := sim.LoadPreset("../presets/default"); err == nil {
		t.Error("a path is taken for a name")
	}
}
