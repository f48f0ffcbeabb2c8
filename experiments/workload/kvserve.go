package workload

import (
	"fmt"
	"math/bits"
	"runtime"
	"sync"
	"time"

	"numasched/experiments/histogram"
	"numasched/sched"
)

// kvServe is a key-value service with a table in shards, which lie on the nodes in turn.
// Requests arrive at times that do not depend on how fast they are served: an open loop,
// as in a service with many clients. A request's latency counts from the time at which it
// should have arrived. So when the service stalls, those that wait meanwhile count, and
// there is no coordinated omission. The time for a unit says nothing, because the
// arrivals decide it. The latencies are the result.
var kvServe = &Workload{
	Name: "kvserve",
	Doc:  "requests to a table in shards, which arrive whether or not earlier ones are served: latency",
	Unit: "request",
	Open: true,
	Gap:  "gap",
	Params: []Param{
		{Name: "gap", Doc: "mean time between two arrivals for each P, in ns", Default: 20000, Min: 100, Max: 1 << 40},
		{Name: "n", Doc: "requests for each P", Default: 5000, Quick: 200, Min: 1, Max: 1 << 30},
		{Name: "shards", Doc: "shards of the table for each node", Default: 16, Min: 1, Max: 1 << 16},
		{Name: "bytes", Doc: "bytes of a shard", Default: 1 << 22, Quick: 1 << 20, Min: 64, Max: 1 << 40},
		{Name: "touch", Doc: "random words that a request reads in its shard, one after another", Default: 64, Min: 1, Max: 1 << 30},
		{Name: "ops", Doc: "cycles of arithmetic besides", Default: 4000, Min: 0, Max: 1 << 40},
		{Name: "seed", Doc: "of arrivals and shards", Default: 1, Min: 0, Max: 1 << 62},
	},
	New: func(p Params) (*Instance, error) {
		k := &kvRun{perP: int(p["n"]), shards: int(p["shards"]), words: int(p["bytes"]) / 8, touch: p["touch"], ops: p["ops"], seed: uint64(p["seed"]), gap: p["gap"]}
		in := new(Instance)
		in.Setup = func(s *sched.Sched) error {
			err := k.setup(s)
			in.Tasks = int64(len(k.arrivals))
			return err
		}
		in.Run = func(g *sched.G) error {
			k.run(g)
			return k.report(in)
		}
		in.Warmed = func() { k.all = histogram.Histogram{} }
		in.Stock = func() error {
			if err := k.stock(); err != nil {
				return err
			}
			return k.report(in)
		}
		return in, nil
	},
}

type kvRun struct {
	perP, shards, words int
	touch, ops, gap     int64
	seed                uint64

	table    []block[uint64] // one for each shard
	nodes    []int           // of the sources, or -1
	arrivals []arrival       // of all sources; arrival i comes from source i % len(nodes)
	latency  []int64         // of each request, in ns
	all      histogram.Histogram
}

// psOfSource is how many Ps there are for each source of requests, such as a queue of a
// network card. One source for all would be what limits a large machine.
const psOfSource = 4

// An arrival is a request that has not come yet.
type arrival struct {
	at    int64 // ns after the beginning
	shard int32
}

func (k *kvRun) setup(s *sched.Sched) (err error) {
	procs, nodes := runtime.GOMAXPROCS(0), nodesOf(s)
	if s != nil {
		procs = s.Procs()
	}
	if k.table, err = newArray[uint64](s, len(nodes)*k.shards*k.words, k.words); err != nil {
		return err
	}
	k.nodes = nil
	for i := range max(len(nodes), (procs+psOfSource-1)/psOfSource) {
		k.nodes = append(k.nodes, nodes[i%len(nodes)])
	}
	for i := range k.table {
		for j := range k.table[i].data {
			k.table[i].data[j] = uint64(j)
		}
	}
	n := procs * k.perP
	k.arrivals, k.latency = make([]arrival, n), make([]int64, n)
	at := int64(0)
	for i := range k.arrivals {
		r := mix64(k.seed<<32 + uint64(2*i))
		at += exponential(r, k.gap) / int64(procs)
		k.arrivals[i] = arrival{at, int32(mix64(r) % uint64(len(k.table)))}
	}
	return nil
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

// run starts the sources. A source starts a G for each request when its time has come,
// where its shard is.
func (k *kvRun) run(g *sched.G) {
	clear(k.latency)
	start := g.Nanotime()
	var sources sched.Group
	for first, node := range k.nodes {
		sources.GoAt(g, at(node), func(g *sched.G) {
			var gr sched.Group
			for i := first; i < len(k.arrivals); i += len(k.nodes) {
				a := &k.arrivals[i]
				due := start + a.at
				if wait := due - g.Nanotime(); wait > 0 {
					g.Sleep(time.Duration(wait))
				}
				shard := &k.table[a.shard]
				gr.GoAt(g, at(shard.node), func(g *sched.G) {
					g.Allocated(3) // two closures and a list of spans
					span := shard.span
					span.Accesses = k.touch
					g.Work(sched.Work{Ops: k.ops, Reads: []sched.Span{span}}, func() { k.serve(i) })
					k.latency[i] = max(1, g.Nanotime()-due)
				})
			}
			gr.Wait(g)
		})
	}
	sources.Wait(g)
}

func (k *kvRun) stock() error {
	clear(k.latency)
	start := time.Now()
	stockLoop(len(k.nodes), func(first int) {
		var wg sync.WaitGroup
		for i := first; i < len(k.arrivals); i += len(k.nodes) {
			due := time.Duration(k.arrivals[i].at)
			if wait := due - time.Since(start); wait > 0 {
				time.Sleep(wait)
			}
			wg.Go(func() {
				k.serve(i)
				k.latency[i] = max(1, int64(time.Since(start)-due))
			})
		}
		wg.Wait()
	})
	return nil
}

// serve reads a chain of words of the request's shard, and computes.
func (k *kvRun) serve(i int) {
	data := k.table[k.arrivals[i].shard].data
	x := uint64(i)
	for range k.touch {
		x = mix64(x + data[x%uint64(len(data))])
	}
	if spin(x, k.ops/spinOps) == 1 { // never; the compiler does not know
		k.arrivals[i].shard = -1
	}
}

// report adds the latencies of a run to those of the runs before it.
func (k *kvRun) report(in *Instance) error {
	for i, t := range k.latency {
		if t == 0 {
			return fmt.Errorf("kvserve: request %d was not served", i)
		}
		k.all.Add(t)
	}
	in.ReportLatencies(&k.all)
	return nil
}
