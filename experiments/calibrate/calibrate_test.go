package calibrate

import (
	"runtime"
	"strings"
	"testing"

	"numasched/experiments/workload"
	"numasched/sched/sim"
	"numasched/topology"
)

// What is measured of memory is above 0, as a preset wants it; how large it is
// depends on who else is running.
func TestMemoryMeasurements(t *testing.T) {
	alloc, err := allocNs()
	if err != nil || alloc <= 0 {
		t.Errorf("an object takes %v ns, %v", alloc, err)
	}
	one, err := bufferNs(1)
	if err != nil || one <= 0 {
		t.Errorf("a buffer takes %v ns, %v", one, err)
	}
	if ns := scatterNs(1 << 16); ns <= 0 {
		t.Errorf("a load takes %v ns", ns)
	}
	if ns := objectNs(2); ns <= 0 {
		t.Errorf("a closure on two threads takes %v ns", ns)
	}
}

// A later round keeps what an earlier one has measured better.
func TestRoundsKeepTheBest(t *testing.T) {
	s := sim.Scalar{Value: 1, Source: "assumed: nobody has measured it"}
	for _, c := range []struct {
		ns   float64
		want sim.Milli
	}{{5, 5000}, {7, 5000}, {3, 3000}} {
		if keepLeast(&s, c.ns, "a chase"); s.Value != c.want || s.Source != measured+"a chase" {
			t.Errorf("after %v ns: %+v, want %v", c.ns, s, c.want)
		}
	}
	s.Source = "assumed as on another machine: " + s.Source
	if keepMost(&s, 2, "a stream"); s.Value != 2000 {
		t.Errorf("%+v: what is assumed is no measurement", s)
	}
	if keepMost(&s, 1, "a stream"); s.Value != 2000 {
		t.Errorf("%+v, want the most", s)
	}
	if got := (Timing{}).better(Timing{3, 4}).better(Timing{5, 6}); got != (Timing{3, 4}) {
		t.Errorf("%+v, want the timing with the least time", got)
	}
}

// Constants are differences of the least times. A round in which only what is subtracted
// was disturbed does not make them shorter.
func TestConstantsAreDifferencesOfTheLeast(t *testing.T) {
	c, err := newCalibration()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.timeScheduler(); err != nil {
		t.Fatal(err)
	}
	for what, ns := range map[string]float64{"chase": 100, "scatter": 10, "one page": 1100, "many pages": 1100 + 100*(manyPages-1),
		"wake": 1000, "wake to run": 5000, "futex on one CPU": 2000, "its wake": 500} {
		lesser(c.raw, what, ns)
	}
	lesser(c.raw, "one page", 1500)
	lesser(c.raw, "wake", 4000)
	lesser(c.raw, "its wake", 1700)
	keepLeast(&c.preset.Syscall, 100, "made up")
	p, err := c.finish()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct {
		name string
		got  sim.Scalar
		want float64
	}{{"misses_under_way", p.Ahead, 10}, {"fault_ns_per_page", p.Fault, 100}, {"buffer_ns", p.Map, 1000}, {"futex_wake_ns", p.Wake, 900},
		{"wake_ns", p.WakeNear, 4000}, {"futex_sleep_ns", p.Sleep, 700}} {
		if ns(v.got) != v.want {
			t.Errorf("%s is %v, want %v", v.name, ns(v.got), v.want)
		}
	}
}

func TestThreadMeasurements(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("one CPU")
	}
	if call, run := wakeNs(); call <= 0 || run <= 0 {
		t.Errorf("waking takes %v ns, %v until the sleeper runs", call, run)
	}
}

// The levels of cache are where a pointer chase takes longer. Times are in ns, of
// chases in 8 KiB, 16 KiB and so on to 256 MiB.
func TestCachesFromAChase(t *testing.T) {
	const kib, mib = 1 << 10, 1 << 20
	for _, c := range []struct {
		name string
		ns   []float64
		want [3]int64
	}{
		{"three levels",
			[]float64{1, 1, 1, 3.5, 4, 4, 4.2, 8, 12, 13, 13, 14, 15, 40, 70, 80},
			[3]int64{32 * kib, 512 * kib, 32 * mib}},
		{"three levels, each fading into the next",
			[]float64{1.2, 1.2, 1.25, 2.4, 3.1, 3.5, 3.7, 3.8, 6.5, 11, 14, 16, 18, 55, 90, 105},
			[3]int64{32 * kib, 1 * mib, 32 * mib}},
		{"two levels",
			[]float64{1, 1, 1, 1, 6, 6, 6.5, 7, 30, 90, 100, 105, 108, 110, 110, 112},
			[3]int64{64 * kib, 1 * mib, 1 * mib}},
		{"a virtual machine whose kernel lists 48 KiB, 2 MiB and 300 MiB",
			[]float64{2.4, 2.4, 2.4, 6.1, 6.1, 6.2, 6.7, 7.7, 19, 51, 127, 144, 144, 155, 159, 188},
			[3]int64{32 * kib, 1 * mib, 128 * mib}},
	} {
		got, err := knees(c.ns)
		if err != nil || got != c.want {
			t.Errorf("%s: %v, %v; want %v", c.name, got, err, c.want)
		}
	}
	for _, ns := range [][]float64{
		{80, 80, 80, 81, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80},
		{1, 1, 1, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90},
	} {
		if got, err := knees(ns); err == nil || !strings.Contains(err.Error(), "lists no caches") || !strings.Contains(err.Error(), "want a host") {
			t.Errorf("%v: %v, %v; want an error", ns, got, err)
		}
	}
}

