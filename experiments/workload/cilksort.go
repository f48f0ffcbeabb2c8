package workload

import (
	"fmt"
	"math/bits"
	"slices"
	"sync"

	"numasched/sched"
)

// cilkSort is a merge sort like Cilk's. Both halves are sorted at the same time, back
// and forth between two arrays. Merges are split, too: at the middle of the longer
// run, and at the place of the same key in the shorter one. The arrays are interleaved
// over the nodes. A piece that is no larger than the grain is filled with random keys
// and sorted by slices.Sort.
//
// On a simulated machine there are no keys. Merges split both runs in the middle
// there, which is nearly what random keys do.
var cilkSort = &Workload{
	Name:     "cilksort",
	Doc:      "parallel merge sort with parallel merges, of random keys",
	Unit:     "key",
	Quick:    true,
	InCaches: "n=65536",
	Params: []Param{
		{Name: "n", Doc: "uint64 keys", Default: 4 << 20, Quick: 1 << 17, Min: 1, Max: 1 << 31},
		{Name: "grain", Doc: "keys that are sorted or merged without a fork", Default: 4096, Min: 2, Max: 1 << 31},
		{Name: "seed", Doc: "of the keys", Default: 1, Min: 0, Max: 1 << 62},
	},
	New: func(p Params) (*Instance, error) {
		r := &sortRun{n: int(p["n"]), grain: int(p["grain"]), seed: uint64(p["seed"])}
		return &Instance{
			Tasks: int64(r.n),
			Setup: r.setup,
			Run: func(g *sched.G) error {
				r.seed++
				if got := sortPiece(g, piece{r, 0, r.n, 0}); got != r.n {
					return fmt.Errorf("cilksort: %d keys merged, want %d", got, r.n)
				}
				return nil
			},
			Stock: func() error {
				r.seed++
				r.stock(0, r.n, 0)
				return nil
			},
			Check: r.check,
		}, nil
	},
}

type sortRun struct {
	n, grain int
	seed     uint64 // another one for every run
	buf      [2]*sched.Buffer
	keys     [2][]uint64 // the result is in 0; both nil on a simulated machine
}

func (r *sortRun) setup(s *sched.Sched) error {
	for k := range r.keys {
		if s == nil {
			r.keys[k] = make([]uint64, r.n)
			continue
		}
		var err error
		if r.buf[k], err = s.NewBuffer(int64(r.n)*8, sched.Interleave); err != nil {
			return err
		}
		r.keys[k] = sched.Slice[uint64](r.buf[k], r.n)
	}
	return nil
}

// A piece of the keys, from lo to hi, is to be sorted into array to.
type piece struct {
	*sortRun
	lo, hi, to int
}

// sortPiece sorts a piece, and returns how many keys it has.
func sortPiece(g *sched.G, p piece) int {
	if n := p.hi - p.lo; n <= p.grain {
		spans := []sched.Span{p.span(p.to, p.lo, p.hi)}
		// A comparison, which is mispredicted every second time, and what it moves
		// take some 15 cycles: slices.Sort of 4096 keys in the first-level cache
		// takes 190 cycles a key on a Zen 5.
		ops := int64(n) * int64(15*bits.Len(uint(n))+4)
		g.Work(sched.Work{Kernel: "cilksort sort", Ops: ops, Reads: spans, Writes: spans}, func() { p.leaf(p.lo, p.hi, p.to) })
		return n
	}
	mid := (p.lo + p.hi) / 2
	c := sched.Fork(g, sortPiece, piece{p.sortRun, mid, p.hi, 1 - p.to})
	sortPiece(g, piece{p.sortRun, p.lo, mid, 1 - p.to})
	c.Join(g)
	return mergePiece(g, mergeOf{p.sortRun, merge{p.lo, mid, mid, p.hi, p.lo, p.to}})
}

// leaf fills a piece with random keys and sorts it.
func (r *sortRun) leaf(lo, hi, to int) {
	x := r.keys[to][lo:hi]
	for i := range x {
		x[i] = r.key(lo + i)
	}
	slices.Sort(x)
}

