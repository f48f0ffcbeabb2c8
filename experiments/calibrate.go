package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"numasched/experiments/workload"
	"numasched/numa"
	"numasched/sched"
	"numasched/sched/host"
	"numasched/sched/policy"
	"numasched/sched/sim"
	"numasched/topology"
)

const calibrateHelp = `
usage: experiments calibrate --out FILE.json [--compare]

Measures on this host what the simulated machine has to know of it: memory and
caches, atomic operations, system calls, sleeping and waking, and what the
scheduler does for a spawn, a join and a switch. The result is a preset for
"experiments sim --preset FILE.json"; what this host cannot tell (a second node,
a busy SMT sibling) keeps its assumed value, and says so.

With --compare, every workload that the preset can run is then run on the host
and simulated, on 1 and 2 Ps, and the errors are printed.
`

func calibrateCmd(args []string, stdout, stderr io.Writer) int {
	err := calibrate(args, stdout)
	if errors.Is(err, flag.ErrHelp) || err == nil {
		return 0
	}
	return fail(stderr, "calibrate", err)
}

func calibrate(args []string, stdout io.Writer) error {
	fs := flag.NewFlagSet("calibrate", flag.ContinueOnError)
	out := fs.String("out", "", "`FILE` to write; its name ends in .json")
	compare := fs.Bool("compare", false, "compare host and simulation on the quick workloads")
	rest, err := parseFlags(fs, calibrateHelp, args, stdout)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usagef("unexpected argument %q", rest[0])
	}
	if len(*out) < 6 || (*out)[len(*out)-5:] != ".json" {
		return usagef("--out %q: want a file name that ends in .json", *out)
	}
	file, err := os.OpenFile(*out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return usagef("--out: %w", err)
	}
	defer file.Close()
	p, err := measureHost()
	if err != nil {
		return err
	}
	data, err := p.JSON()
	if err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		return err
	}
	p.Constants(func(name, value, source string) { fmt.Fprintf(stdout, "%-20s %s  (%s)\n", name, value, source) })
	if !*compare {
		return nil
	}
	return compareHost(p, stdout)
}

// best returns the least of several measurements of f, in nanoseconds: what
// disturbs a measurement makes it longer.
func best(f func() float64) float64 {
	least := math.Inf(1)
	for range 7 {
		least = min(least, f())
	}
	return least
}

func each(n int, f func()) float64 {
	start := time.Now()
	f()
	return float64(time.Since(start)) / float64(n)
}

// nanos is a measured constant.
func nanos(ns float64, how string) sim.Scalar {
	return sim.Scalar{Value: sim.Milli(max(1, math.Round(ns*1000))), Source: "measured on this host: " + how}
}

