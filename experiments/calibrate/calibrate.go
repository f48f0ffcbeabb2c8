// Package calibrate measures the constants of this host that a simulated machine needs,
// and then how far the two are from each other.
//
//	p, err := calibrate.Host(show)          // a preset; a minute, and nothing else should run
//	data, err := p.JSON()                   // a file for experiments sim --preset
//	p, rows, err := calibrate.Compare(show) // likewise, and workloads on the host and simulated
//
// memory.go, threads.go and objects.go measure one thing each, in loops of their
// own. kernels.go times the loops of the workloads. bench.go runs a workload on
// either machine.
//
// Everything is measured in several rounds, minutes apart: a neighbour on a shared
// machine disturbs whatever falls into a bad minute, but seldom the same thing again.
//
// Invariants: a time is the least of several measurements, because whatever
// disturbs one makes it longer. A constant that this host cannot tell keeps the
// value that is assumed for it, and its source says so.
package calibrate

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"numasched/experiments/harness"
	"numasched/experiments/workload"
	"numasched/sched/sim"
	"numasched/topology"
)

const measured = "measured on this host: "

// best returns the least of several measurements of f, in nanoseconds.
func best(f func() float64) float64 {
	least := math.Inf(1)
	for range 7 {
		least = min(least, f())
	}
	return least
}

// each returns how long one of the n steps of f takes, in nanoseconds.
func each(n int, f func()) float64 {
	start := time.Now()
	f()
	return float64(time.Since(start)) / float64(n)
}

// keepLeast makes ns the value of a constant, unless an earlier round has measured less.
func keepLeast(to *sim.Scalar, ns float64, how string) {
	if v := milli(ns); !isMeasured(to.Source) || v < to.Value {
		*to = sim.Scalar{Value: v, Source: measured + how}
	}
}

// keepMost makes v the value of a constant, unless an earlier round has measured more.
func keepMost(to *sim.Scalar, v float64, how string) {
	if v := milli(v); !isMeasured(to.Source) || v > to.Value {
		*to = sim.Scalar{Value: v, Source: measured + how}
	}
}

func isMeasured(source string) bool { return strings.HasPrefix(source, measured) }

// milli is a measured number as presets keep it: above 0.
func milli(v float64) sim.Milli { return sim.Milli(max(1, math.Round(v*1000))) }

func ns(s sim.Scalar) float64 { return float64(s.Value) / 1000 }

// rounds is how often everything is measured.
const rounds = 3

// A calibration is what has been measured so far.
type calibration struct {
	topo    *topology.Topology
	preset  *sim.Preset
	raw     map[string]float64 // ns, by what was timed: the least of what constants are differences or ratios of
	kernels map[string]float64 // likewise, of an operation
	timed   map[string]Timing  // of the workloads that scheduler needs, on one P
}

// Progress is told what is being measured, and how many of the planned steps are done.
type Progress func(what string, done, planned int)

// Host measures this host. The preset is one that sim.ParsePreset takes when it is
// written and read.
func Host(show Progress) (*sim.Preset, error) {
	c, err := newCalibration()
	if err != nil {
		return nil, err
	}
	for round := range rounds {
		show("this host", round, rounds)
		if err := c.round(); err != nil {
			return nil, err
		}
	}
	return c.finish()
}

func newCalibration() (*calibration, error) {
	topo, err := topology.Host()
	if err != nil {
		return nil, err
	}
	p, err := sim.LoadPreset("default")
	if err != nil {
		return nil, err
	}
	p.Name, p.Like, p.Topology = "host", "default", "host"
	p.Doc = "measured by experiments calibrate; what could not be measured here is assumed"
	return &calibration{topo, p, make(map[string]float64), make(map[string]float64), make(map[string]Timing)}, nil
}

// lesser keeps a time by its name, unless an earlier round has measured less.
func lesser(times map[string]float64, what string, ns float64) {
	if was, ok := times[what]; !ok || ns < was {
		times[what] = ns
	}
}

