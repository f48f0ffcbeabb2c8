package harness

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"golang.org/x/perf/benchmath"
)

// A Metric is one kind of number that a repetition may have. What writes and shows
// results finds in its Metric all that it has to know.
type Metric struct {
	Unit   string // in result files; "*" at its end stands for the workload's unit of work
	Name   string // in tables and sentences
	Doc    string // what it is, in the words of results/README.md
	Better string // "higher" or "lower", as result files say it

	Worst  bool    // a cell has the largest value of its repetitions, not their median
	Weight *Metric // if not nil, a cell has the mean, weighted by this
	Of     string  // if not "", the histogram of which this is a quantile: a cell with several repetitions has that of all their times
	Part   int64   // the quantile, in thousandths
	Each   bool    // there is one for each part of the machine, whose name stands for the "*" at the beginning of Unit
	Format func(float64) string
}

// The metrics that have a name in the program. A workload may report others.
var (
	Time      = &Metric{Unit: "ns/*", Name: "time", Doc: "time per unit of work; the first value is always this one", Better: "lower", Format: FormatNumber}
	Bandwidth = &Metric{Unit: "MB/s", Name: "traffic", Doc: "memory traffic that the workload must cause, per second", Better: "higher", Format: FormatNumber}

	Local   = &Metric{Unit: "local-%", Name: "local", Doc: "tasks that ran on their home node; a task that never blocks and was not placed is at home wherever it runs", Better: "higher", Format: FormatPercent}
	Touched = &Metric{Unit: "touched-%", Name: "touched", Doc: "visits to pages that came from the page's home node, as the scheduler believes (workloads that count them)", Better: "higher", Format: FormatPercent}
	Pages   = &Metric{Unit: "pages-%", Name: "pages", Doc: "sampled pages that lay on the node of the CPU that used them, as the kernel says (`move_pages`, `getcpu`; machines with several nodes)", Better: "higher", Format: FormatPercent}

	StealsNear = &Metric{Unit: "steals-local/*", Name: "steals near", Doc: "thefts from a P of the same node, per unit of work", Better: "lower", Format: FormatNumber}
	StealsFar  = &Metric{Unit: "steals-remote/*", Name: "steals far", Doc: "thefts from a P of another node, per unit of work", Better: "lower", Format: FormatNumber}

	Samples = &Metric{Unit: "bound-samples", Name: "samples", Doc: "how many samples `bound-%` is of", Better: "higher", Format: FormatNumber}
	OnNode  = &Metric{Unit: "bound-%", Name: "on node", Doc: "samples in which an M was on a CPU of its P's node", Better: "higher", Weight: Samples, Format: FormatOnNode}
	Other   = &Metric{Unit: "other-cpu-%", Name: "others", Doc: "share of the machine's CPU time that other processes took meanwhile; a cell has that of its worst repetition", Better: "lower", Worst: true, Format: FormatPercent}
	P50     = &Metric{Unit: "p50-ns", Name: "p50", Doc: "latency that half of all do not exceed, from the time at which a request should have arrived, over all runs so far (workloads with arrivals)", Better: "lower", Format: FormatNs, Of: Latency, Part: 500}
	P99     = &Metric{Unit: "p99-ns", Name: "p99", Doc: "the same of 99 %", Better: "lower", Format: FormatNs, Of: Latency, Part: 990}
	P999    = &Metric{Unit: "p99.9-ns", Name: "p99.9", Doc: "the same of 99.9 %", Better: "lower", Format: FormatNs, Of: Latency, Part: 999}

	Start50  = &Metric{Unit: "start-p50-ns", Name: "start p50", Doc: "time from when a request should have arrived, or a sleep should have ended, until its G runs, half of all, over all runs so far (workloads with arrivals or sleeps, not simulated)", Better: "lower", Format: FormatNs, Of: Start, Part: 500}
	Start999 = &Metric{Unit: "start-p99.9-ns", Name: "start p99.9", Doc: "the same, 99.9 % of all", Better: "lower", Format: FormatNs, Of: Start, Part: 999}

	METG = &Metric{Unit: "metg-ns", Name: "METG", Doc: "how short tasks may be while half of the time is spent in them: the minimum effective task granularity at 50 %, over all runs so far (`taskbench`)", Better: "lower", Format: FormatNs}

	Clock = &Metric{Unit: "clock-GHz", Name: "clock", Doc: "additions in a nanosecond, of a chain in which each waits for the last, before or after the timed runs, whichever is less, with all their threads at it", Better: "higher", Format: func(v float64) string { return fmt.Sprintf("%.2f", v) }}
	Busy  = &Metric{Unit: "busy-%", Name: "busy", Doc: "CPU time of the process, of the time of all its Ps", Better: "higher", Format: FormatPercent}
	Peak  = &Metric{Unit: "peak-MB", Name: "peak MB", Doc: "resident memory of the process at its most, with what Go's heap has kept from earlier repetitions", Better: "lower", Worst: true, Format: FormatNumber}

	MemoryLocal = &Metric{Unit: "memory-local-%", Name: "memory local", Doc: "bytes from memory that came from the node of the CPU that used them", Better: "higher", Format: FormatPercent}
	OverBound   = &Metric{Unit: "over-bound", Name: "over bound", Doc: "makespan over the arm's own lower bound; tables and figures use the least of the arms of a cell instead. The bound is the largest of three: the arithmetic spread over all Ps; the longest chain of arithmetic, each step of which waits for the one before; the traffic of the busiest memory controller or link at the peak of its mix of reads and writes", Better: "lower", Format: FormatRatio}
	Busiest     = &Metric{Unit: "busiest-memory-%", Name: "busiest", Doc: "what that controller or link carried, as a share of its peak", Better: "lower", Format: FormatPercent}
	Carried     = &Metric{Unit: "*-GB/s", Name: "carried", Doc: "what a part of the machine carried: the memory of a node, as in `n0-GB/s`, or one direction of a link, as in `p0>p1-GB/s`; what carried nothing is left out", Better: "higher", Each: true, Format: FormatNumber}
	Inflation   = &Metric{Unit: "work-inflation", Name: "inflation", Doc: "time in work over that of the same work done alone on the node of its data", Better: "lower", Format: FormatRatio}
	Moves       = &Metric{Unit: "thread-moves/*", Name: "moves", Doc: "moves of threads to another node, per unit of work", Better: "lower", Format: FormatNumber}
	Work        = &Metric{Unit: "work-%", Name: "work", Doc: "share of the Ps' time in work", Better: "higher", Format: wholePercent}
	Scheduling  = &Metric{Unit: "scheduling-%", Name: "sched", Doc: "share of the Ps' time in the scheduler", Better: "lower", Format: wholePercent}
	Idle        = &Metric{Unit: "idle-%", Name: "idle", Doc: "share of the Ps' time asleep", Better: "lower", Format: wholePercent}
	MemoryBytes = &Metric{Unit: "memory-B/*", Name: "memory bytes", Doc: "bytes from and to memory per unit of work", Better: "lower", Format: FormatNumber}
	WakeP99     = &Metric{Unit: "wake-p99-ns", Name: "wake p99", Doc: "time from a wake-up to the thread's first step, 99th percentile", Better: "lower", Format: FormatNumber, Of: Wake, Part: 990}
	Events      = &Metric{Unit: "events", Name: "events", Doc: "of the simulation", Better: "lower", Format: FormatNumber}
)

