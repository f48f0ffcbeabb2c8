package sim_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"numasched/sched/sim"
)

// values returns the constants of p by name, as JSON.
func values(p *sim.Preset) map[string]string {
	all := map[string]string{}
	p.Constants(func(name, value, source string) { all[name] = value })
	return all
}

// A perturbation changes the assumed constant that it names and nothing else: not what
// is measured, and not the preset that it is of.
func TestPerturbedChangesOneAssumedConstant(t *testing.T) {
	for _, name := range append(sim.PresetNames(), "synthetic:4x2") {
		p, err := sim.LoadPreset(name)
		if err != nil {
			t.Fatal(err)
		}
		measured := map[string]bool{}
		p.Constants(func(name, _, source string) { measured[name] = !strings.HasPrefix(source, "assumed") })
		before := values(p)
		for _, c := range p.AssumedConstants() {
			field, _, _ := strings.Cut(c, "/")
			if measured[field] {
				t.Errorf("%s: %s is measured, and listed as assumed", name, c)
			}
			for _, by := range []sim.Milli{700, 1300} {
				q, err := p.Perturbed(map[string]sim.Milli{c: by})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := sim.New(sim.Config{Preset: q}); err != nil {
					t.Errorf("%s, %s times %v: %v", name, c, by, err)
				}
				for of, v := range values(q) {
					if changed := v != before[of]; changed != (of == field) {
						t.Errorf("%s, %s times %v: %s was %s and is %s", name, c, by, of, before[of], v)
					}
				}
			}
		}
		if !reflect.DeepEqual(values(p), before) {
			t.Errorf("%s itself has changed", name)
		}
	}
}

// Every assumed constant can be perturbed, but for those that say that there is no limit.
func TestEveryAssumedConstantCanBePerturbed(t *testing.T) {
	for _, name := range sim.PresetNames() {
		p, err := sim.LoadPreset(name)
		if err != nil {
			t.Fatal(err)
		}
		listed := p.AssumedConstants()
		p.Constants(func(c, value, source string) {
			has := slices.ContainsFunc(listed, func(l string) bool { l, _, _ = strings.Cut(l, "/"); return l == c })
			nothing := value == "0" || value == "[]" || value == "{}"
			if want := strings.HasPrefix(source, "assumed") && !nothing; has != want {
				t.Errorf("%s: %s = %s, %s: listed %v, want %v", name, c, value, source, has, want)
			}
		})
	}
}

// Worked by hand: what each kind of constant becomes.
func TestPerturbedByHand(t *testing.T) {
	p, err := sim.LoadPreset("snb-4s-ring")
	if err != nil {
		t.Fatal(err)
	}
	for c, want := range map[string]map[string]string{
		"l3_ns":         {"l3_ns": "26"},
		"smt_share":     {"smt_share": "0.806"},
		"idle_ns/own":   {"idle_ns": "[[92.3,128,184,128],[128,92.3,128,184],[184,128,92.3,128],[128,184,128,92.3]]"},
		"idle_ns/other": {"idle_ns": "[[71,166.4,239.2,166.4],[166.4,71,166.4,239.2],[239.2,166.4,71,166.4],[166.4,239.2,166.4,71]]"},
		"node_GBps":     {"node_GBps": "[57.928]"},
		"links":         {"links": `[{"between":["p0","p1"],"GBps":16.64},{"between":["p1","p2"],"GBps":16.64},{"between":["p2","p3"],"GBps":16.64},{"between":["p3","p0"],"GBps":16.64}]`},
	} {
		q, err := p.Perturbed(map[string]sim.Milli{c: 1300})
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range want {
			if got := values(q)[name]; got != v {
				t.Errorf("%s times 1.3: %s is %s, want %s", c, name, got, v)
			}
		}
	}
	q, err := p.Perturbed(map[string]sim.Milli{"core_scaling": 1300, "loaded_latency": 700})
	if err != nil {
		t.Fatal(err)
	}
	if got := q.Cores.Value.Update; !reflect.DeepEqual(got, [][2]sim.Milli{{1000, 22620}, {2000, 39800}, {3000, 39800}, {4000, 39800}, {8000, 39800}}) {
		t.Errorf("core_scaling times 1.3: update is %v", got)
	}
	if got := q.Loaded.Value; got[0][1] != 1043 || got[1][1] != 1000 || got[len(got)-1][1] != 2147 {
		t.Errorf("loaded_latency times 0.7: %v", got)
	}
}

// What is measured cannot be perturbed, nor what is not there.
func TestPerturbedRefuses(t *testing.T) {
	p, err := sim.LoadPreset("skx-2x8180")
	if err != nil {
		t.Fatal(err)
	}
	for c, by := range map[string]sim.Milli{"idle_ns/own": 1300, "node_GBps": 700, "mesh_GBps": 700, "nothing": 700, "l3_ns": 0} {
		if _, err := p.Perturbed(map[string]sim.Milli{c: by}); err == nil || !strings.Contains(err.Error(), c) {
			t.Errorf("%s times %v: %v, want an error that names it", c, by, err)
		}
	}
}

// No source says of a constant that is assumed that it was measured.
func TestSourcesSayWhatIsAssumed(t *testing.T) {
	for _, name := range sim.PresetNames() {
		p, err := sim.LoadPreset(name)
		if err != nil {
			t.Fatal(err)
		}
		p.Constants(func(c, _, source string) {
			for _, sign := range []string{"assumed", "same die", "taken for", "one node of", "shape of"} {
				if strings.Contains(source, sign) && !strings.HasPrefix(source, "assumed") {
					t.Errorf("%s: %s: %q: want a source that begins with assumed", name, c, source)
				}
			}
		})
	}
}
