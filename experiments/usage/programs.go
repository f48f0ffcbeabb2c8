package usage

import (
	"strings"

	"numasched/experiments/explorer"
	"numasched/sched/policy"
	"numasched/sched/sim/explore"
)

// ProgramCells returns each of some programs under each of some arms. Both are lists of names that are
// separated by commas, or "all".
func ProgramCells(programs, arms string, cfg explore.Config) (cells []explorer.Cell, err error) {
	if programs == "all" {
		programs = strings.Join(explorer.ProgramNames(explore.Programs), ",")
	}
	names := explorer.ProgramNames(explore.Programs, explore.ModelPrograms)
	schedulers := Schedulers()
	if arms == "all" {
		arms = strings.Join(schedulers, ",")
	}
	for name := range strings.SplitSeq(arms, ",") {
		arm, err := policy.ByName(name)
		if err != nil {
			return nil, Errorf("--arm: %w", Unknown("arm", name, schedulers))
		}
		for name := range strings.SplitSeq(programs, ",") {
			p, ok := explore.ProgramByName(name)
			if !ok {
				return nil, Errorf("--program: %w", Unknown("program", name, names))
			}
			if p.MinCPUs > cfg.CPUs {
				return nil, Errorf("--cpus %d: program %s wants %d to %d", cfg.CPUs, name, p.MinCPUs, explore.MaxCPUs)
			}
			if p.MinGs > cfg.Gs {
				return nil, Errorf("--gs %d: program %s wants %d to %d", cfg.Gs, name, p.MinGs, explore.MaxGs)
			}
			cfg.Arm = arm
			cells = append(cells, explorer.Cell{Program: p, Config: cfg})
		}
	}
	return cells, nil
}
