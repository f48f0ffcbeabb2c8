package usage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"numasched/experiments/harness"
	"numasched/experiments/spell"
	"numasched/sched/sim"
	"numasched/topology"
)

// MachineNames returns the names of all machines that the commands know, in
// alphabetical order: the simulator's presets, which have constants and a topology,
// and the topologies of package topology.
func MachineNames() []string {
	names := append(sim.PresetNames(), topology.Presets()...)
	slices.Sort(names)
	return slices.Compact(names)
}

// Topology resolves a value of --topology or --from: whatever [topology.Load]
// takes, or a preset of the simulator. Errors begin with the flag.
func Topology(flag, arg string) (*topology.Topology, error) {
	t, err := loadNamedTopology(arg)
	if err != nil {
		return nil, Errorf("--%s: %w", flag, err)
	}
	return t, nil
}

// Topologies resolves the items of --topology, each with a label of its own.
func Topologies(s string) (list []*topology.Topology, byLabel map[string]*topology.Topology, err error) {
	byLabel = map[string]*topology.Topology{}
	for _, arg := range List(s) {
		t, err := Topology("topology", arg)
		if err != nil {
			return nil, nil, err
		}
		label := harness.TopologyLabel(t)
		if other := byLabel[label]; other != nil {
			return nil, nil, Errorf("--topology: %s and %s are both %s: one run cannot tell them apart", other.Origin, t.Origin, label)
		}
		byLabel[label] = t
		list = append(list, t)
	}
	if len(list) == 0 {
		return nil, nil, Errorf("--topology: empty list (valid: host, synthetic:NxC, a capture's file, %s)", strings.Join(MachineNames(), ", "))
	}
	return list, byLabel, nil
}

func loadNamedTopology(arg string) (*topology.Topology, error) {
	name, byPrefix := strings.CutPrefix(arg, "preset:")
	_, err := os.Stat(arg)
	byName := errors.Is(err, fs.ErrNotExist) && arg != "host" && !strings.HasPrefix(arg, "synthetic:")
	if !byPrefix && !byName || slices.Contains(topology.Presets(), name) {
		return topology.Load(arg)
	}
	names := MachineNames()
	if slices.Contains(names, name) {
		p, err := sim.LoadPreset(name)
		if err != nil {
			return nil, err
		}
		t, err := topology.Load(p.Topology)
		if err != nil {
			return nil, err
		}
		t.Origin = "preset:" + name
		return t, nil
	}
	if byPrefix {
		return nil, Unknown("preset", name, names)
	}
	hint := ""
	if near := spell.Closest(name, names); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return nil, fmt.Errorf("topology %q: no such file: want host, synthetic:NxC, synthetic:PxNxLxCxT, a capture.tar.gz, an hwloc file.xml, a directory with sys and proc, or a preset: %s%s",
		arg, strings.Join(names, ", "), hint)
}

// Preset resolves an item of --preset.
func Preset(arg string) (*sim.Preset, error) {
	p, err := sim.LoadPreset(arg)
	switch {
	case err == nil:
		return p, nil
	case !strings.HasSuffix(arg, ".json") && spell.Closest(arg, sim.PresetNames()) != "":
		return nil, Errorf("--preset: %w; did you mean %q?", err, spell.Closest(arg, sim.PresetNames()))
	}
	return nil, Errorf("--preset: %w", err)
}
