package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"
	"unsafe"

	"github.com/spf13/cobra"

	"numasched/experiments/harness"
	"numasched/experiments/workload"
	"numasched/numa"
	"numasched/sched"
	"numasched/sched/host"
	"numasched/sched/policy"
	"numasched/sched/sim"
	"numasched/topology"
)

func calibrateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "calibrate --out FILE.json",
		Short: "measure this host into a preset for sim",
		Long: `Measures on this host what the simulated machine has to know of it: memory and
caches, atomic operations, system calls, sleeping and waking, and what the
scheduler does for a spawn, a join and a switch. The result is a preset for
"experiments sim --preset FILE.json"; what this host cannot tell (a second node,
a busy SMT sibling) keeps its assumed value, and says so. Nothing else should run
meanwhile; if others took more than 5 % of the CPU time, the preset says so.

With --compare, every workload that the preset can run is then run on the host
and simulated, on 1 and 2 Ps, and the errors are printed.`,
	}
	out := cmd.Flags().String("out", "", "`FILE` to write; its name ends in .json")
	compare := cmd.Flags().Bool("compare", false, "compare host and simulation on the quick workloads")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return calibrate(*out, *compare, cmd.OutOrStdout())
	}
	return cmd
}

// calibrate writes a preset of this host into a new file.
func calibrate(out string, compare bool, stdout io.Writer) error {
	if len(out) < 6 || out[len(out)-5:] != ".json" {
		return usagef("--out %q: want a file name that ends in .json", out)
	}
	file, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return usagef("--out: %w", err)
	}
	defer file.Close()
	meter := harness.StartMeter()
	p, err := measureHost()
	if err != nil {
		os.Remove(out) // it is empty
		return err
	}
	// The preset says it as well, for whoever simulates with it later.
	busy := disturbed(meter)
	p.Doc += busy
	data, err := p.JSON()
	if err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		return err
	}
	p.Constants(func(name, value, source string) { fmt.Fprintf(stdout, "%-20s %s  (%s)\n", name, value, source) })
	if busy != "" {
		fmt.Fprintf(stdout, "\nnot to be relied on%s\n", busy)
	}
	if !compare {
		return nil
	}
	return compareHost(p, stdout)
}

