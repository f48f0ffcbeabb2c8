package calibrate

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"text/tabwriter"

	"numasched/experiments/workload"
	"numasched/sched/sim"
)

// A Row is one workload with one number of Ps, on the host and simulated: ns per
// unit, under the arm flat.
type Row struct {
	Workload, Unit string
	Procs          int
	Host           Timing
	Simulated      float64
}

// Error is the relative distance of the simulated time from the least of the host's:
// the simulated machine has nobody else on it.
func (r *Row) Error() float64 { return r.Simulated/r.Host.Least - 1 }

// Compare measures this host as [Host] does, and in every round runs every workload
// whose time means something at its quick sizes, on 1 and 2 Ps as far as there are CPUs.
// Then it simulates the same by the preset.
func Compare(show Progress) (*sim.Preset, []Row, error) {
	c, err := newCalibration()
	if err != nil {
		return nil, nil, err
	}
	var rows []Row
	for _, w := range workload.All {
		for procs := 1; procs <= min(2, runtime.NumCPU()) && !w.Open; procs++ { // an open workload's times say nothing
			rows = append(rows, Row{Workload: w.Name, Unit: w.Unit, Procs: procs})
		}
	}
	again := 0 // rows that a round does not time anyway
	for i := range rows {
		if _, ok := c.known(&rows[i]); !ok {
			again++
		}
	}
	done, planned := 0, rounds*(1+again)+len(rows)
	step := func(what string) {
		show(what, done, planned)
		done++
	}
	for range rounds {
		step("this host")
		if err := c.round(); err != nil {
			return nil, nil, err
		}
		for i := range rows {
			r := &rows[i]
			if t, ok := c.known(r); ok {
				r.Host = t
				continue
			}
			step(r.Workload)
			t, err := onHost(workload.ByName(r.Workload).Program(true), r.Procs)
			if err != nil {
				return nil, nil, err
			}
			r.Host = r.Host.better(t)
		}
	}
	p, err := c.finish()
	if err != nil {
		return nil, nil, err
	}
	for i := range rows {
		r := &rows[i]
		step("simulated " + r.Workload)
		if r.Simulated, err = simulatedNs(workload.ByName(r.Workload).Program(true), p, r.Procs); err != nil {
			return nil, nil, err
		}
	}
	return p, rows, nil
}

// known returns the timing of a row that rounds take anyway, because the scheduler's constants
// are learned from it.
func (c *calibration) known(r *Row) (t Timing, ok bool) {
	for _, l := range learners {
		if l.workload == r.Workload && r.Procs == learnersProcs {
			return c.timed[l.workload], true
		}
	}
	return t, false
}

// Print writes a comparison as a table, with the median and the maximum error.
func Print(w io.Writer, rows []Row) {
	fmt.Fprintf(w, "\nthis host (least and median of many runs), and simulated, ns per unit, arm flat;\nthe error is that of the simulated time against the least\n\n")
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "workload\tPs\thost, least\tmedian\tsimulated\terror\n")
	var errs []float64
	for i := range rows {
		r := &rows[i]
		errs = append(errs, math.Abs(r.Error()))
		fmt.Fprintf(tw, "%s\t%d\t%.1f ns/%s\t%.1f\t%.1f\t%+.1f %%\n", r.Workload, r.Procs, r.Host.Least, r.Unit, r.Host.Median, r.Simulated, 100*r.Error())
	}
	tw.Flush()
	if len(errs) == 0 {
		return
	}
	slices.Sort(errs)
	fmt.Fprintf(w, "\nerror: median %.1f %%, maximum %.1f %%\n", 100*errs[len(errs)/2], 100*errs[len(errs)-1])
}
