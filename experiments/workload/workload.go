// Package workload holds the programs that experiments measure, one file each,
// and the table of them.
//
// A workload is the same program for every arm and every machine. It uses the scheduler
// through *sched.G alone, describes what it does to memory with sched.Work, says with
// G.Allocated what it makes on Go's heap, and checks its own answer. Where possible it
// also has a version in plain goroutines, for the arm "goroutine".
//
//	w := workload.ByName("fib")
//	in, err := w.Program(false).New()
//	err = in.Setup(s)                              // buffers; not timed
//	err = s.Run(func(g *sched.G) { err = in.Run(g) }) // timed, as often as wanted
//	err = in.Check(s)                              // the rest of the answer; not timed
//	perTask := elapsed / float64(in.Tasks)
//
// Invariants: what a run does depends on its sizes alone; a seed is one of the sizes
// where something is random. On a simulated machine no kernel runs and buffers have no
// memory (sched.Slice returns nil). So control flow never depends on what a kernel
// computes, and the answers that kernels compute are not checked there.
package workload

import (
	"numasched/experiments/histogram"
	"numasched/sched"
)

// A Workload is one program and the sizes it takes.
type Workload struct {
	Name     string // lower-case words joined by '-', such as "wake-storm"
	Doc      string // one line
	Unit     string // of work: "task" makes the metric ns/task
	Quick    bool   // part of the quick suite
	Homed    bool   // it streams over arrays with homes, and so wins much by them on many nodes
	Open     bool   // arrivals decide how long a run takes: latencies are the result, not times
	Pictured bool   // the timeline of a report shows it, if it ran
	Gap      string // of an Open one, the size that is the mean time between two arrivals for each P, in ns
	Params   []Param

	// InCaches are sizes at which its data lies in the first two caches, so that arithmetic
	// limits its kernels, which calibration times one by one. "" for a workload without a
	// kernel, or whose kernel is too short for a clock.
	InCaches string

	// Claimed returns the sizes at which the claim table has it on a machine. It is nil for a
	// workload that is not in the table.
	Claimed func(Room) []string

	// New makes an instance of the given sizes, which must have every name in Params.
	// It allocates nothing large; Setup does that.
	New func(Params) (*Instance, error)
}

// A Param is a size of a workload.
type Param struct {
	Name, Doc string
	Default   int64 // with which a Run takes some 0.05 to 1 s under flat on two CPUs
	Quick     int64 // with which a Run takes some 10 to 100 ms; 0 means Default
	Min, Max  int64 // both allowed
	Later     bool  // it came later than results that are kept: names leave out its default
	Skews     bool  // above its default, tasks differ in length
}

// Params are values by name.
type Params map[string]int64

// An Instance is a workload of one size, used by one arm for one repetition.
type Instance struct {
	// Setup makes buffers and fills them, untimed, before the first Run. s is
	// nil if Stock is about to run. Setup may be nil.
	Setup func(s *sched.Sched) error

	// Run is one run under the scheduler. It returns an error if its answer is
	// wrong. It may be called any number of times.
	Run func(g *sched.G) error

	// Warmed is called after a run that only warms up. It forgets what that has counted.
	// It may be nil.
	Warmed func()

	// Check checks what the runs left in memory, untimed, after the last Run or
	// Stock. It is for checks that take a notable part of a run's time. Its error
	// says what is wrong. s is nil after Stock. Check may be nil.
	Check func(s *sched.Sched) error

	// Stock is the same program with goroutines and channels, on GOMAXPROCS
	// threads. It is nil if that would be another program.
	Stock func() error

	// Tasks is the number of units in a run. It is read after Setup.
	Tasks int64

	// Bytes is the memory traffic that a run must cause. It is 0 for workloads that
	// are not judged by bandwidth. It is read after Setup.
	Bytes int64

	reported  []Reported
	latencies *histogram.Histogram
	starts    *histogram.Histogram
}

// A Reported is a number that a workload has counted itself.
type Reported struct {
	Value float64 `json:"value"`
	Unit  string  `json:"unit"` // as result files have it, such as "touched-%"
}

// Report notes a number of the runs so far, as testing.B.ReportMetric does. It replaces
// an earlier one in the same unit. Run calls it, from one G at a time.
func (in *Instance) Report(value float64, unit string) {
	for i := range in.reported {
		if in.reported[i].Unit == unit {
			in.reported[i].Value = value
			return
		}
	}
	in.reported = append(in.reported, Reported{value, unit})
}

// ReportLatencies notes latencies in ns of the runs so far, and their percentiles.
func (in *Instance) ReportLatencies(h *histogram.Histogram) {
	in.latencies = h
	in.Report(float64(h.Quantile(500, 1000)), "p50-ns")
	in.Report(float64(h.Quantile(990, 1000)), "p99-ns")
	in.Report(float64(h.Quantile(999, 1000)), "p99.9-ns")
}

// ReportStarts notes of the runs so far how many ns it took from what wakes a G, such as the
// arrival of a request, until the G ran. It is for runs in real time; a simulated machine
// counts the wake-ups of its threads itself.
func (in *Instance) ReportStarts(h *histogram.Histogram) { in.starts = h }

// Starts returns what the runs have given to ReportStarts, or nil.
func (in *Instance) Starts() *histogram.Histogram { return in.starts }

// Latencies returns what the runs have given to ReportLatencies, or nil.
func (in *Instance) Latencies() *histogram.Histogram { return in.latencies }

// Reported returns what the runs have reported.
func (in *Instance) Reported() []Reported { return in.reported }

// All is the table of workloads, in the order in which they are run and shown.
var All = []*Workload{
	fib,
	fibClosure,
	spawn,
	triad,
	pingPong,
	heat,
	cilkSort,
	uts,
	oneNode,
	fibGroup,
	parFor,
	actorRing,
	pipeline,
	wakeStorm,
	allocFree,
	matMul,
	cholesky,
	cg,
	bfs,
	gups,
	pointerChase,
	pagePairs,
	pageGroups,
	pageYield,
	pageChurn,
	kvServe,
	fanOut,
	taskBench,
	nQueens,
	skynet,
	lu,
	strassen,
	pageRank,
	bufferPool,
	sysCalls,
	fileReads,
	timers,
	goschedStorm,
	shortWakes,
}

// ByName returns the workload with the given name, or nil.
func ByName(name string) *Workload {
	for _, w := range All {
		if w.Name == name {
			return w
		}
	}
	return nil
}
