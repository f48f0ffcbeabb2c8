package harness

import (
	"fmt"
	"slices"
	"strings"
)

// ReportLists ends a note on assumed constants.
const ReportLists = "; the report lists them."

// Notes returns what a reader must know before trusting the numbers.
func (m *Meta) Notes() []string {
	var notes []string
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	notes = append(append(notes, m.Suspect...), m.mergedNotes()...)
	if !m.Complete() {
		note("The run is not complete: %d of %d repetitions.", m.Done, m.Planned)
	}
	if m.Place == Virtual {
		note("Measured in a virtual NUMA machine: the kernel counted the locality. Times are not reported.")
	}
	if m.Place == Simulated {
		note("Simulated: times are virtual times of the machine described, not times of the computer that ran the simulation.")
		for _, t := range m.Topologies {
			if len(t.Assumed) > 0 {
				note("%s: %s assumed and not measured"+ReportLists, t.Label, Count(len(t.Assumed), "constant is", "constants are"))
			}
		}
	}
	for _, t := range m.Topologies {
		if t.Pretended {
			note("The nodes of %s (%s) are pretended: threads are not bound and pages are not placed. Locality and steals refer to the pretended nodes, times to this machine.", t.Label, t.Origin)
		}
	}
	if d := m.Disturbed; m.Place != Simulated {
		switch {
		case !d.Known:
			note("It is not known how much other processes interfered: this operating system does not report it.")
		case d.Flagged > 0:
			note("Other processes disturbed %d of %d repetitions: they took more than %g %% of the machine's CPU time (median %.1f %%, worst %.1f %%).",
				d.Flagged, m.Done, d.LimitPct, d.MedianPct, d.MaxPct)
			if m.NoVerdict() {
				note("Times from a machine this disturbed say little. Repeat the run when the machine is idle.")
			}
		}
	}
	if c := m.Clocks; c.Flagged > 0 && m.Place == Host {
		note("The CPUs' clock was not the same all the time: in %d of %d repetitions it differed by more than %.0f %% from the median of %s GHz, most in %s.",
			c.Flagged, m.Done, 100*clockLimit, Clock.Format(c.MedianGHz), c.Worst)
	}
	if m.Place == Host && len(m.Machines) < 2 {
		for _, procs := range m.oversubscribed() {
			note("P=%d on a machine that has %s: the Ps take turns.", procs, Count(m.Machine.CPUs, "CPU", "CPUs"))
		}
	}
	reasons := map[string][]string{}
	var order []string
	for _, b := range m.Binding {
		if b.Bound || !b.Wanted || m.topoPretended(b.Topo) {
			continue
		}
		if reasons[b.Why] == nil {
			order = append(order, b.Why)
		}
		if !slices.Contains(reasons[b.Why], b.Arm) {
			reasons[b.Why] = append(reasons[b.Why], b.Arm)
		}
	}
	for _, why := range order {
		note("Threads were not bound under %s: %s.", strings.Join(reasons[why], ", "), why)
	}
	for _, w := range m.Warnings {
		note("Could not be done: %s.", w)
	}
	if m.Plan.Reps < 6 && m.Place != Simulated {
		note("%s too few for a 95 %% interval, which takes 6.", Count(m.Plan.Reps, "repetition is", "repetitions are"))
	}
	if m.Build.Modified {
		note("The program was built from a working tree with changes on top of commit %s.", m.Build.ShortCommit())
	}
	if m.Build.Why != "" {
		note("The commit of the program is not known: %s.", m.Build.Why)
	}
	return notes
}

func (m *Meta) topoPretended(label string) bool {
	for _, t := range m.Topologies {
		if t.Label == label {
			return t.Pretended
		}
	}
	return false
}

// NoVerdict reports whether other processes disturbed so many repetitions that times of the
// run decide nothing.
func (m *Meta) NoVerdict() bool {
	return m.Place != Simulated && m.Disturbed.Known && 2*m.Disturbed.Flagged > m.Done
}

func (m *Meta) oversubscribed() []int {
	var ps []int
	for _, c := range m.Plan.Cells {
		if c.Procs > m.Machine.CPUs && !slices.Contains(ps, c.Procs) {
			ps = append(ps, c.Procs)
		}
	}
	return ps
}