// Caches that the kernel lists are believed, and nothing is measured for them.
func TestListedCaches(t *testing.T) {
	topo, err := topology.Load("synthetic:2x4")
	if err != nil {
		t.Fatal(err)
	}
	sizes, found, err := cacheSizes(topo, func(int64) float64 { t.Error("a chase"); return 1 })
	if err != nil || found || sizes != [3]int64{topo.L1d[0].Bytes, topo.L2[0].Bytes, topo.L3[0].Bytes} {
		t.Errorf("%v, found %v, %v", sizes, found, err)
	}
	none := *topo
	none.L1d, none.L2, none.L3 = nil, nil, nil
	sizes, found, err = cacheSizes(&none, func(bytes int64) float64 { return float64(bytes/1e5 + 1) })
	if err != nil || !found || sizes[1] == 0 {
		t.Errorf("%v, found %v, %v", sizes, found, err)
	}
}

// On a host of several nodes, what lies on another node is not as near as what lies
// on the own one, and the preset does not claim that it was measured.
func TestRemoteNodesAreAssumed(t *testing.T) {
	topo, err := topology.Load("synthetic:2x4")
	if err != nil {
		t.Fatal(err)
	}
	m := byDistance(topo, 100, "a chase")
	if len(m.Value) != 2 || m.Value[0][0] != 100_000 || m.Value[0][1] <= 100_000 || !strings.HasPrefix(m.Source, "assumed") {
		t.Errorf("two nodes: %+v", m)
	}
	if topo, err = topology.Load("synthetic:1x4"); err != nil {
		t.Fatal(err)
	}
	if m = byDistance(topo, 100, "a chase"); len(m.Value) != 1 || m.Value[0][0] != 100_000 || !strings.HasPrefix(m.Source, "measured") {
		t.Errorf("one node: %+v", m)
	}
}

// Every kernel that a workload names is timed, and a preset that has its cycles
// makes the simulated run longer.
func TestEveryKernelIsTimed(t *testing.T) {
	c, err := newCalibration()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.timeKernels(); err != nil {
		t.Fatal(err)
	}
	p := c.preset
	p.Kernels.Value = make(map[string]sim.Milli)
	for name, ns := range c.kernels {
		p.Kernels.Value[name] = milli(ns)
	}
	for _, name := range []string{"triad", "parfor", "heat", "cilksort sort", "cilksort merge", "matmul", "cholesky fill", "cholesky factor",
		"cholesky solve", "cholesky update", "cg start", "cg apply", "cg step", "cg turn", "bfs", "gups", "spin", "page write", "page read", "uts", "nqueens",
		"lu fill", "lu factor", "lu right", "lu below", "lu update", "strassen sum", "pagerank", "buffer fill", "buffer sum"} {
		if p.Kernels.Value[name] <= 0 {
			t.Errorf("%s is not timed", name)
		}
	}
	if _, err := p.JSON(); err != nil {
		t.Error(err)
	}
	prog := workload.ByName("onenode").Program(true)
	took := func(cycles sim.Milli) float64 {
		p.Kernels.Value["spin"] = cycles
		ns, err := simulatedNs(prog, p, 1)
		if err != nil {
			t.Fatal(err)
		}
		return ns
	}
	if one, two := took(1000), took(2000); two < 1.9*one || two > 2.1*one {
		t.Errorf("%g ns with one cycle an operation, %g ns with two", one, two)
	}
}

// What a round times anyway is not timed again for a comparison.
func TestComparisonTakesWhatARoundHasTimed(t *testing.T) {
	c := &calibration{timed: map[string]Timing{"fib": {1, 2}, "spawn": {3, 4}, "pingpong": {5, 6}}}
	for load, want := range c.timed {
		if got, ok := c.known(&Row{Workload: load, Procs: 1}); !ok || got != want {
			t.Errorf("%s on one P: %v, %v; want %v", load, got, ok, want)
		}
		if _, ok := c.known(&Row{Workload: load, Procs: 2}); ok {
			t.Errorf("%s on two Ps is taken for timed", load)
		}
	}
	if _, ok := c.known(&Row{Workload: "triad", Procs: 1}); ok {
		t.Error("triad is taken for timed")
	}
}