// Metrics and SimulatedMetrics are the metrics in the order in which documents list them:
// those of every place, and those that only simulated machines have.
var (
	Metrics          = []*Metric{Time, Bandwidth, Local, Touched, Pages, P50, P99, P999, Start50, Start999, METG, StealsNear, StealsFar, OnNode, Samples, Other, Clock, Busy, Peak}
	SimulatedMetrics = []*Metric{MemoryLocal, OverBound, Busiest, Carried, Work, Scheduling, Idle, Inflation, Moves, MemoryBytes, WakeP99, Events}
)

// In returns the unit of m for a workload with that unit of work.
func (m *Metric) In(unit string) string {
	if of, ok := strings.CutSuffix(m.Unit, "*"); ok {
		return of + unit
	}
	return m.Unit
}

// of returns the metric of one part of a machine, if m has Each.
func (m *Metric) of(part string) *Metric {
	one := *m
	one.Unit, one.Name = part+strings.TrimPrefix(m.Unit, "*"), part
	return &one
}

// OfPart returns the unit of m for a part of a machine.
func (m *Metric) OfPart(part string) string { return m.of(part).Unit }

// metricOf returns the metric with a unit of a workload with that unit of work. A unit
// that is in neither list is a metric that a workload reports of its own.
func metricOf(unit, work string) *Metric {
	for _, m := range slices.Concat(Metrics, SimulatedMetrics) {
		if m.In(work) == unit {
			return m
		}
		if part, ok := strings.CutSuffix(unit, strings.TrimPrefix(m.Unit, "*")); ok && m.Each {
			return m.of(part)
		}
	}
	return &Metric{Unit: unit, Name: unit, Doc: "reported by the workload", Better: "lower", Format: FormatNumber}
}

// unitLine is the metadata of a unit in a result file.
func unitLine(unit, work, more string) string {
	return fmt.Sprintf("Unit %s better=%s%s\n", unit, metricOf(unit, work).Better, more)
}

// wholePercent is for shares of which three stand side by side.
func wholePercent(v float64) string { return fmt.Sprintf("%.0f %%", v) }

// FormatNs formats a time: "1.23us", "45.6ms".
func FormatNs(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "?"
	}
	for _, unit := range []string{"ns", "us", "ms"} {
		if v < 999.5 {
			return FormatNumber(v) + unit
		}
		v /= 1000
	}
	return FormatNumber(v) + "s"
}

// A Counted is a metric of a cell.
type Counted struct {
	*Metric
	benchmath.Summary
}

