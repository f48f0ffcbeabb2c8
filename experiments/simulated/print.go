package simulated

import (
	"fmt"
	"io"
	"time"

	"numasched/experiments/harness"
)

// Show prints runs, as a table or as JSON. The error is the first check that failed.
func Show(w io.Writer, runs []*Run, asJSON bool) error {
	if asJSON {
		if err := harness.WriteJSON(w, runs); err != nil {
			return err
		}
	} else {
		Print(w, runs)
	}
	return FailedCheck(runs)
}

// Print prints runs as a table, with what they assume and what checks have found.
func Print(w io.Writer, runs []*Run) {
	t := harness.Table{Title: "simulated machines, virtual time",
		Head: []string{"run", "makespan", "units/s", "work/sched/idle", "inflation", "local", "steals", "over bound", "Mevents/s"}}
	for _, r := range runs {
		all := float64(max(1, r.WorkNs+r.SchedulingNs+r.IdleNs))
		local, rate, inflation, bound := "-", "-", "-", "-"
		if r.WorkInflation > 0 {
			inflation = fmt.Sprintf("%.2f", r.WorkInflation)
		}
		if r.BoundRatio > 0 {
			bound = fmt.Sprintf("%.2f (%s)", r.BoundRatio, r.BoundBy)
		}
		if r.Locality >= 0 {
			local = fmt.Sprintf("%.1f %%", 100*r.Locality)
		}
		if r.wall > 0 {
			rate = millionEvents(r.Events, r.wall)
		}
		t.Rows = append(t.Rows, []string{
			fmt.Sprintf("%s %s P=%d %s", r.Preset, r.Workload, r.Procs, r.Arm),
			time.Duration(r.MakespanNs).String(), fmt.Sprintf("%.4g", r.Throughput),
			fmt.Sprintf("%.0f/%.0f/%.0f %%", 100*float64(r.WorkNs)/all, 100*float64(r.SchedulingNs)/all, 100*float64(r.IdleNs)/all),
			inflation, local, fmt.Sprintf("%d/%d", r.StealsL3+r.StealsNode, r.StealsRemote),
			bound, rate,
		})
	}
	t.Print(w)
	fmt.Fprintln(w, "steals: from Ps of the same node / of other nodes")
	shown := map[string]bool{}
	for _, r := range runs {
		for _, warning := range r.Warnings {
			if line := fmt.Sprintf("warning: %s: %s", r.Preset, warning); !shown[line] {
				shown[line] = true
				fmt.Fprintln(w, harness.Wrap(line, "    "))
			}
		}
	}
	for _, r := range runs {
		if shown[r.Preset] {
			continue
		}
		shown[r.Preset] = true
		fmt.Fprintf(w, "\n%s, assumed and not measured:\n", r.Preset)
		for _, a := range r.Assumed {
			fmt.Fprintln(w, harness.Wrap("  "+a, "    "))
		}
	}
	for _, r := range runs {
		for _, c := range r.Checked {
			fmt.Fprintf(w, "\nchecked: %s %s %s %d: %s", r.Preset, r.Arm, r.Workload, r.Procs, c)
		}
	}
	fmt.Fprintln(w)
	for _, r := range runs {
		for _, c := range r.Checks {
			fmt.Fprintf(w, "\nCHECK FAILED: %s %s %s %d: %s\n", r.Preset, r.Arm, r.Workload, r.Procs, c)
		}
	}
}

// millionEvents is a rate in millions of events per second, with two digits that
// count however small it is.
func millionEvents(events int64, wall time.Duration) string {
	rate := float64(events) / wall.Seconds() / 1e6
	if rate >= 10 {
		return fmt.Sprintf("%.0f", rate)
	}
	return fmt.Sprintf("%.2g", rate)
}

// FailedCheck returns the first check that failed.
func FailedCheck(runs []*Run) error {
	for _, r := range runs {
		if len(r.Checks) > 0 {
			return fmt.Errorf("%s %s %s %d: %s", r.Preset, r.Arm, r.Workload, r.Procs, r.Checks[0])
		}
	}
	return nil
}
