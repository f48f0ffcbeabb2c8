// Package micro runs known microbenchmarks on the simulated machine: Intel MLC's idle
// latency, pair bandwidth and loaded latency, likwid's core scaling, and a cache line
// that changes hands. Others have run them on real machines. The package compares its
// results with their tables, cell by cell.
//
// A preset takes its numbers from the same tables. So the comparison tests what lies in
// between: controllers and links that flows share, the cap of each core, caches, and the
// coherence protocol. Together they must give back what went in. A preset does not
// contain whole tables. One cap per link gives a whole table of pairs, and the first node
// alone gives the second half of a core-scaling curve.
package micro

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"sort"

	"numasched/sched"
	"numasched/sched/internal/machine"
	"numasched/sched/sim"
	"numasched/topology"
)

// A Cell is one number of a measured table, and the same number simulated.
type Cell struct {
	Preset, Table, Row string
	Unit               string
	Lo, Hi             float64 // measured; the same unless a range was published
	Simulated          float64
}

// Error is the relative distance of the simulated number from the measured one. It is 0
// inside a range.
func (c Cell) Error() float64 {
	switch {
	case c.Simulated < c.Lo:
		return c.Simulated/c.Lo - 1
	case c.Simulated > c.Hi:
		return c.Simulated/c.Hi - 1
	}
	return 0
}

type interval []float64

type tables struct {
	Source  string
	Idle    [][]interval
	Pair    [][]interval
	Peak    interval
	Loaded  [][2]float64 // GB/s, ns
	Scaling map[string][]float64
	C2C     map[string]interval `json:"c2c"`
}

//go:embed measured.json
var measuredJSON []byte

func measured() map[string]tables {
	all := map[string]tables{}
	if err := json.Unmarshal(measuredJSON, &all); err != nil {
		panic(err) // it is part of the program
	}
	return all
}

