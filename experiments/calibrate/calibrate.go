// Package calibrate measures the constants of this host that a simulated machine needs,
// and then how far the two are from each other.
//
//	p, err := calibrate.Host()                  // a preset; minutes, and nothing else should run
//	data, err := p.JSON()                       // a file for experiments sim --preset
//	rows, err := calibrate.Compare(p, progress) // workloads on the host and simulated
//
// memory.go, threads.go and objects.go measure one thing each, in loops of their
// own. kernels.go times the loops of the workloads. bench.go runs a workload on
// either machine.
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

// nanos is a measured constant.
func nanos(ns float64, how string) sim.Scalar {
	return sim.Scalar{Value: milli(ns), Source: measured + how}
}

// milli is a measured number as presets keep it: above 0.
func milli(v float64) sim.Milli { return sim.Milli(max(1, math.Round(v*1000))) }

func ns(s sim.Scalar) float64 { return float64(s.Value) / 1000 }

// Host measures this host. The preset is one that sim.ParsePreset takes when it is
// written and read.
func Host() (*sim.Preset, error) {
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
	// The order matters: what comes later is what is left of a time once what came
	// before is paid for.
	for _, part := range []func(*sim.Preset, *topology.Topology) error{memory, objects, threads, scheduler, kernels} {
		if err := part(p, topo); err != nil {
			return nil, err
		}
	}
	data, err := p.JSON()
	if err != nil {
		return nil, err
	}
	return sim.ParsePreset("the preset of this host", bytes.TrimSpace(data))
}