// disturbed says how much of the CPUs other processes have taken since meter was
// started, if that is enough to spoil what was measured.
func disturbed(meter harness.InterferenceMeter) string {
	other, known := meter.Stop()
	if !known || other <= harness.DisturbanceLimit {
		return ""
	}
	return fmt.Sprintf("; DISTURBED: other processes took %.0f %% of the CPU time meanwhile", other)
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

func ns(s sim.Scalar) float64 { return float64(s.Value) / 1000 }

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

	p.Cycle = nanos(best(cycleNs), "an addition in a chain of them")
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

	// Streaming from each cache, by one core, as a Go loop does it.
	for _, c := range []struct {
		to    *sim.Scalar
		bytes int64
		how   string
	}{{&p.L1BW, 16 << 10, "16 KiB"}, {&p.L2BW, l2, "half of L2"}, {&p.L3BW, l3, "three times L2"}} {
		c.to.Value = sim.Milli(streamGBps(streamKernels.load, 1, c.bytes) * 1000)
		c.to.Source = "measured on this host: reads of " + c.how + " over and over"
	}
	// From memory, by one core, and by two.
	two := min(2, runtime.NumCPU())
	curve := func(k streamKernel) [][2]sim.Milli {
		one := streamGBps(k, 1, memoryBytes)
		all := max(one, streamGBps(k, two, memoryBytes))
		return [][2]sim.Milli{{1000, sim.Milli(one * 1000)}, {2000, sim.Milli(all * 1000)}}
	}
	p.Cores = sim.Scaling{Value: sim.ScalingCurves{Load: curve(streamKernels.load), Copy: curve(streamKernels.copy), Triad: curve(streamKernels.triad), Update: curve(streamKernels.update)},
		Source: "measured on this host: one thread and two, or all there are"}
	p.Peak = sim.List{Value: []sim.Milli{p.Cores.Value.Load[1][1]}, Source: "measured on this host: reads by two threads, or all there are"}
	few, err := bufferNs(1)
	if err != nil {
		return nil, err
	}
	many, err := bufferNs(manyPages)
	if err != nil {
		return nil, err
	}
	p.Fault = nanos((many-few)/(manyPages-1), "each more page of a buffer that is made, written and given back")
	p.Map = nanos(max(1, few-ns(p.Fault)), "a buffer of one page, less its page")
	alloc, err := allocNs()
	if err != nil {
		return nil, err
	}
	p.Alloc = nanos(alloc, "half of allocating an object and freeing it")
	p.Ahead = sim.Scalar{Value: sim.Milli(max(1000, 1000*mem/scatterNs(256<<20))), Source: "measured on this host: a pointer chase in 256 MiB against loads from random addresses there"}

	if runtime.NumCPU() > 1 {
		line := best(handoverNs)
		p.Near = nanos(line, "atomic ping-pong of two threads, one way")
		p.Package = p.Near
		p.Line = sim.Matrix{Value: [][]sim.Milli{{p.Near.Value}}, Source: p.Near.Source}
		apart, wake := futexNs(false)
		p.Wake = nanos(max(1, wake-ns(p.Syscall)), "waking a sleeper on another CPU, less a system call")
		p.WakeNear = nanos(max(1, apart-wake), "futex ping-pong of two threads, one way, less the waker's part")
		p.WakeFar = p.WakeNear
	}
	together, wake := futexNs(true)
	p.Sleep = nanos(max(1, (together-wake-ns(p.Syscall))/2), "half of a futex ping-pong of two threads on one CPU, one way, less the waker's part and a system call")
	p.Switch = nanos(ns(p.Sleep), "the other half")
	p.NewStack = nanos(best(newStackNs), "making a coroutine and entering it")

	// The scheduler: what a workload takes on one P beyond everything above is so
	// many times the constant. How many, a change of the constant shows.
	for _, c := range []struct {
		to  []*sim.Scalar
		of  string
		how string
	}{
		{[]*sim.Scalar{&p.Spawn, &p.Inline}, "fib:n=25", "half of what a fork and join take beyond their atomic operations"},
		{[]*sim.Scalar{&p.Execute, &p.Schedule}, "spawn", "half of what a task from the scheduling loop takes beyond that"},
		{[]*sim.Scalar{&p.Carrier}, "pingpong", "what a switch takes, from ping-pong on one P"},
	} {
		real := math.Inf(1)
		for range 3 {
			t, err := hostTimes(c.of, "flat", 1)
			if err != nil {
				return nil, err
			}
			real = min(real, t.least)
		}
		var at [2]float64
		for i, v := range []sim.Milli{1, 100_000} {
			for _, x := range c.to {
				x.Value = v
			}
			t, err := simTime(p, c.of, "flat", 1)
			if err != nil {
				return nil, err
			}
			at[i] = t
		}
		v := max(0.1, 100*(real-at[0])/(at[1]-at[0]))
		for _, x := range c.to {
			*x = nanos(v, c.how)
		}
	}
	return p, nil
}

// cycleNs is the time of one of many additions that each wait for the last one.
func cycleNs() float64 {
	const n = 1 << 20
	return each(8*n, func() {
		x, y := uint64(1), sink.Load()
		for range n {
			x += y
			y ^= x
			x += y
			y ^= x
			x += y
			y ^= x
			x += y
			y ^= x
		}
		sink.Store(x + y)
	})
}

// manyPages is so many that what else a buffer costs does not matter.
const manyPages = 64

// bufferNs is the time to make a buffer of so many pages, to write each for the
// first time and to give all back.
func bufferNs(pages int) (float64, error) {
	m, err := host.New(host.Config{Procs: 1})
	if err != nil {
		return 0, err
	}
	defer m.Close()
	var failed error
	t := best(func() float64 {
		return each(16, func() {
			for range 16 {
				b, err := m.NewBuffer(int64(pages)<<12, sched.Default)
				if err != nil {
					failed = err
					return
				}
				for x := sched.Slice[uint64](b, pages<<9); len(x) > 0; x = x[1<<9:] {
					x[0] = 1
				}
				m.FreeBuffer(b)
			}
		})
	})
	return t, failed
}

