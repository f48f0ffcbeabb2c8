package main

import (
	"slices"
	"strings"
	"testing"

	"numasched/experiments/usage"
	"numasched/sched/sim"
	"numasched/topology"
)

// Topo, run and sim know the same machines, and so do their help, their errors
// and completion.
func TestOneListOfPresets(t *testing.T) {
	names := usage.MachineNames()
	for _, name := range append(sim.PresetNames(), topology.Presets()...) {
		if !slices.Contains(names, name) {
			t.Errorf("%s is not in the list", name)
		}
	}
	for where, args := range map[string][]string{
		"topo's help":       {"topo", "--help"},
		"sim's help":        {"sim", "--help"},
		"topo's error":      {"topo", "--from", "vax"},
		"run's error":       {"run", "--topology", "vax"},
		"run's empty list":  {"run", "--topology", ""},
		"sim's error":       {"sim", "--preset", "vax"},
		"topo's completion": {"__complete", "topo", "--from", ""},
		"run's completion":  {"__complete", "run", "--topology", "host,"},
		"sim's completion":  {"__complete", "sim", "--preset", ""},
	} {
		_, out, errs := cli(args...)
		said := strings.FieldsFunc(out+errs, func(r rune) bool { return strings.ContainsRune(" ,;:\n()", r) })
		for _, name := range names {
			if !slices.Contains(said, name) {
				t.Errorf("%s does not name %s", where, name)
			}
		}
	}
	if status, out, errs := cli("topo", "--from", "likwid-epyc-7451"); status != 0 || !strings.Contains(out, "node 7") {
		t.Errorf("status %d: %s%s", status, out, errs)
	}
}