// round measures everything once.
func (c *calibration) round() error {
	for _, part := range []func() error{c.memory, c.objects, c.threads, c.timeKernels, c.timeScheduler} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// finish derives what is left of a time when everything else is paid for, and returns
// the preset. It subtracts the least times, not times of one round: a disturbed
// subtrahend would make the rest too short.
func (c *calibration) finish() (*sim.Preset, error) {
	p, raw := c.preset, c.raw
	derive := func(to *sim.Scalar, v float64, how string) { *to = sim.Scalar{Value: milli(v), Source: measured + how} }
	derive(&p.Ahead, max(1, raw["chase"]/raw["scatter"]), "a pointer chase against loads from random addresses")
	page := (raw["many pages"] - raw["one page"]) / (manyPages - 1)
	derive(&p.Fault, page, "each more page of a buffer that is made, written and given back")
	derive(&p.Map, max(1, raw["one page"]-page), "a buffer of one page, less its page")
	syscall := ns(p.Syscall)
	if _, ok := raw["wake"]; ok {
		derive(&p.Wake, max(1, raw["wake"]-syscall), "waking a sleeper on another CPU, less a system call")
		derive(&p.WakeNear, max(1, raw["wake to run"]-raw["wake"]), "until that sleeper runs, less the waker's part")
		p.WakeFar = p.WakeNear
	}
	derive(&p.Sleep, max(1, (raw["futex on one CPU"]-raw["its wake"]-syscall)/2), "half of a futex ping-pong of two threads on one CPU, one way, less the waker's part and a system call")
	derive(&p.Switch, ns(p.Sleep), "the other half")
	p.Kernels = sim.Kernels{Value: make(map[string]sim.Milli), Source: measured + "each kernel alone, with its data in the first two caches"}
	for name, ns := range c.kernels {
		p.Kernels.Value[name] = milli(ns / (float64(p.Cycle.Value) / 1000))
	}
	if err := c.scheduler(); err != nil {
		return nil, err
	}
	data, err := p.JSON()
	if err != nil {
		return nil, err
	}
	return sim.ParsePreset("the preset of this host", bytes.TrimSpace(data))
}

// memory measures caches, memory and arithmetic.
func (c *calibration) memory() error {
	p := c.preset
	sizes, found, err := cacheSizes(c.topo, func(bytes int64) float64 { return chaseNs(bytes) })
	if err != nil {
		return err
	}
	if found && !isMeasured(p.Caches.Source) {
		p.Caches.Source = measured + "where a pointer chase takes longer, because the kernel lists no caches"
		for _, s := range sizes {
			p.Caches.Value = append(p.Caches.Value, sim.Milli(s>>10)*1000)
		}
	}
	l1, l2, l3 := sizes[0]/2, sizes[1]/2, min(3*sizes[1], max(sizes[2]/2, sizes[1]))
	keepLeast(&p.Cycle, best(func() float64 { return harness.AdditionNs(1 << 20) }), "an addition in a chain of them")
	keepLeast(&p.L1, chaseNs(l1), "pointer chase in half of L1")
	keepLeast(&p.L2, chaseNs(l2), "pointer chase in half of L2")
	keepLeast(&p.L3, chaseNs(l3), "pointer chase in three times L2, or half of L3 if that is less")
	lesser(c.raw, "chase", chaseNs(memoryBytes))
	lesser(c.raw, "scatter", scatterNs(memoryBytes))
	p.Idle = byDistance(c.topo, c.raw["chase"], fmt.Sprintf("pointer chase in %d MiB", memoryBytes>>20))
	var word atomic.Uint64
	keepLeast(&p.RMW, best(func() float64 {
		const n = 1 << 20
		return each(n, func() {
			for range n {
				word.Add(1)
			}
		})
	}), "atomic add on an owned line")

	// Streaming from each cache, by one core, as a Go loop does it.
	for _, cache := range []struct {
		to    *sim.Scalar
		bytes int64
		how   string
	}{{&p.L1BW, l1, "half of L1"}, {&p.L2BW, l2, "half of L2"}, {&p.L3BW, l3, "as much as the chase in L3"}} {
		keepMost(cache.to, streamGBps(streamKernels.load, 1, cache.bytes), "reads of "+cache.how+" over and over")
	}
	// From memory, by one core, and by two.
	two, curves := min(2, runtime.NumCPU()), &p.Cores.Value
	if !isMeasured(p.Cores.Source) {
		*curves = sim.ScalingCurves{}
	}
	for _, curve := range []struct {
		to     *[][2]sim.Milli
		kernel streamKernel
	}{{&curves.Load, streamKernels.load}, {&curves.Copy, streamKernels.copy}, {&curves.Triad, streamKernels.triad}, {&curves.Update, streamKernels.update}} {
		if *curve.to == nil {
			*curve.to = [][2]sim.Milli{{1000, 1}, {2000, 1}}
		}
		one := &(*curve.to)[0][1]
		*one = max(*one, milli(streamGBps(curve.kernel, 1, streamBytes)))
		all := &(*curve.to)[1][1]
		*all = max(*all, *one, milli(streamGBps(curve.kernel, two, streamBytes)))
	}
	p.Cores.Source = measured + "one thread and two, or all there are"
	p.Peak = sim.List{Value: []sim.Milli{curves.Load[1][1]}, Source: measured + "reads by two threads, or all there are"}
	return nil
}

// byDistance is a matrix of which only one value is measured: that of a node itself.
// Other nodes are as much slower as the kernel says that they are farther.
func byDistance(topo *topology.Topology, own float64, how string) sim.Matrix {
	m := sim.Matrix{Source: measured + how}
	if len(topo.Nodes) > 1 {
		m.Source = "assumed: in proportion to the kernel's distances; " + measured + how + ", for the node itself"
	}
	for i := range max(1, len(topo.Nodes)) {
		var row []sim.Milli
		for j := range max(1, len(topo.Nodes)) {
			v := own
			if i != j {
				v *= float64(max(10, topo.Distance(topo.Nodes[i].ID, topo.Nodes[j].ID))) / 10
			}
			row = append(row, milli(v))
		}
		m.Value = append(m.Value, row)
	}
	return m
}

// objects measures buffers, objects of caches and objects of Go's heap.
func (c *calibration) objects() error {
	p := c.preset
	for what, pages := range map[string]int{"one page": 1, "many pages": manyPages} {
		ns, err := bufferNs(pages)
		if err != nil {
			return err
		}
		lesser(c.raw, what, ns)
	}
	alloc, err := allocNs()
	if err != nil {
		return err
	}
	keepLeast(&p.Alloc, alloc, "half of allocating an object and freeing it")
	keepLeast(&p.Object, best(func() float64 { return objectNs(1) }), "making closures that hold one variable, collections included")
	if cpus := runtime.NumCPU(); cpus > 1 {
		keepLeast(&p.ObjectBusy, best(func() float64 { return objectNs(cpus) }), "the same on every CPU at once")
	} else {
		p.ObjectBusy = p.Object
	}
	return nil
}

// threads measures system calls, sleeping and waking, and lines that change hands.
func (c *calibration) threads() error {
	p := c.preset
	keepLeast(&p.Syscall, best(func() float64 {
		const n = 1 << 14
		return each(n, func() {
			for range n {
				os.Getppid()
			}
		})
	}), "getppid")
	if runtime.NumCPU() > 1 {
		keepLeast(&p.Near, best(handoverNs), "atomic ping-pong of two threads, one way")
		p.Package = p.Near
		p.Line = byDistance(c.topo, ns(p.Near), "atomic ping-pong of two threads, one way")
		wake, run := wakeNs()
		lesser(c.raw, "wake", wake)
		lesser(c.raw, "wake to run", run)
	}
	together, wake := futexNs()
	lesser(c.raw, "futex on one CPU", together)
	lesser(c.raw, "its wake", wake)
	keepLeast(&p.NewStack, best(newStackNs), "making a coroutine and entering it")
	return nil
}

// learners are the workloads that tell what the scheduler does besides atomic
// operations.
var learners = []struct {
	to       func(*sim.Preset) []*sim.Scalar
	workload string
	how      string
}{
	{func(p *sim.Preset) []*sim.Scalar { return []*sim.Scalar{&p.Spawn, &p.Inline} }, "fib",
		"half of what a fork and join take beyond their atomic operations"},
	{func(p *sim.Preset) []*sim.Scalar { return []*sim.Scalar{&p.Execute, &p.Schedule} }, "spawn",
		"half of what a task from the scheduling loop takes beyond that"},
	{func(p *sim.Preset) []*sim.Scalar { return []*sim.Scalar{&p.Carrier} }, "pingpong",
		"what a switch takes, from ping-pong on one P"},
}

// learnersProcs is on how many Ps they are timed.
const learnersProcs = 1

func (c *calibration) timeScheduler() error {
	for _, l := range learners {
		t, err := onHost(workload.ByName(l.workload).Program(true), learnersProcs)
		if err != nil {
			return err
		}
		c.timed[l.workload] = c.timed[l.workload].better(t)
	}
	return nil
}

// scheduler finds what the scheduler does besides atomic operations. What a workload
// takes on one P beyond everything measured so far is a number of times the
// constant. How many times, a change of the constant shows.
func (c *calibration) scheduler() error {
	for _, l := range learners {
		to := l.to(c.preset)
		var at [2]float64
		for i, v := range []sim.Milli{1, 100_000} {
			for _, x := range to {
				x.Value = v
			}
			var err error
			if at[i], err = simulatedNs(workload.ByName(l.workload).Program(true), c.preset, 1); err != nil {
				return err
			}
		}
		v := max(0.1, 100*(c.timed[l.workload].Least-at[0])/(at[1]-at[0]))
		for _, x := range to {
			*x = sim.Scalar{Value: milli(v), Source: measured + l.how}
		}
	}
	return nil
}
