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

// Compare runs every workload whose time means something at its quick sizes on this host and simulated by a
// preset of it, on 1 and 2 Ps, as far as there are CPUs. It calls progress before
// each row.
func Compare(p *sim.Preset, progress func(workload string, done, planned int)) (rows []Row, err error) {
	most := min(2, runtime.NumCPU())
	all := slices.DeleteFunc(slices.Clone(workload.All), func(w *workload.Workload) bool { return w.Open }) // whose times say nothing
	for _, w := range all {
		for procs := 1; procs <= most; procs++ {
			progress(w.Name, len(rows), most*len(all))
			prog, r := w.Program(true), Row{Workload: w.Name, Unit: w.Unit, Procs: procs}
			if r.Host, err = onHost(prog, procs); err != nil {
				return nil, err
			}
			if r.Simulated, err = simulatedNs(prog, p, procs); err != nil {
				return nil, err
			}
			rows = append(rows, r)
		}
	}
	return rows, nil
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
