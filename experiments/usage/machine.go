package usage

import (
	"numasched/sched"
	"numasched/sched/host"
	"numasched/sched/sim"
	"numasched/topology"
)

// Machine returns the machine that --preset and --topology name, and what closes it: without
// a preset, this host, with the nodes of another topology unless that is "host".
func Machine(preset, topo string) (sched.Machine, func() error, error) {
	if preset == "" {
		var pretended *topology.Topology
		if topo != "host" {
			var err error
			if pretended, err = Topology("topology", topo); err != nil {
				return nil, nil, err
			}
		}
		m, err := host.New(host.Config{Topology: pretended})
		if err != nil {
			return nil, nil, err
		}
		return m, m.Close, nil
	}
	if topo != "host" {
		return nil, nil, Errorf("--preset and --topology exclude each other: a preset has a topology")
	}
	p, err := Preset(preset)
	if err != nil {
		return nil, nil, err
	}
	m, err := sim.New(sim.Config{Preset: p})
	if err != nil {
		return nil, nil, err
	}
	return m, func() error { return nil }, nil
}
