package explorer

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"numasched/experiments/usage"
	"numasched/sched/policy"
	"numasched/sched/sim/explore"
)

// ProgramNames returns the names of the programs in some lists.
func ProgramNames(lists ...[]explore.Program) []string {
	var names []string
	for _, p := range slices.Concat(lists...) {
		names = append(names, p.Name)
	}
	return names
}

// Cells returns each of some programs under each of some arms. Both are lists of names that are
// separated by commas, or "all".
func Cells(programs, arms string, cfg explore.Config) (cells []Cell, err error) {
	if programs == "all" {
		programs = strings.Join(ProgramNames(explore.Programs), ",")
	}
	names := ProgramNames(explore.Programs, explore.ModelPrograms)
	schedulers := usage.Schedulers()
	if arms == "all" {
		arms = strings.Join(schedulers, ",")
	}
	for name := range strings.SplitSeq(arms, ",") {
		arm, err := policy.ByName(name)
		if err != nil {
			return nil, usage.Errorf("--arm: %w", usage.Unknown("arm", name, schedulers))
		}
		for name := range strings.SplitSeq(programs, ",") {
			p, ok := explore.ProgramByName(name)
			if !ok {
				return nil, usage.Errorf("--program: %w", usage.Unknown("program", name, names))
			}
			if p.MinCPUs > cfg.CPUs {
				return nil, usage.Errorf("--cpus %d: program %s wants %d to %d", cfg.CPUs, name, p.MinCPUs, explore.MaxCPUs)
			}
			if p.MinGs > cfg.Gs {
				return nil, usage.Errorf("--gs %d: program %s wants %d to %d", cfg.Gs, name, p.MinGs, explore.MaxGs)
			}
			cfg.Arm = arm
			cells = append(cells, Cell{Program: p, Config: cfg})
		}
	}
	return cells, nil
}

// Replay prints the timeline of one schedule of the only cell, and reports whether it breaks an
// invariant.
func Replay(cells []Cell, text string, stdout io.Writer) (failed bool, err error) {
	if len(cells) != 1 {
		return false, usage.Errorf("--replay: want one program and one arm, not %d", len(cells))
	}
	schedule, err := explore.ParseSchedule(text)
	if err != nil {
		return false, usage.Errorf("--replay: %w", err)
	}
	timeline, broken := explore.Replay(cells[0].Program, cells[0].Config, schedule)
	if misfit := (*explore.MisfitError)(nil); errors.As(broken, &misfit) {
		return false, usage.Errorf("--replay: %w; want a schedule of %s under %s with these --cpus, --gs and --seed", misfit, cells[0].Program.Name, cells[0].Config.Arm.Name)
	}
	io.WriteString(stdout, timeline)
	if broken == nil {
		fmt.Fprintln(stdout, "no invariant was broken")
	}
	return broken != nil, nil
}
