package sim

import (
	"cmp"
	"slices"
)

// Memory bandwidth is shared max-min fairly. All flows grow at the same pace until
// they reach their own cap (what one core can have under way), or until a memory
// controller or link on their route is full.
//
// Flows with the same route, mix of reads and writes, and cap have the same rate at
// all times. They form a class, which keeps one count for all of them: served, the
// bytes that a flow would have got if it had been there since the class began. A flow
// ends when served reaches its value at the flow's start plus the flow's own bytes.
// So a change of rate costs one update per class, not per flow, and only the head of
// each class has an event.
//
// Units: rates are in kB/s, and bytes in units of 1e-9 B, so that a rate times
// picoseconds is exact. served may wrap around: only differences count, and a flow
// has at most 2^32 bytes.

// A resource is a memory controller (curve) or one direction of a link (fixed).
type resource struct {
	name  string
	fixed int64
	// curve[k] is capacity in kB/s against active cores in thousandths, for the
	// write shares of mixKnots.
	curve [4][][2]int64

	classes []*class // whose flows pass it now
	bytes   int64    // that have passed it
	mixed   int64    // the same bytes, each times its write share in sixtieths
	used    int64    // rate in use, kB/s
	mean    int64    // of used over the last few microseconds
	since   Time     // when mean was last updated

	// of the present recomputation
	left  int64
	count int64
}

// mixKnots are the write shares of load, triad, copy and update, in sixtieths of the
// bytes that pass the controller.
var mixKnots = [4]int64{0, 12, 20, 30}

// capacity is what a resource carries when active thousandths of a core stream with a
// write share of mix sixtieths. Beyond the last knot, the last knot counts.
func (r *resource) capacity(active, mix int64) int64 {
	if r.fixed > 0 {
		return r.fixed
	}
	for k := 1; k < len(mixKnots); k++ {
		if mix <= mixKnots[k] {
			lo, hi := interpolate(r.curve[k-1], active), interpolate(r.curve[k], active)
			return lo + (hi-lo)*(mix-mixKnots[k-1])/(mixKnots[k]-mixKnots[k-1])
		}
	}
	return interpolate(r.curve[3], active)
}

// full is the capacity for reads with every core active.
func (r *resource) full() int64 {
	if r.fixed > 0 {
		return r.fixed
	}
	top := int64(0)
	for _, p := range r.curve[0] {
		top = max(top, p[1])
	}
	return top
}

// peak is the most that a resource carries with a write share of mix sixtieths if
// reads and writes may take turns in any way: the concave hull of the peaks of the
// four curves. A resource that carries both at once carries less.
func (r *resource) peak(mix int64) int64 {
	if r.fixed > 0 {
		return r.fixed
	}
	var tops [len(mixKnots)]int64
	for k := range tops {
		for _, p := range r.curve[k] {
			tops[k] = max(tops[k], p[1])
		}
	}
	mix = min(mix, mixKnots[len(mixKnots)-1])
	best := int64(0)
	for i, lo := range mixKnots {
		for j, hi := range mixKnots[i:] {
			switch {
			case mix == lo:
				best = max(best, tops[i])
			case lo < mix && mix <= hi:
				best = max(best, tops[i]+(tops[i+j]-tops[i])*(mix-lo)/(hi-lo))
			}
		}
	}
	return best
}

// interpolate reads a curve at x. It passes through (0, 0).
func interpolate(curve [][2]int64, x int64) int64 {
	var a [2]int64
	for _, b := range curve {
		if x <= b[0] {
			return a[1] + (b[1]-a[1])*(x-a[0])/(b[0]-a[0])
		}
		a = b
	}
	return a[1]
}

type classKey struct {
	from, to int32 // CPU's node, memory's node
	mix      int64 // write share in sixtieths
	cap      int64 // kB/s
	cache    bool  // served by a cache of node to, not its memory
}

type class struct {
	classKey
	route   []int32
	active  int64 // thousandths of a core that one flow counts as
	rate    int64 // of one flow
	served  int64
	at      Time // when served was last updated
	flows   []*flow
	actor   int32
	visited bool
	fixed   bool
	next    int64
}

// A flow is a stream of bytes to or from memory that a thread waits for.
type flow struct {
	thread *thread
	end    int64 // of its class's served
	bytes  int64
	seq    uint64
	class  *class
}

// fabric shares the bandwidth of all resources among all flows.
type fabric struct {
	*hardware
	q       *queue
	classes map[classKey]*class
	byActor map[int32]*class
	dirty   []int32 // resources whose flows have changed
	marked  []bool
	seq     uint64
	scratch []*class
}