// measureHost makes the preset. The order matters: the scheduler's constants are
// what is left of a task's time once the words it touches are paid for.
func measureHost() (*sim.Preset, error) {
	p, err := sim.LoadPreset("default")
	if err != nil {
		return nil, err
	}
	topo, err := topology.Host()
	if err != nil {
		return nil, err
	}
	p.Name, p.Like, p.Topology, p.Doc = "host", "default", "host", "measured by experiments calibrate; what others could not be measured here is assumed"

	ops := best(func() float64 {
		const n = 1 << 21
		a, b, c, d, e, f, g, h := 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0
		t := each(16*n, func() {
			for range n {
				a = a*0.5 + 1
				b = b*0.5 + 1
				c = c*0.5 + 1
				d = d*0.5 + 1
				e = e*0.5 + 1
				f = f*0.5 + 1
				g = g*0.5 + 1
				h = h*0.5 + 1
			}
		})
		sink.Store(math.Float64bits(a + b + c + d + e + f + g + h))
		return t
	})
	p.Cycle = nanos(ops, "a floating-point operation, eight chains at once")
	p.L1 = nanos(chaseNs(16<<10), "pointer chase in 16 KiB")
	l2, l3 := int64(256<<10), int64(4<<20)
	if len(topo.L2) > 0 && topo.L2[0].Bytes > 0 {
		l2 = topo.L2[0].Bytes / 2
		l3 = 3 * topo.L2[0].Bytes
	}
	p.L2 = nanos(chaseNs(l2), "pointer chase in half of L2")
	p.L3 = nanos(chaseNs(l3), "pointer chase in three times L2")
	mem := chaseNs(256 << 20)
	p.Idle = sim.Matrix{Value: [][]sim.Milli{{sim.Milli(mem * 1000)}}, Source: "measured on this host: pointer chase in 256 MiB"}
	var word atomic.Uint64
	p.RMW = nanos(best(func() float64 {
		const n = 1 << 20
		return each(n, func() {
			for range n {
				word.Add(1)
			}
		})
	}), "atomic add on an owned line")
	p.Syscall = nanos(best(func() float64 {
		const n = 1 << 14
		return each(n, func() {
			for range n {
				os.Getppid()
			}
		})
	}), "getppid")

	// Streaming by one core, and by two.
	one, two := streamGBps(1), streamGBps(min(2, runtime.NumCPU()))
	two = max(two, one)
	p.Peak = sim.List{Value: []sim.Milli{sim.Milli(two * 1000)}, Source: "measured on this host: reads by two threads, or all there are"}
	curve := func(f float64) [][2]sim.Milli {
		return [][2]sim.Milli{{1000, sim.Milli(one * f * 1000)}, {2000, sim.Milli(two * f * 1000)}}
	}
	p.Cores = sim.Scaling{Value: sim.ScalingCurves{Load: curve(1), Copy: curve(0.67), Triad: curve(0.8), Update: curve(0.95)},
		Source: "measured on this host: load; assumed: copy, triad and update at 0.67, 0.8 and 0.95 of it"}

	if runtime.NumCPU() > 1 {
		line := best(handoverNs)
		p.Near = nanos(line, "atomic ping-pong of two threads, one way")
		p.Package = p.Near
		p.Line = sim.Matrix{Value: [][]sim.Milli{{p.Near.Value}}, Source: p.Near.Source}
		apart := best(func() float64 { return futexNs(false) })
		p.WakeNear = nanos(max(1, apart-float64(p.Wake.Value+p.Syscall.Value)/1000), "futex ping-pong of two threads, one way, less the waker's part")
		p.WakeFar = p.WakeNear
	}
	together := best(func() float64 { return futexNs(true) })
	p.Switch = nanos(max(1, together-float64(p.Wake.Value)/1000), "futex ping-pong of two threads on one CPU, one way, less the waker's part")

	// The scheduler: solve for each constant with the others known.
	solve := func(c *sim.Scalar, w string, how string, others ...*sim.Scalar) error {
		c.Value = 1
		for _, o := range others {
			o.Value = 1
		}
		real, _, err := hostTime(w, "flat", 1, true)
		if err != nil {
			return err
		}
		virtual, err := simTime(p, w, "flat", 1)
		if err != nil {
			return err
		}
		v := max(0.1, (real-virtual)/float64(1+len(others)))
		*c = nanos(v, how)
		for _, o := range others {
			*o = nanos(v, how)
		}
		return nil
	}
	if err := solve(&p.Spawn, "fib:n=25", "half of what a fork and join take beyond their atomic operations", &p.Inline); err != nil {
		return nil, err
	}
	if err := solve(&p.Carrier, "pingpong", "a switch, from ping-pong on one P"); err != nil {
		return nil, err
	}
	return p, nil
}

var sink atomic.Uint64

// chaseNs is the time of one of many dependent loads at random in so many bytes.
func chaseNs(bytes int64) float64 {
	n := int(bytes / 64)
	type line struct {
		next int32
		_    [60]byte
	}
	ring := make([]line, n)
	// Sattolo's algorithm makes one cycle of all.
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	x := uint64(88172645463325252)
	for i := n - 1; i > 0; i-- {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		j := int(x % uint64(i))
		order[i], order[j] = order[j], order[i]
	}
	for i := range order {
		ring[i].next = order[i]
	}
	const looks = 1 << 20
	at := int32(0)
	t := best(func() float64 {
		return each(looks, func() {
			for range looks {
				at = ring[at].next
			}
		})
	})
	sink.Store(uint64(at))
	return t
}

// streamGBps is what so many threads read together.
func streamGBps(threads int) float64 {
	const n = 8 << 20 // words of each
	bufs := make([][]uint64, threads)
	for i := range bufs {
		bufs[i] = make([]uint64, n)
		for j := range bufs[i] {
			bufs[i][j] = uint64(j)
		}
	}
	ns := best(func() float64 {
		return each(1, func() {
			var wg sync.WaitGroup
			for _, b := range bufs {
				wg.Go(func() {
					var s0, s1, s2, s3 uint64
					for j := 0; j+4 <= len(b); j += 4 {
						s0 += b[j]
						s1 += b[j+1]
						s2 += b[j+2]
						s3 += b[j+3]
					}
					sink.Store(s0 + s1 + s2 + s3)
				})
			}
			wg.Wait()
		})
	})
	return float64(threads) * n * 8 / ns
}

// onThread runs f on a thread of its own, which it ends.
func onThread(wg *sync.WaitGroup, cpus topology.CPUSet, f func()) {
	wg.Go(func() {
		runtime.LockOSThread() // never unlocked: the mask dies with the thread
		if !cpus.Empty() {
			_ = numa.SetAffinity(0, cpus) // where this fails, the kernel spreads them itself
		}
		f()
	})
}

