package sim

import (
	"iter"
	"math/bits"
)

// An Account is what a machine has counted since it was made. The difference between
// two ([Account.Since]) is what happened between them.
type Account struct {
	Now Time // virtual

	Work  Time // in which CPUs did Work: arithmetic, caches, memory
	Ideal Time // that the same Work takes alone on the node of its data
	Ops   Time // its arithmetic alone
	Path  Time // the longest chain of arithmetic in which each piece waits for the last
	Busy  Time // in which threads had CPUs, Work included

	Near, Far int64         // bytes from the memory of the accessing CPU's node, and of others
	Resources []ResourceUse // memory controllers by node, then directions of links
	Moves     int64         // of threads to another node
	Wakes     Histogram     // time from a futex wake-up to the thread's first step

	Events, Switches int64
}

// A ResourceUse is the traffic over a memory controller or a link.
type ResourceUse struct {
	Name  string
	Bytes int64
	Full  int64 // bytes per microsecond that it carries at most with this mix of reads and writes
	mixed int64
	of    *resource
}

// use describes the bytes that have passed r.
func (r *resource) use(bytes, mixed int64) ResourceUse {
	return ResourceUse{r.name, bytes, r.peak((mixed+bytes/2)/max(bytes, 1)) / 1000, mixed, r}
}

// A Histogram counts times by their length: four buckets per power of two.
type Histogram [256]int64

func bucket(d Time) int {
	n := bits.Len64(uint64(max(d, 0)))
	if n < 3 {
		return int(max(d, 0))
	}
	return n<<2 | int(d>>(n-3))&3
}

// Percentile returns a time that p percent of the counted times do not exceed. It is too
// large by an eighth at most. It is 0 if nothing was counted.
func (h *Histogram) Percentile(p int64) Time {
	total := int64(0)
	for _, n := range h {
		total += n
	}
	seen := int64(0)
	for i, n := range h {
		if seen += n; n > 0 && seen*100 >= total*p {
			return last(i)
		}
	}
	return 0
}

// last is the longest time in a bucket.
func last(i int) Time {
	if i < 12 {
		return Time(i)
	}
	return Time(4+i&3+1)<<(i>>2-3) - 1
}

// All are the times that were counted, in ascending order, and how many there are of each.
// A time stands for those that are shorter by an eighth at most.
func (h *Histogram) All() iter.Seq2[Time, int64] {
	return func(yield func(Time, int64) bool) {
		for i, n := range h {
			if n > 0 && !yield(last(i), n) {
				return
			}
		}
	}
}

// Account returns the machine's counters. Call it while nothing runs.
func (k *Machine) Account() Account {
	a := Account{Now: k.now, Path: k.paths.longest, Near: k.mem.near, Far: k.mem.far, Wakes: k.wakes, Events: k.Events(), Switches: k.stats.switches}
	for _, t := range k.kernel.threads {
		a.Work += t.work
		a.Ideal += t.ideal
		a.Ops += t.ops
		a.Busy += t.busy
		if t.state == running {
			a.Busy += t.clock - t.since
		}
		a.Moves += t.moves
	}
	for i := range k.fabric.resources {
		r := &k.fabric.resources[i]
		a.Resources = append(a.Resources, r.use(r.bytes, r.mixed))
	}
	return a
}

// Since returns a - b, field by field.
func (a Account) Since(b Account) Account {
	a.Now -= b.Now
	a.Path -= b.Path
	a.Work -= b.Work
	a.Ideal -= b.Ideal
	a.Ops -= b.Ops
	a.Busy -= b.Busy
	a.Near -= b.Near
	a.Far -= b.Far
	a.Moves -= b.Moves
	a.Events -= b.Events
	a.Switches -= b.Switches
	for i := range a.Wakes {
		a.Wakes[i] -= b.Wakes[i]
	}
	uses := append([]ResourceUse(nil), a.Resources...)
	for i := range b.Resources {
		u, v := &uses[i], &b.Resources[i]
		*u = u.of.use(u.Bytes-v.Bytes, u.mixed-v.mixed)
	}
	a.Resources = uses
	return a
}

// Bound returns the least time in which procs CPUs of the machine could have done what
// a says was done, and what limits it. That is one of three: the arithmetic, spread
// over all CPUs; the longest chain of arithmetic in which each piece waits for the
// last ("path"); or the traffic of the busiest memory controller or link, at the peak
// of its mix of reads and writes. The scheduler follows chains through spawns, joins
// and wake-ups, but not through a channel in which a message waited.
func (k *Machine) Bound(a Account, procs int) (Time, string) {
	// All threads of one core together do no more than this many threads alone.
	cores := min(procs, len(k.cores))
	speed := int64(cores) * 1000
	if extra := procs - len(k.cores); extra > 0 {
		speed += int64(extra) * max(0, 2*int64(k.preset.SMT.Value)-1000)
	}
	bound, by := Time(mulDiv(int64(a.Ops), 1000, max(speed, 1))), "work"
	if a.Path > bound {
		bound, by = a.Path, "path"
	}
	for _, r := range a.Resources {
		if r.Full > 0 {
			if t := Time(mulDiv(r.Bytes, int64(Microsecond), r.Full)); t > bound {
				bound, by = t, r.Name
			}
		}
	}
	return bound, by
}

// Scale returns a copy of p in which all latencies of memory, cache lines and the
// kernel are num/den times as long. name is added to its name.
func (p *Preset) Scale(num, den int64, name string) *Preset {
	q := *p
	q.Name = p.Name + name
	scale := func(m [][]Milli) [][]Milli {
		out := make([][]Milli, len(m))
		for i, row := range m {
			for _, v := range row {
				out[i] = append(out[i], max(1, v*Milli(num)/Milli(den)))
			}
		}
		return out
	}
	q.Idle.Value, q.Line.Value, q.LineFar.Value = scale(p.Idle.Value), scale(p.Line.Value), scale(p.LineFar.Value)
	for _, s := range []*Scalar{&q.L1, &q.L2, &q.L3, &q.Near, &q.Package, &q.Syscall, &q.Wake, &q.Sleep, &q.WakeNear, &q.WakeFar, &q.Switch, &q.Affinity, &q.Clone, &q.Map} {
		s.Value = max(1, s.Value*Milli(num)/Milli(den))
	}
	return &q
}

// Uniform returns a copy of p in which all distances are equal and no link has a limit.
func (p *Preset) Uniform() *Preset {
	q := *p
	q.Name = p.Name + " with all latencies equal"
	q.Idle.Value = [][]Milli{{p.Idle.Value[0][0]}}
	q.Line.Value = [][]Milli{{p.Near.Value}}
	q.LineFar.Value = nil
	q.Package = p.Near
	q.WakeFar = p.WakeNear
	q.Links.Value = nil
	q.Mesh.Value = 0
	return &q
}
