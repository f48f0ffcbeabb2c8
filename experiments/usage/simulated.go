package usage

import (
	"slices"
	"strings"

	"numasched/experiments/simulated"
	"numasched/sched/sim"
)

// Presets resolves the items of --preset.
func Presets(names []string) (all []*sim.Preset, err error) {
	for _, name := range names {
		p, err := Preset(name)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// Simulated reads --preset and --procs of a sweep: machines that results can tell apart, each with
// its numbers of Ps.
func Simulated(presets, procs string) (all []simulated.Sized, err error) {
	names := List(presets)
	if len(names) == 0 {
		return nil, Errorf("--preset: want at least one of %s, synthetic:NxC or a file.json", strings.Join(sim.PresetNames(), ", "))
	}
	machines, err := Presets(names)
	if err != nil {
		return nil, err
	}
	for i, p := range machines {
		m, err := simulated.Of(p, 0)
		if err != nil {
			return nil, Wrong(err)
		}
		if strings.ContainsAny(p.Name, "/ \t") || p.Name == "" {
			return nil, Errorf("--preset %s: its name is %q: want one word without slashes, for benchmark names", names[i], p.Name)
		}
		if slices.ContainsFunc(machines[:i], func(o *sim.Preset) bool { return o.Name == p.Name }) {
			return nil, Errorf("--preset: two of the list are named %s: one run cannot tell them apart", p.Name)
		}
		ps, err := Shares(procs, names[i], m.Topology.Allowed.Len())
		if err != nil {
			return nil, err
		}
		all = append(all, simulated.Sized{Machine: m, Procs: ps})
	}
	return all, nil
}