// key is the ith key before sorting.
func (r *sortRun) key(i int) uint64 { return mix(r.seed<<32 + uint64(i)) }

// mix turns a counter into random bits: the finaliser of SplitMix64 (Steele et
// al., OOPSLA 2014).
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

func (r *sortRun) span(array, lo, hi int) sched.Span {
	return sched.Span{Buf: r.buf[array], Off: int64(lo) * 8, Len: int64(hi-lo) * 8}
}

// A merge merges two runs of one array, from a to b and from c to d, into array to,
// beginning at out.
type merge struct{ a, b, c, d, out, to int }

// A mergeOf is a merge of the keys of a run of the workload.
type mergeOf struct {
	*sortRun
	m merge
}

func mergePiece(g *sched.G, p mergeOf) int {
	m := p.m
	n := m.b - m.a + m.d - m.c
	if n <= p.grain {
		g.Work(sched.Work{
			Kernel: "cilksort merge",
			Ops:    15 * int64(n), // the same
			Reads:  []sched.Span{p.span(1-m.to, m.a, m.b), p.span(1-m.to, m.c, m.d)},
			Writes: []sched.Span{p.span(m.to, m.out, m.out+n)},
		}, func() { p.merge(m) })
		return n
	}
	left, right := p.split(m)
	c := sched.Fork(g, mergePiece, mergeOf{p.sortRun, right})
	done := mergePiece(g, mergeOf{p.sortRun, left})
	return done + c.Join(g)
}

// split makes two merges of one: of the smaller keys and of the greater ones.
func (r *sortRun) split(m merge) (left, right merge) {
	if m.b-m.a < m.d-m.c {
		m.a, m.b, m.c, m.d = m.c, m.d, m.a, m.b
	}
	mid, other := (m.a+m.b)/2, (m.c+m.d)/2
	if keys := r.keys[1-m.to]; keys != nil {
		i, _ := slices.BinarySearch(keys[m.c:m.d], keys[mid])
		other = m.c + i
	}
	left = merge{m.a, mid, m.c, other, m.out, m.to}
	right = merge{mid, m.b, other, m.d, m.out + mid - m.a + other - m.c, m.to}
	return left, right
}

func (r *sortRun) merge(m merge) {
	x, y, out := r.keys[1-m.to][m.a:m.b], r.keys[1-m.to][m.c:m.d], r.keys[m.to][m.out:]
	i := 0
	for len(x) > 0 && len(y) > 0 {
		if x[0] <= y[0] {
			out[i], x = x[0], x[1:]
		} else {
			out[i], y = y[0], y[1:]
		}
		i++
	}
	copy(out[i:], x)
	copy(out[i+len(x):], y)
}

func (r *sortRun) stock(lo, hi, to int) {
	if hi-lo <= r.grain {
		r.leaf(lo, hi, to)
		return
	}
	mid := (lo + hi) / 2
	both(func() { r.stock(lo, mid, 1-to) }, func() { r.stock(mid, hi, 1-to) })
	r.stockMerge(merge{lo, mid, mid, hi, lo, to})
}

func (r *sortRun) stockMerge(m merge) {
	if m.b-m.a+m.d-m.c <= r.grain {
		r.merge(m)
		return
	}
	left, right := r.split(m)
	both(func() { r.stockMerge(left) }, func() { r.stockMerge(right) })
}

// both calls one function here and the other in a goroutine.
func both(here, there func()) {
	var wg sync.WaitGroup
	wg.Go(there)
	here()
	wg.Wait()
}

func (r *sortRun) check(*sched.Sched) error {
	keys := r.keys[0]
	var sum, want uint64
	for i, k := range keys {
		if i > 0 && keys[i-1] > k {
			return fmt.Errorf("cilksort: key %d, %#x, is smaller than the one before", i, k)
		}
		sum += k
		want += r.key(i)
	}
	if sum != want {
		return fmt.Errorf("cilksort: the keys add up to %#x, want %#x: some are lost", sum, want)
	}
	return nil
}
