package workload

import "numasched/sched"

// kvServe is a key-value service with a table in shards, which lie on the nodes in turn.
// Requests arrive in an open loop. The time for a unit says nothing, because the arrivals
// decide it. The latencies are the result.
var kvServe = &Workload{
	Name:    "kvserve",
	Doc:     "requests to a table in shards, which arrive whether or not earlier ones are served: latency",
	Unit:    "request",
	Open:    true,
	Gap:     "gap",
	Claimed: sized("n=60/bytes=4194304"),
	Params: append(openLoopParams(200), []Param{
		{Name: "shards", Doc: "shards of the table for each node", Default: 16, Min: 1, Max: 1 << 16},
		{Name: "bytes", Doc: "bytes of a shard", Default: 1 << 22, Quick: 1 << 20, Min: 64, Max: 1 << 40},
		{Name: "touch", Doc: "random words that a request reads in its shard, one after another", Default: 64, Min: 1, Max: 1 << 30},
		{Name: "ops", Doc: "cycles of arithmetic besides", Default: 4000, Min: 0, Max: 1 << 40},
		{Name: "seed", Doc: "of arrivals and shards", Default: 1, Min: 0, Max: 1 << 62},
	}...),
	New: func(p Params) (*Instance, error) {
		loop := newOpenLoop("kvserve", p)
		t := &shardedTable{shards: int(p["shards"]), words: int(p["bytes"]) / 8, touch: p["touch"]}
		ops := p["ops"]
		shard := func(i int) int { return int(loop.arrivals[i].random % uint64(len(t.table))) }
		in := &Instance{Warmed: loop.forget}
		in.Setup = func(s *sched.Sched) error {
			loop.setup(s)
			in.Tasks = int64(len(loop.arrivals))
			return t.setup(s)
		}
		in.Run = func(g *sched.G) error {
			loop.run(g, func(i int) int { return t.table[shard(i)].node }, func(g *sched.G, i int) {
				g.Allocated(3) // two closures and a list of spans
				t.ask(g, shard(i), uint64(i), ops)
			})
			return loop.report(in)
		}
		in.Stock = func() error {
			loop.stock(func(i int) { t.serve(shard(i), uint64(i), ops) })
			return loop.report(in)
		}
		return in, nil
	},
}

// A shardedTable is a table of a service, in shards that lie on the nodes in turn.
type shardedTable struct {
	shards, words int   // shards for each node, words of a shard
	touch         int64 // words that a question reads

	table []block[uint64] // one for each shard
}

func (t *shardedTable) setup(s *sched.Sched) (err error) {
	if t.table, err = newArray[uint64](s, len(nodesOf(s))*t.shards*t.words, t.words); err != nil {
		return err
	}
	for i := range t.table {
		for j := range t.table[i].data {
			t.table[i].data[j] = uint64(j)
		}
	}
	return nil
}

// ask has g answer question x to a shard.
func (t *shardedTable) ask(g *sched.G, shard int, x uint64, ops int64) {
	span := t.table[shard].span
	span.Accesses = t.touch
	g.Work(sched.Work{Ops: ops, Reads: []sched.Span{span}}, func() { t.serve(shard, x, ops) })
}

// serve reads a chain of words of a shard, and computes.
func (t *shardedTable) serve(shard int, x uint64, ops int64) {
	data := t.table[shard].data
	for range t.touch {
		x = mix64(x + data[x%uint64(len(data))])
	}
	sink(spin(x, ops/spinOps))
}