// allocNs is the time of an Alloc or a Free of a small object by a G that is alone.
func allocNs() (ns float64, err error) {
	const n, batch = 1 << 12, 64
	m, err := host.New(host.Config{Procs: 1})
	if err != nil {
		return 0, err
	}
	defer m.Close()
	a, err := policy.ByName("flat")
	if err != nil {
		return 0, err
	}
	s, err := sched.New(sched.Config{Machine: m, Arm: a, Procs: 1})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	var failed error
	err = s.Run(func(g *sched.G) {
		ns = best(func() float64 {
			return each(2*n*batch, func() {
				var some [batch]unsafe.Pointer
				for range n {
					for i := range some {
						if some[i], failed = g.Alloc(64); failed != nil {
							return
						}
					}
					for _, p := range some {
						g.Free(p)
					}
				}
			})
		})
	})
	return ns, errors.Join(err, failed)
}

// newStackNs is the time to make a coroutine and enter it once.
func newStackNs() float64 {
	const n = 1 << 8
	var stops [n]func()
	t := each(n, func() {
		for i := range stops {
			next, stop := iter.Pull(func(yield func(struct{}) bool) { yield(struct{}{}) })
			next()
			stops[i] = stop
		}
	})
	for _, stop := range stops {
		stop()
	}
	return t
}

// sink takes what was computed, so that it is. What f of each computes with are
// variables of f itself: those that it shares with its caller are memory, and a
// chain of them is a chain of loads and stores.
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
	start := int32(0) // where the last round ended: the next one is to find nothing in caches that only it fits
	t := best(func() float64 {
		return each(looks, func() {
			at := start
			for range looks {
				at = ring[at].next
			}
			start = at
		})
	})
	sink.Store(uint64(start))
	return t
}

// scatterNs is the time of one of many loads from random addresses in so many
// bytes, a power of two, that do not wait for each other.
func scatterNs(bytes int64) float64 {
	memory := make([]uint64, bytes/8)
	for i := range memory {
		memory[i] = uint64(i)
	}
	const looks = 1 << 20
	return best(func() float64 {
		return each(looks, func() {
			x, sum := uint64(88172645463325252), uint64(0)
			for range looks {
				x = x*6364136223846793005 + 1442695040888963407
				sum += memory[x>>32&uint64(len(memory)-1)]
			}
			sink.Store(sum)
		})
	})
}

// A streamKernel goes once over arrays as likwid's kernels do. streams is how many
// the program reads and writes, as those count.
type streamKernel struct {
	arrays, streams int
	run             func(a, b, c, d []float64) float64
}

var streamKernels = struct{ load, copy, triad, update streamKernel }{
	// Eight sums, so that no addition waits for the one before.
	streamKernel{1, 1, func(a, _, _, _ []float64) float64 {
		var s0, s1, s2, s3, s4, s5, s6, s7 float64
		for ; len(a) >= 8; a = a[8:] {
			s0 += a[0]
			s1 += a[1]
			s2 += a[2]
			s3 += a[3]
			s4 += a[4]
			s5 += a[5]
			s6 += a[6]
			s7 += a[7]
		}
		return s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7
	}},
	streamKernel{2, 2, func(a, b, _, _ []float64) float64 {
		b = b[:len(a)]
		for j := range a {
			a[j] = b[j] + 1 // not a call of memmove, whose stores may bypass the caches
		}
		return a[0]
	}},
	streamKernel{4, 4, func(a, b, c, d []float64) float64 {
		b, c, d = b[:len(a)], c[:len(a)], d[:len(a)]
		for j := range a {
			a[j] = b[j] + c[j]*d[j]
		}
		return a[0]
	}},
	streamKernel{1, 2, func(a, _, _, _ []float64) float64 {
		for j := range a {
			a[j] *= 0.5
		}
		return a[0]
	}},
}

// memoryBytes is more than caches hold.
const memoryBytes = 128 << 20

