package explorer

import (
	"errors"
	"fmt"
	"io"
	"slices"

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

// Replay prints the timeline of one schedule of a cell, and reports whether it breaks an
// invariant. An error says that there is no such schedule.
func Replay(cell Cell, text string, stdout io.Writer) (failed bool, err error) {
	schedule, err := explore.ParseSchedule(text)
	if err != nil {
		return false, err
	}
	timeline, broken := explore.Replay(cell.Program, cell.Config, schedule)
	if misfit := (*explore.MisfitError)(nil); errors.As(broken, &misfit) {
		return false, fmt.Errorf("%w; want a schedule of %s under %s on as many CPUs, with as many Gs and this seed", misfit, cell.Program.Name, cell.Config.Arm.Name)
	}
	io.WriteString(stdout, timeline)
	if broken == nil {
		fmt.Fprintln(stdout, "no invariant was broken")
	}
	return broken != nil, nil
}