func newFabric(h *hardware, q *queue) *fabric {
	return &fabric{hardware: h, q: q, classes: make(map[classKey]*class), byActor: make(map[int32]*class), marked: make([]bool, len(h.resources))}
}

// coreRate is what one core gets from an otherwise idle memory, in kB/s. It gets less
// from a remote memory: a core has a fixed number of lines under way, so its rate is
// inverse to the latency (Little's law).
func (f *fabric) coreRate(from, to int32, mix int64) int64 {
	r := &f.resources[to]
	return mulDiv(r.capacity(1000, mix), int64(f.localLatency(to)), int64(max(f.idle[from][to], f.localLatency(to))))
}

func (f *fabric) localLatency(node int32) Time { return f.idle[node][node] }

// start begins a flow for t at time now. share is the thousandths of a core that
// t has, limit a cap in kB/s below that of the core, or 0.
func (f *fabric) start(t *thread, now Time, from, to int32, bytes, mix, share, limit int64, cache bool) {
	cap := f.coreRate(from, to, mix) * share / 1000
	active := share
	if limit > 0 && limit < cap {
		active = (share*limit + cap - 1) / cap
		cap = limit
	}
	key := classKey{from, to, mix, max(cap, 1), cache}
	c := f.classes[key]
	if c == nil {
		c = &class{classKey: key, active: active, actor: f.q.actor(), route: f.routes[from][to]}
		if cache {
			c.route = c.route[1:]
		}
		f.classes[key] = c
		f.byActor[c.actor] = c
	}
	if len(c.flows) == 0 {
		c.served, c.at, c.rate = 0, now, 0
		for _, r := range c.route {
			f.resources[r].classes = append(f.resources[r].classes, c)
		}
	}
	c.advance(now)
	f.seq++
	fl := &flow{thread: t, end: c.served + bytes*1_000_000_000, bytes: bytes, seq: f.seq, class: c}
	t.flow = fl
	c.push(fl)
	f.touch(c)
	if len(c.route) == 0 { // a cache of the own node: nothing is shared
		c.setRate(f.q, c.cap)
	}
}

func (f *fabric) touch(c *class) {
	for _, r := range c.route {
		if !f.marked[r] {
			f.marked[r] = true
			f.dirty = append(f.dirty, r)
		}
	}
}

func (c *class) advance(now Time) {
	if now > c.at {
		c.served += c.rate * int64(now-c.at)
		c.at = now
	}
}

// setRate gives every flow of c a new rate; served is up to date.
func (c *class) setRate(q *queue, rate int64) {
	c.rate = rate
	if len(c.flows) == 0 {
		q.clear(c.actor)
		return
	}
	left := c.flows[0].end - c.served
	q.set(c.actor, c.at+Time(max(0, (left+rate-1)/rate)))
}

// finish ends the flows of c that are over at time now, and calls done for each.
func (f *fabric) finish(c *class, now Time, done func(*thread)) {
	c.advance(now)
	for len(c.flows) > 0 && c.flows[0].end-c.served <= 0 {
		fl := c.pop()
		for _, r := range c.route {
			f.resources[r].bytes += fl.bytes
			f.resources[r].mixed += fl.bytes * c.mix
		}
		fl.thread.flow = nil
		done(fl.thread)
	}
	f.left(c, now)
}

// left updates the fabric after flows have left c.
func (f *fabric) left(c *class, now Time) {
	if len(c.flows) == 0 {
		for _, r := range c.route {
			f.resources[r].drop(c)
		}
	} else if len(c.route) == 0 {
		c.setRate(f.q, c.cap)
	}
	f.touch(c)
}

func (r *resource) drop(c *class) {
	for i, d := range r.classes {
		if d == c {
			r.classes = append(r.classes[:i], r.classes[i+1:]...)
			return
		}
	}
}