// streamGBps is what so many threads stream together, each with arrays of so many
// bytes in all.
func streamGBps(k streamKernel, threads int, bytes int64) float64 {
	n := int(bytes) / 8 / k.arrays
	times := int(max(1, (4<<20)/bytes))
	bufs := make([][4][]float64, threads)
	for i := range bufs {
		for j := range k.arrays {
			bufs[i][j] = make([]float64, n)
			for x := range bufs[i][j] {
				bufs[i][j][x] = 1
			}
		}
	}
	ns := best(func() float64 {
		return each(times, func() {
			var wg sync.WaitGroup
			for _, b := range bufs {
				wg.Go(func() {
					sum := 0.0
					for range times {
						sum += k.run(b[0], b[1], b[2], b[3])
					}
					sink.Store(math.Float64bits(sum))
				})
			}
			wg.Wait()
		})
	})
	return float64(threads*n*8*k.streams) / ns
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

// futexNs is the time from waking a sleeper to its waking us, and the part of it
// that the waking thread spends in its system call; the least of several.
func futexNs(together bool) (oneWay, wake float64) {
	const rounds = 1 << 11
	a, b := pair(together)
	oneWay = math.Inf(1)
	for range 7 {
		var turn uint32
		var in [2]time.Duration // in system calls that wake
		var wg sync.WaitGroup
		t := each(2*rounds, func() {
			for side, cpus := range []topology.CPUSet{a, b} {
				onThread(&wg, cpus, func() {
					me, other := uint32(side), uint32(1-side)
					for range rounds {
						for atomic.LoadUint32(&turn) != me {
							numa.FutexWait(&turn, other, 1e8)
						}
						atomic.StoreUint32(&turn, other)
						start := time.Now()
						numa.FutexWake(&turn, 1)
						in[me] += time.Since(start)
					}
				})
			}
			wg.Wait()
		})
		if t < oneWay {
			oneWay, wake = t, float64(in[0]+in[1])/(2*rounds)
		}
	}
	return oneWay, min(wake, oneWay)
}

// timing is what runs of a workload took, in ns per unit.
type timing struct {
	least, median float64
	unit          string
}

// hostTimes runs a workload on this host for a third of a second.
func hostTimes(spec, arm string, procs int) (t timing, err error) {
	loads, err := parseWorkloads(spec, true)
	if err != nil {
		return t, err
	}
	l := loads[0]
	params, err := l.Parse(l.params)
	if err != nil {
		return t, err
	}
	in, err := l.New(params)
	if err != nil {
		return t, err
	}
	m, err := host.New(host.Config{Procs: procs})
	if err != nil {
		return t, err
	}
	defer m.Close()
	a, err := policy.ByName(arm)
	if err != nil {
		return t, err
	}
	s, err := sched.New(sched.Config{Machine: m, Arm: a, Procs: procs, Seed: 1})
	if err != nil {
		return t, err
	}
	defer s.Close()
	if in.Setup != nil {
		if err := in.Setup(s); err != nil {
			return t, err
		}
	}
	var times []float64
	for began := time.Now(); len(times) < 8 || time.Since(began) < time.Second/3; {
		start := time.Now()
		var wrong error
		if err := s.Run(func(g *sched.G) { wrong = in.Run(g) }); err != nil {
			return t, err
		}
		if wrong != nil {
			return t, wrong
		}
		times = append(times, float64(time.Since(start))/float64(in.Tasks))
	}
	times = times[1:] // the first warms up
	slices.Sort(times)
	return timing{times[0], times[len(times)/2], l.Unit}, nil
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

// compareHost runs all quick workloads on the host and simulated. The host's number
// is the least of many runs: the simulated machine has nobody else on it.
func compareHost(p *sim.Preset, w io.Writer) error {
	fmt.Fprintf(w, "\nthis host (least and median of many runs), and simulated, ns per unit, arm flat;\nthe error is that of the simulated time against the least\n\n")
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "workload\tPs\thost, least\tmedian\tsimulated\terror\n")
	var errs []float64
	meter := harness.StartMeter()
	for _, l := range workload.All {
		for procs := 1; procs <= min(2, runtime.NumCPU()); procs++ {
			real, err := hostTimes(l.Name, "flat", procs)
			if err != nil {
				return err
			}
			virtual, err := simTime(p, l.Name, "flat", procs)
			if err != nil {
				return err
			}
			e := virtual/real.least - 1
			errs = append(errs, math.Abs(e))
			fmt.Fprintf(tw, "%s\t%d\t%.1f ns/%s\t%.1f\t%.1f\t%+.1f %%\n", l.Name, procs, real.least, real.unit, real.median, virtual, 100*e)
		}
	}
	tw.Flush()
	slices.Sort(errs)
	fmt.Fprintf(w, "\nerror: median %.1f %%, maximum %.1f %%\n", 100*errs[len(errs)/2], 100*errs[len(errs)-1])
	if busy := disturbed(meter); busy != "" {
		fmt.Fprintf(w, "\nnot to be relied on%s\n", busy)
	}
	return nil
}