// Presets returns the names of the presets that have measured tables.
func Presets() []string {
	var names []string
	for name := range measured() {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Run simulates every measured table of a preset.
func Run(preset string) ([]Cell, error) {
	ref, ok := measured()[preset]
	if !ok {
		return nil, nil
	}
	p, err := sim.LoadPreset(preset)
	if err != nil {
		return nil, err
	}
	b := &bench{preset: p}
	if b.topo, err = topology.Load(p.Topology); err != nil {
		return nil, err
	}
	var cells []Cell
	add := func(table, row, unit string, want interval, got float64, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %s %s: %w", preset, table, row, err)
		}
		cells = append(cells, Cell{preset, table, row, unit, want[0], want[len(want)-1], got})
		return nil
	}
	matrix := func(m [][]interval, table, unit string, f func(from, to int) (float64, error)) error {
		for i, row := range m {
			for j, want := range row {
				if want == nil {
					continue
				}
				got, err := f(i, j)
				if err := add(table, fmt.Sprintf("%d->%d", i, j), unit, want, got, err); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := matrix(ref.Idle, "idle latency", "ns", b.idle); err != nil {
		return nil, err
	}
	if err := matrix(ref.Pair, "pair bandwidth", "GB/s", b.pair); err != nil {
		return nil, err
	}
	if ref.Peak != nil {
		got, err := b.peak()
		if err := add("peak bandwidth", "all read", "GB/s", ref.Peak, got, err); err != nil {
			return nil, err
		}
	}
	for _, pt := range ref.Loaded {
		got, err := b.loaded(pt[0])
		if err := add("loaded latency", fmt.Sprintf("%.1f GB/s", pt[0]), "ns", interval{pt[1]}, got, err); err != nil {
			return nil, err
		}
	}
	for _, k := range kernels {
		for i, want := range ref.Scaling[k.name] {
			got, err := b.scaling(k, i+1)
			if err := add("core scaling", fmt.Sprintf("%s, %d cores", k.name, i+1), "GB/s", interval{want}, got, err); err != nil {
				return nil, err
			}
		}
	}
	for _, d := range []string{"near", "package", "node", "remote", "remote_home"} {
		if want := ref.C2C[d]; want != nil {
			got, err := b.handover(d)
			if err := add("cache line hand-over", d, "ns", want, got, err); err != nil {
				return nil, err
			}
		}
	}
	return cells, nil
}

type bench struct {
	preset *sim.Preset
	topo   *topology.Topology
}

func (b *bench) machine() (*sim.Machine, error) {
	return sim.New(sim.Config{Preset: b.preset, Topology: b.topo})
}

// cores returns the first CPU of each core of a set.
func (b *bench) cores(set topology.CPUSet) []int {
	var list []int
	for _, c := range b.topo.Cores {
		if f := c.First(); f >= 0 && set.Contains(f) {
			list = append(list, f)
		}
	}
	return list
}

// chase measures dependent accesses from cpu to memory of a node: MLC's idle
// latency, and the measuring thread of the loaded one.
func chase(p *sim.Thread, buf *sched.Buffer, looks int) float64 {
	start := p.Now()
	all := int64(0)
	for i := range looks {
		// Of different lengths, so that threads do not keep step.
		n := 48 + int64(i)*13%32
		all += n
		p.Work(&sched.Work{Reads: []sched.Span{{Buf: buf, Len: buf.Bytes, Accesses: n}}})
	}
	return float64(p.Now()-start) / float64(all) / 1000
}

// uncached is a buffer that is so large that no cache matters.
func (b *bench) uncached(m *sim.Machine, node int) (*sched.Buffer, error) {
	bytes := int64(64 << 20)
	for _, c := range b.topo.L3 {
		bytes = max(bytes, 64*c.Bytes)
	}
	return m.NewBuffer(bytes, sched.OnNode(b.topo.Nodes[node].ID))
}

func (b *bench) idle(from, to int) (ns float64, err error) {
	m, err := b.machine()
	if err != nil {
		return 0, err
	}
	buf, err := b.uncached(m, to)
	if err != nil {
		return 0, err
	}
	t := m.Start("chase", one(b.topo.Nodes[from].CPUs.First()), func(p *sim.Thread) { ns = chase(p, buf, 64) })
	return ns, m.RunThreads(t)
}

func one(cpu int) topology.CPUSet { return topology.CPURange(cpu, cpu+1) }

// A kernel is one of likwid's: how many streams it reads and writes, and whether it
// reads and writes the same one.
type kernel struct {
	name        string
	read, write int
	same        bool
}

var kernels = []kernel{{"load", 1, 0, false}, {"copy", 1, 1, false}, {"triad", 3, 1, false}, {"update", 1, 1, true}}

const streamBytes = 3 << 19 // per thread and stream

// stream runs k on CPUs. Each reads from the memory of the node that of returns. The
// result is in GB/s as likwid counts: all threads do the same, and the slowest counts.
func (b *bench) stream(k kernel, cpus []int, of func(cpu int) int) (float64, error) {
	m, err := b.machine()
	if err != nil {
		return 0, err
	}
	var threads []*sim.Thread
	first, last := sim.Time(math.MaxInt64), sim.Time(0)
	for _, cpu := range cpus {
		var w sched.Work
		for i := range k.read + k.write {
			if k.same && i > 0 {
				w.Writes = w.Reads
				break
			}
			buf, err := m.NewBuffer(streamBytes, sched.OnNode(b.topo.Nodes[of(cpu)].ID))
			if err != nil {
				return 0, err
			}
			span := sched.Span{Buf: buf, Len: streamBytes}
			if i < k.read {
				w.Reads = append(w.Reads, span)
			} else {
				w.Writes = append(w.Writes, span)
			}
		}
		threads = append(threads, m.Start("stream", one(cpu), func(p *sim.Thread) {
			first = min(first, p.Now())
			p.Work(&w)
			last = max(last, p.Now())
		}))
	}
	if err := m.RunThreads(threads...); err != nil {
		return 0, err
	}
	bytes := float64(len(cpus)) * float64(k.read+k.write) * streamBytes
	return bytes / float64(last-first) * 1000, nil
}

func (b *bench) pair(from, to int) (float64, error) {
	return b.stream(kernels[0], b.cores(b.topo.Nodes[from].CPUs), func(int) int { return to })
}

func (b *bench) nodeOf(cpu int) int {
	for i := range b.topo.Nodes {
		if b.topo.Nodes[i].CPUs.Contains(cpu) {
			return i
		}
	}
	return 0
}

func (b *bench) peak() (float64, error) {
	return b.stream(kernels[0], b.cores(b.topo.Online), b.nodeOf)
}

func (b *bench) scaling(k kernel, n int) (float64, error) {
	return b.stream(k, b.cores(b.topo.Online)[:n], b.nodeOf)
}

// loaded is MLC's loaded latency: the first core chases pointers, while all others read
// from their own node at a rate that adds up to gbps.
func (b *bench) loaded(gbps float64) (ns float64, err error) {
	m, err := b.machine()
	if err != nil {
		return 0, err
	}
	all := b.cores(b.topo.Online)
	done := false
	var threads []*sim.Thread
	const piece, ring = 4 << 10, 8 << 20
	peak, err := b.peak()
	if err != nil {
		return 0, err
	}
	per := sim.Time(piece / gbps * float64(len(all)-1) * 1000) // ps between pieces of one thread
	step := int64(piece)
	if gbps > 0.985*peak {
		per, step = 0, 1<<20 // MLC's shortest delays, which no memory keeps up with
	}
	for i, cpu := range all[1:] {
		buf, err := m.NewBuffer(ring, sched.OnNode(b.topo.Nodes[b.nodeOf(cpu)].ID))
		if err != nil {
			return 0, err
		}
		threads = append(threads, m.Start("inject", one(cpu), func(p *sim.Thread) {
			// Threads begin out of step; they would soon be so anyway.
			next := p.Now() + per*sim.Time(i)/sim.Time(len(all))
			for off := int64(0); !done; off = (off + step) % ring {
				if now := p.Now(); now < next {
					p.Compute(next - now)
				}
				next += per
				p.Work(&sched.Work{Reads: []sched.Span{{Buf: buf, Off: off, Len: step}}})
			}
		}))
	}
	buf, err := b.uncached(m, b.nodeOf(all[0]))
	if err != nil {
		return 0, err
	}
	threads = append(threads, m.Start("chase", one(all[0]), func(p *sim.Thread) {
		chase(p, buf, 2)
		ns = chase(p, buf, 30)
		done = true
	}))
	return ns, m.RunThreads(threads...)
}

// handover is the time of an atomic operation on a line that another core has modified.
func (b *bench) handover(distance string) (ns float64, err error) {
	m, err := b.machine()
	if err != nil {
		return 0, err
	}
	cores := b.cores(b.topo.Online)
	a, other := cores[0], -1
	pkg := func(cpu int) int {
		for i, s := range b.topo.Packages {
			if s.Contains(cpu) {
				return i
			}
		}
		return 0
	}
	for _, c := range cores[1:] {
		node, l3, p := b.nodeOf(c) == b.nodeOf(a), b.topo.L3Of(c) == b.topo.L3Of(a), pkg(c) == pkg(a)
		switch distance {
		case "near":
			if node && l3 {
				other = c
			}
		case "package":
			if node && !l3 {
				other = c
			}
		case "node":
			if !node && p {
				other = c
			}
		default:
			if !p {
				other = c
			}
		}
		if other >= 0 {
			break
		}
	}
	if other < 0 {
		return 0, fmt.Errorf("no two cores are that far apart")
	}
	const line = 1
	var took sim.Time
	const rounds = 10
	home := func(p *sim.Thread, first bool) {
		if first {
			p.Access(line, machine.RMW)
		}
	}
	// Each has the line in turn, a microsecond apart.
	t1 := m.Start("holder", one(other), func(p *sim.Thread) {
		home(p, distance != "remote_home")
		p.Compute(sim.Microsecond / 2)
		for range rounds {
			at := p.Now()
			p.Access(line, machine.RMW)
			p.Compute(2*sim.Microsecond - (p.Now() - at))
		}
	})
	t2 := m.Start("taker", one(a), func(p *sim.Thread) {
		home(p, distance == "remote_home")
		p.Compute(sim.Microsecond)
		for range rounds - 1 {
			at := p.Now()
			p.Access(line, machine.RMW)
			d := p.Now() - at
			took += d
			p.Compute(2*sim.Microsecond - d)
		}
	})
	err = m.RunThreads(t1, t2)
	return float64(took) / (rounds - 1) / 1000, err
}