// share recomputes the rates of all classes that share a resource, directly or through
// other classes, with a class that has changed since the last call. It is called
// before time goes on.
func (f *fabric) share(now Time) {
	if len(f.dirty) == 0 {
		return
	}
	all := f.scratch[:0]
	for i := 0; i < len(f.dirty); i++ { // dirty grows to the connected resources
		r := &f.resources[f.dirty[i]]
		for _, c := range r.classes {
			if c.visited {
				continue
			}
			c.visited = true
			c.advance(now)
			c.fixed = false
			all = append(all, c)
			for _, o := range c.route {
				if !f.marked[o] {
					f.marked[o] = true
					f.dirty = append(f.dirty, o)
				}
			}
		}
	}
	for _, i := range f.dirty {
		r := &f.resources[i]
		var active, mix, weight int64
		r.count = 0
		for _, c := range r.classes {
			n := int64(len(c.flows))
			active += n * c.active
			weight += n * c.active
			mix += n * c.active * c.mix
			r.count += n
		}
		if weight > 0 {
			mix /= weight
		}
		r.left = r.capacity(active, mix)
		r.average(now)
		r.used = 0
	}
	// In ascending order of caps: a flow that cannot use its share leaves the rest to
	// others.
	slices.SortFunc(all, func(a, b *class) int {
		return cmp.Or(cmp.Compare(a.cap, b.cap), cmp.Compare(a.actor, b.actor))
	})
	capped := 0
	for fixed := 0; fixed < len(all); {
		bottleneck, level := int32(-1), int64(never)
		for _, i := range f.dirty {
			if r := &f.resources[i]; r.count > 0 {
				if s := r.left / r.count; s < level {
					level, bottleneck = s, i
				}
			}
		}
		for capped < len(all) && all[capped].fixed {
			capped++
		}
		if c := all[capped]; c.cap <= level {
			f.fix(c, c.cap)
			fixed++
			continue
		}
		for _, c := range f.resources[bottleneck].classes {
			if !c.fixed {
				f.fix(c, max(1, level))
				fixed++
			}
		}
	}
	for _, c := range all {
		c.visited = false
		c.setRate(f.q, c.next)
	}
	for _, i := range f.dirty {
		f.marked[i] = false
	}
	f.dirty = f.dirty[:0]
	clear(all)
	f.scratch = all[:0]
}

// fix gives the flows of c their rate and takes it from the route.
func (f *fabric) fix(c *class, rate int64) {
	c.fixed, c.next = true, rate
	n := int64(len(c.flows))
	for _, i := range c.route {
		r := &f.resources[i]
		r.left = max(0, r.left-n*rate)
		r.count -= n
		r.used += n * rate
	}
}

// memoryQueue is the time in which a controller's queue grows and shrinks. So a short
// burst does not count as load.
const memoryQueue = 4 * Microsecond // assumed

// average updates r.mean.
func (r *resource) average(now Time) {
	d := now - r.since
	r.since = now
	if d >= memoryQueue {
		r.mean = r.used
	} else {
		r.mean += (r.used - r.mean) * int64(d/Nanosecond) / int64(memoryQueue/Nanosecond)
	}
}

// load is the latency of one access at this moment, from a CPU of node from to memory
// of node to, in thousandths of the idle latency. The fullest resource on the route
// decides.
func (f *fabric) load(now Time, from, to int32) int64 {
	most := int64(0)
	for _, i := range f.routes[from][to] {
		r := &f.resources[i]
		r.average(now)
		most = max(most, r.mean*1000/r.full())
	}
	curve := f.preset.Loaded.Value
	last := [2]Milli{0, 1000}
	for _, p := range curve {
		if most <= int64(p[0]) {
			return int64(last[1] + (p[1]-last[1])*(Milli(most)-last[0])/max(1, p[0]-last[0]))
		}
		last = p
	}
	return int64(last[1])
}

// The flows of a class are a binary heap by end, then seq.

func (a *flow) before(b *flow) bool {
	if d := a.end - b.end; d != 0 {
		return d < 0
	}
	return a.seq < b.seq
}

func (c *class) push(fl *flow) {
	c.flows = append(c.flows, fl)
	for i := len(c.flows) - 1; i > 0; {
		p := (i - 1) / 2
		if !c.flows[i].before(c.flows[p]) {
			break
		}
		c.flows[i], c.flows[p] = c.flows[p], c.flows[i]
		i = p
	}
}

func (c *class) pop() *flow {
	top := c.flows[0]
	last := len(c.flows) - 1
	c.flows[0], c.flows[last] = c.flows[last], nil
	c.flows = c.flows[:last]
	for i := 0; ; {
		l := 2*i + 1
		if l >= last {
			break
		}
		if r := l + 1; r < last && c.flows[r].before(c.flows[l]) {
			l = r
		}
		if !c.flows[l].before(c.flows[i]) {
			break
		}
		c.flows[i], c.flows[l] = c.flows[l], c.flows[i]
		i = l
	}
	return top
}