// pair returns the CPUs of two threads that shall run apart, or together.
func pair(together bool) (a, b topology.CPUSet) {
	topo, err := topology.Host()
	if err != nil {
		return
	}
	list := topo.Allowed.List()
	if len(list) == 0 {
		return
	}
	a = topology.CPURange(list[0], list[0]+1)
	last := list[len(list)-1]
	if b = topology.CPURange(last, last+1); together {
		b = a
	}
	return a, b
}

// handoverNs is the time that a line needs from core to core.
func handoverNs() float64 {
	const rounds = 1 << 15
	a, b := pair(false)
	var turn atomic.Uint32
	var wg sync.WaitGroup
	return each(2*rounds, func() {
		for side, cpus := range []topology.CPUSet{a, b} {
			onThread(&wg, cpus, func() {
				for range rounds {
					for !turn.CompareAndSwap(uint32(side), uint32(1-side)) {
					}
				}
			})
		}
		wg.Wait()
	})
}

// futexNs is the time from waking a sleeper to its waking us.
func futexNs(together bool) float64 {
	const rounds = 1 << 11
	a, b := pair(together)
	var turn uint32
	var wg sync.WaitGroup
	return each(2*rounds, func() {
		for side, cpus := range []topology.CPUSet{a, b} {
			onThread(&wg, cpus, func() {
				me, other := uint32(side), uint32(1-side)
				for range rounds {
					for atomic.LoadUint32(&turn) != me {
						numa.FutexWait(&turn, other, 1e8)
					}
					atomic.StoreUint32(&turn, other)
					numa.FutexWake(&turn, 1)
				}
			})
		}
		wg.Wait()
	})
}

// hostTime is the median time per unit of a workload on this host, or the least.
func hostTime(spec, arm string, procs int, least bool) (ns float64, unit string, err error) {
	loads, err := parseWorkloads(spec, true)
	if err != nil {
		return 0, "", err
	}
	l := loads[0]
	params, err := l.Parse(l.params)
	if err != nil {
		return 0, "", err
	}
	in, err := l.New(params)
	if err != nil {
		return 0, "", err
	}
	m, err := host.New(host.Config{Procs: procs})
	if err != nil {
		return 0, "", err
	}
	defer m.Close()
	a, _ := policy.ByName(arm)
	s, err := sched.New(sched.Config{Machine: m, Arm: a, Procs: procs, Seed: 1})
	if err != nil {
		return 0, "", err
	}
	defer s.Close()
	if in.Setup != nil {
		if err := in.Setup(s); err != nil {
			return 0, "", err
		}
	}
	var times []float64
	for range 8 {
		start := time.Now()
		var wrong error
		if err := s.Run(func(g *sched.G) { wrong = in.Run(g) }); err != nil {
			return 0, "", err
		}
		if wrong != nil {
			return 0, "", wrong
		}
		times = append(times, float64(time.Since(start))/float64(in.Tasks))
	}
	slices.Sort(times[1:]) // the first warms up
	if least {
		return times[1], l.Unit, nil
	}
	return times[len(times)/2], l.Unit, nil
}

// simTime is the time per unit of a workload on the simulated machine.
func simTime(p *sim.Preset, spec, arm string, procs int) (float64, error) {
	loads, err := parseWorkloads(spec, true)
	if err != nil {
		return 0, err
	}
	topo, err := topology.Load(p.Topology)
	if err != nil {
		return 0, err
	}
	r, err := simOptions{preset: p, topo: topo, seed: 1}.run(arm, loads[0], procs)
	if err != nil {
		return 0, err
	}
	return 1e9 / r.Throughput, nil
}

// compareHost runs all quick workloads on the host and simulated.
func compareHost(p *sim.Preset, w io.Writer) error {
	fmt.Fprintf(w, "\nthis host, and simulated, ns per unit, arm flat\n\n")
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "workload\tPs\thost\tsimulated\terror\n")
	var errs []float64
	for _, l := range workload.All {
		for procs := 1; procs <= min(2, runtime.NumCPU()); procs++ {
			real, unit, err := hostTime(l.Name, "flat", procs, false)
			if err != nil {
				return err
			}
			virtual, err := simTime(p, l.Name, "flat", procs)
			if err != nil {
				fmt.Fprintf(tw, "%s\t%d\t%.1f\t%v\n", l.Name, procs, real, err)
				continue
			}
			e := virtual/real - 1
			errs = append(errs, math.Abs(e))
			fmt.Fprintf(tw, "%s\t%d\t%.1f ns/%s\t%.1f\t%+.1f %%\n", l.Name, procs, real, unit, virtual, 100*e)
		}
	}
	tw.Flush()
	slices.Sort(errs)
	if n := len(errs); n > 0 {
		fmt.Fprintf(w, "\nerror: median %.1f %%, maximum %.1f %%\n", 100*errs[n/2], 100*errs[n-1])
	}
	return nil
}
