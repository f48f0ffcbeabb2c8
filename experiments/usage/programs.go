package usage

import (
	"strings"

	"numasched/experiments/explorer"
	"numasched/sched/policy"
	"numasched/sched/sim/explore"
)

// ProgramCells returns each of some programs under each of some arms: "spawn,steal" or "all" of
// both. Unless somebody has given cfg's number of Gs, a program that needs more has more.
func ProgramCells(programs, arms string, cfg explore.Config, gsGiven bool) (cells []explorer.Cell, err error) {
	names := explorer.ProgramNames(explore.Programs, explore.ModelPrograms)
	schedulers := Schedulers()
	wanted := func(flag, list string, all, valid []string) ([]string, error) {
		items := ListWithAll(list, all)
		if len(items) == 0 {
			return nil, Errorf("--%s: empty list (valid: %s, all)", flag, strings.Join(valid, ", "))
		}
		return items, nil
	}
	progNames, err := wanted("program", programs, explorer.ProgramNames(explore.Programs), names)
	if err != nil {
		return nil, err
	}
	armNames, err := wanted("arm", arms, schedulers, schedulers)
	if err != nil {
		return nil, err
	}
	for _, name := range armNames {
		arm, err := policy.ByName(name)
		if err != nil {
			return nil, Errorf("--arm: %w", Unknown("arm", name, append(schedulers, "all")))
		}
		for _, name := range progNames {
			p, ok := explore.ProgramByName(name)
			if !ok {
				return nil, Errorf("--program: %w", Unknown("program", name, append(names, "all")))
			}
			if p.MinCPUs > cfg.CPUs {
				return nil, Errorf("--cpus %d: program %s wants %d to %d", cfg.CPUs, name, p.MinCPUs, explore.MaxCPUs)
			}
			cfg := cfg
			if p.MinGs > cfg.Gs && !gsGiven {
				cfg.Gs = p.MinGs
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
