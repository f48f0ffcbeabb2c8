package workload

import (
	"fmt"
	"math/bits"
	"sync"
	"time"

	"numasched/experiments/histogram"
	"numasched/sched"
)

// An openLoop lets requests arrive at times that do not depend on how fast they are served,
// as in a service with many clients. A request's latency counts from the time at which it
// should have arrived. So when the service stalls, those that wait meanwhile count, and
// there is no coordinated omission.
type openLoop struct {
	name string
	perP int   // requests for each P
	gap  int64 // mean time between two arrivals for each P, in ns
	seed uint64

	nodes    []int               // of the sources, or -1
	arrivals []arrival           // of all sources; arrival i comes from source i % len(nodes)
	latency  []int64             // of each request, in ns
	started  []int64             // from when it should have arrived until its G ran, in ns, where each has a G
	all      histogram.Histogram // latencies of all runs
	starts   histogram.Histogram // started, of all runs
}

// psOfSource is how many Ps there are for each source of requests, such as a queue of a
// network card. One source for all would be what limits a large machine.
const psOfSource = 4

// An arrival is a request that has not come yet.
type arrival struct {
	at     int64  // ns after the beginning
	random uint64 // what the request asks for follows from this
}

// openLoopParams are the sizes that every workload with arrivals takes first.
func openLoopParams(quick int64) []Param {
	return []Param{
		{Name: "gap", Doc: "mean time between two arrivals for each P, in ns", Default: 20000, Min: 100, Max: 1 << 40},
		{Name: "n", Doc: "requests for each P", Default: 5000, Quick: quick, Min: 1, Max: 1 << 30},
	}
}

func newOpenLoop(name string, p Params) openLoop {
	return openLoop{name: name, perP: int(p["n"]), gap: p["gap"], seed: uint64(p["seed"])}
}

// setup decides when requests come.
func (l *openLoop) setup(s *sched.Sched) {
	procs, nodes := procsOf(s), nodesOf(s)
	l.nodes = nil
	for i := range max(len(nodes), (procs+psOfSource-1)/psOfSource) {
		l.nodes = append(l.nodes, nodes[i%len(nodes)])
	}
	n := procs * l.perP
	l.arrivals, l.latency, l.started = make([]arrival, n), make([]int64, n), make([]int64, n)
	at := int64(0)
	for i := range l.arrivals {
		r := mix64(l.seed<<32 + uint64(2*i))
		at += exponential(r, l.gap) / int64(procs)
		l.arrivals[i] = arrival{at, mix64(r)}
	}
}

// exponential returns a random time with that mean, nearly exponentially distributed. It
// is made of whole numbers alone, because logarithms differ among CPUs: r has lz leading
// zeros, and the logarithm of what follows them is nearly linear.
func exponential(r uint64, mean int64) int64 {
	r |= 1 // not 0
	lz := bits.LeadingZeros64(r)
	fraction := int64(r << lz << 1 >> 44) // of 2^20
	return (int64(lz+1)<<20 - fraction) * (mean >> 4) / (3 << 15)
}

// mix64 is the last step of SplitMix64 (Steele, Lea, Flood, 2014).
func mix64(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// run starts the sources. A source starts a G for each request when its time has come, on
// the node that node names.
func (l *openLoop) run(g *sched.G, node func(i int) int, serve func(g *sched.G, i int)) {
	clear(l.latency)
	start := g.Nanotime()
	var sources sched.Group
	for first, source := range l.nodes {
		sources.GoAt(g, at(source), func(g *sched.G) {
			var gr sched.Group
			for i := first; i < len(l.arrivals); i += len(l.nodes) {
				due := start + l.arrivals[i].at
				if wait := due - g.Nanotime(); wait > 0 {
					g.Sleep(time.Duration(wait))
				}
				gr.GoAt(g, at(node(i)), func(g *sched.G) {
					l.started[i] = max(1, g.Nanotime()-due)
					serve(g, i)
					l.latency[i] = max(1, g.Nanotime()-due)
				})
			}
			gr.Wait(g)
		})
	}
	sources.Wait(g)
}

// stock is run with goroutines.
func (l *openLoop) stock(serve func(i int)) {
	clear(l.latency)
	start := time.Now()
	stockLoop(len(l.nodes), func(first int) {
		var wg sync.WaitGroup
		for i := first; i < len(l.arrivals); i += len(l.nodes) {
			due := time.Duration(l.arrivals[i].at)
			if wait := due - time.Since(start); wait > 0 {
				time.Sleep(wait)
			}
			wg.Go(func() {
				l.started[i] = max(1, int64(time.Since(start)-due))
				serve(i)
				l.latency[i] = max(1, int64(time.Since(start)-due))
			})
		}
		wg.Wait()
	})
}

// forget forgets the runs so far.
func (l *openLoop) forget() { l.all, l.starts = histogram.Histogram{}, histogram.Histogram{} }

// report adds the latencies of a run to those of the runs before it.
func (l *openLoop) report(in *Instance) error {
	for i, t := range l.latency {
		if t == 0 {
			return fmt.Errorf("%s: request %d was not served", l.name, i)
		}
		l.all.Add(t)
		if l.started[i] > 0 {
			l.starts.Add(l.started[i])
		}
	}
	in.ReportLatencies(&l.all)
	if l.starts.Len() > 0 {
		in.ReportStarts(&l.starts)
	}
	return nil
}