// memory measures caches, memory and arithmetic.
func memory(p *sim.Preset, topo *topology.Topology) error {
	sizes, found, err := cacheSizes(topo, func(bytes int64) float64 { return chaseNs(bytes) })
	if err != nil {
		return err
	}
	if found {
		p.Caches.Source = measured + "where a pointer chase takes longer, because the kernel lists no caches"
		for _, s := range sizes {
			p.Caches.Value = append(p.Caches.Value, sim.Milli(s>>10)*1000)
		}
	}
	l1, l2, l3 := sizes[0]/2, sizes[1]/2, min(3*sizes[1], max(sizes[2]/2, sizes[1]))
	p.Cycle = nanos(best(func() float64 { return harness.AdditionNs(1 << 20) }), "an addition in a chain of them")
	p.L1 = nanos(chaseNs(l1), "pointer chase in half of L1")
	p.L2 = nanos(chaseNs(l2), "pointer chase in half of L2")
	p.L3 = nanos(chaseNs(l3), "pointer chase in three times L2, or half of L3 if that is less")
	mem := chaseNs(memoryBytes)
	p.Idle = byDistance(topo, mem, fmt.Sprintf("pointer chase in %d MiB", memoryBytes>>20))
	var word atomic.Uint64
	p.RMW = nanos(best(func() float64 {
		const n = 1 << 20
		return each(n, func() {
			for range n {
				word.Add(1)
			}
		})
	}), "atomic add on an owned line")

	// Streaming from each cache, by one core, as a Go loop does it.
	for _, c := range []struct {
		to    *sim.Scalar
		bytes int64
		how   string
	}{{&p.L1BW, l1, "half of L1"}, {&p.L2BW, l2, "half of L2"}, {&p.L3BW, l3, "as much as the chase in L3"}} {
		*c.to = nanos(streamGBps(streamKernels.load, 1, c.bytes), "reads of "+c.how+" over and over")
	}
	// From memory, by one core, and by two.
	two := min(2, runtime.NumCPU())
	curve := func(k streamKernel) [][2]sim.Milli {
		one := streamGBps(k, 1, streamBytes)
		all := max(one, streamGBps(k, two, streamBytes))
		return [][2]sim.Milli{{1000, milli(one)}, {2000, milli(all)}}
	}
	p.Cores = sim.Scaling{Value: sim.ScalingCurves{Load: curve(streamKernels.load), Copy: curve(streamKernels.copy), Triad: curve(streamKernels.triad), Update: curve(streamKernels.update)},
		Source: measured + "one thread and two, or all there are"}
	p.Peak = sim.List{Value: []sim.Milli{p.Cores.Value.Load[1][1]}, Source: measured + "reads by two threads, or all there are"}
	p.Ahead = nanos(max(1, mem/scatterNs(memoryBytes)), "a pointer chase against loads from random addresses")
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
func objects(p *sim.Preset, _ *topology.Topology) error {
	few, err := bufferNs(1)
	if err != nil {
		return err
	}
	many, err := bufferNs(manyPages)
	if err != nil {
		return err
	}
	p.Fault = nanos((many-few)/(manyPages-1), "each more page of a buffer that is made, written and given back")
	p.Map = nanos(max(1, few-ns(p.Fault)), "a buffer of one page, less its page")
	alloc, err := allocNs()
	if err != nil {
		return err
	}
	p.Alloc = nanos(alloc, "half of allocating an object and freeing it")
	p.Object = nanos(best(objectNs), "making closures that hold one variable, collections included")
	return nil
}

// threads measures system calls, sleeping and waking, and lines that change hands.
func threads(p *sim.Preset, topo *topology.Topology) error {
	p.Syscall = nanos(best(func() float64 {
		const n = 1 << 14
		return each(n, func() {
			for range n {
				os.Getppid()
			}
		})
	}), "getppid")
	if runtime.NumCPU() > 1 {
		line := best(handoverNs)
		p.Near = nanos(line, "atomic ping-pong of two threads, one way")
		p.Package = p.Near
		p.Line = byDistance(topo, line, "atomic ping-pong of two threads, one way")
		oneWay, wake := futexNs(false)
		p.Wake = nanos(max(1, wake-ns(p.Syscall)), "waking a sleeper on another CPU, less a system call")
		p.WakeNear = nanos(max(1, oneWay-wake), "futex ping-pong of two threads, one way, less the waker's part")
		p.WakeFar = p.WakeNear
	}
	together, wake := futexNs(true)
	p.Sleep = nanos(max(1, (together-wake-ns(p.Syscall))/2), "half of a futex ping-pong of two threads on one CPU, one way, less the waker's part and a system call")
	p.Switch = nanos(ns(p.Sleep), "the other half")
	p.NewStack = nanos(best(newStackNs), "making a coroutine and entering it")
	return nil
}

// scheduler finds what the scheduler does besides atomic operations. What a workload
// takes on one P beyond everything measured so far is a number of times the
// constant. How many times, a change of the constant shows.
func scheduler(p *sim.Preset, _ *topology.Topology) error {
	for _, c := range []struct {
		to       []*sim.Scalar
		workload string
		how      string
	}{
		{[]*sim.Scalar{&p.Spawn, &p.Inline}, "fib", "half of what a fork and join take beyond their atomic operations"},
		{[]*sim.Scalar{&p.Execute, &p.Schedule}, "spawn", "half of what a task from the scheduling loop takes beyond that"},
		{[]*sim.Scalar{&p.Carrier}, "pingpong", "what a switch takes, from ping-pong on one P"},
	} {
		prog := workload.ByName(c.workload).Program(true)
		real := math.Inf(1)
		for range 3 {
			t, err := onHost(prog, 1)
			if err != nil {
				return err
			}
			real = min(real, t.Least)
		}
		var at [2]float64
		for i, v := range []sim.Milli{1, 100_000} {
			for _, x := range c.to {
				x.Value = v
			}
			var err error
			if at[i], err = simulatedNs(prog, p, 1); err != nil {
				return err
			}
		}
		v := max(0.1, 100*(real-at[0])/(at[1]-at[0]))
		for _, x := range c.to {
			*x = nanos(v, c.how)
		}
	}
	return nil
}