// Of returns what a row has of m: NaN if nobody counted. m may be a metric of a workload's
// own, of which there is one for each unit.
func (r *Row) Of(m *Metric) benchmath.Summary {
	if at := r.at(m); at >= 0 {
		return r.Counted[at].Summary
	}
	return summarize(nil)
}

// at is where a row has m, or -1. Units say which metric is which: a workload's own metric
// is made where it is met.
func (r *Row) at(m *Metric) int {
	return slices.IndexFunc(r.Counted, func(c Counted) bool { return c.Unit == m.Unit })
}

// Mid returns the median of what a row has of m, or whatever else m has instead of a
// median. It is NaN if nobody counted.
func (r *Row) Mid(m *Metric) float64 { return r.Of(m).Center }

// set changes what a row has of m.
func (r *Row) set(m *Metric, v float64) {
	if at := r.at(m); at >= 0 {
		r.Counted[at].Center = v
	}
}

// count sums up all values of a cell's repetitions, in the order of first appearance.
// pooled are their histograms.
func count(ms []*Measurement, pooled []Histogram) (all []Counted) {
	var units []string
	values := map[string][]float64{}
	for _, m := range ms {
		for _, v := range m.Values {
			if values[v.Unit] == nil {
				units = append(units, v.Unit)
			}
			values[v.Unit] = append(values[v.Unit], v.Value)
		}
	}
	for _, unit := range units {
		vs, m := values[unit], metricOf(unit, ms[0].Unit())
		nan := math.NaN()
		c := Counted{m, benchmath.Summary{Lo: nan, Hi: nan}}
		switch {
		case m.Worst:
			c.Center = slices.Max(vs)
		case m.Weight != nil:
			c.Center = weighted(ms, m, m.Weight)
		case len(ms) > 1 && allHave(ms, m.Of):
			c.Center = float64(histogramOf(pooled, m.Of).Quantile(m.Part, 1000))
		default:
			c.Summary = summarize(vs)
		}
		if !math.IsNaN(c.Center) {
			all = append(all, c)
		}
	}
	return all
}

// allHave reports whether every measurement has a histogram in that unit.
func allHave(ms []*Measurement, unit string) bool {
	for _, m := range ms {
		if histogramOf(m.Histograms, unit) == nil {
			return false
		}
	}
	return true
}

// weighted is the mean of a metric, weighted by another. It is NaN if nothing has weight.
func weighted(ms []*Measurement, m, weight *Metric) float64 {
	sum, weights := 0.0, 0.0
	for _, x := range ms {
		v, _ := x.Get(m.In(x.Unit()))
		w, _ := x.Get(weight.In(x.Unit()))
		sum += v * w
		weights += w
	}
	return sum / weights
}

// countedColumns are the columns beside those of speed, in their order. With one node
// the columns that could show nothing but 100 % are left out, and so are those of what
// nobody counted.
func (g *Group) countedColumns(m *Meta) (cs []column) {
	one := func(m *Metric) column { return counted(m.Name, m.Doc, 1, m) }
	steals := counted("steals", "per 1000 units of work, from Ps of the same node / of other nodes", 1000, StealsNear, StealsFar)
	if exact(g) {
		cs = []column{one(MemoryLocal), one(OverBound), counted("work/sched/idle", "shares of the Ps' time", 1, Work, Scheduling, Idle), one(Inflation), steals,
			counted(Moves.Name, "of threads to another node, per 1000 units of work", 1000, Moves)}
	} else {
		if !m.oneNode(g.Topo) {
			cs = []column{one(Local), one(Touched), one(Pages), one(OnNode)}
		}
		cs = append(cs, steals, one(Other))
		if m.Place.HasSpeed() {
			cs = append(cs, one(Clock), one(Busy), one(Peak))
		}
	}
	cs = append(cs, one(P50), one(P99), one(P999), one(Start50), one(Start999), one(METG))
	named := slices.Concat(Metrics, SimulatedMetrics)
	for i := range g.Rows {
		for _, c := range g.Rows[i].Counted {
			if !c.Each && !slices.Contains(named, c.Metric) && !slices.ContainsFunc(cs, func(o column) bool { return o.head == c.Name }) {
				cs = append(cs, one(c.Metric))
			}
		}
	}
	return slices.DeleteFunc(cs, func(c column) bool {
		return !slices.ContainsFunc(g.Rows, func(r Row) bool { return c.cell(&r) != "-" })
	})
}

// counted is a column of one metric, or of a few that belong together, multiplied by
// times. It shows "-" where nobody counted.
func counted(head, doc string, times float64, ms ...*Metric) column {
	return column{head, doc, func(r *Row) string {
		var parts []string
		unit := ""
		for _, m := range ms {
			at := r.at(m)
			if at < 0 {
				return "-"
			}
			text, percent := strings.CutSuffix(m.Format(times*r.Counted[at].Center), " %")
			if percent { // which stands at the end, once
				unit = " %"
			}
			parts = append(parts, text)
		}
		return strings.Join(parts, "/") + unit
	}}
}
