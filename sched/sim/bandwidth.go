package sim

import (
	"cmp"
	"math/bits"
	"slices"
)

// Memory bandwidth is shared max-min fairly. All flows grow at the same pace until
// they reach their own cap (what one core can have under way), or until a memory
// controller or link on their route is full.
//
// A flow has a blend: the memories that its bytes come from and go to, and how many of a
// hundred each has. A core that streams through interleaved pages is one such flow. It
// has lines of several memories under way at once, so no memory gets all cores at the
// same time, and the fullest one sets the pace. What is read passes the links towards
// the core, and what is written passes those away from it.
//
// Flows with the same blend and cap have the same rate at all times. They form a class,
// which keeps one count for all of them: served, the bytes that a flow would have got if
// it had been there since the class began. A flow ends when served reaches its value at
// the flow's start plus the flow's own bytes. So a change of rate costs one update per
// class, not per flow, and only the head of each class has an event.
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

	members []*class // whose flows pass it now

	// Of all flows that pass it, kept up to date, since most resources that share have the flows
	// that they had before: hop.active, the same times hop.mix, and hop.weight.
	active, mixes, weights int64
	room                   int64 // capacity for these; 0: they have changed

	used  int64 // rate in use, kB/s
	bytes int64 // that have passed it
	mixed int64 // the same bytes, each times its write share in sixtieths
	mean  int64 // of used over the last few microseconds
	since Time  // when mean was last updated
}

// A pool is what a resource has in the present recomputation. Each is looked at in every round,
// so they lie side by side.
type pool struct {
	left  int64 // kB/s
	count int64 // weights of the flows that have no rate yet
	level int64 // what each of them would get if all took the same; below 0: it has changed
	used  int64 // kB/s
}

// A hop is how a class's flows use one resource.
type hop struct {
	resource int32
	weight   int64 // the part of a flow's bytes that passes here, of whole
	active   int64 // thousandths of a core that one flow counts as
	mix      int64 // write share of what passes, in sixtieths
}

// whole is the weight of a resource that all of a flow's bytes pass. Parts of a blend are
// multiples of 60, so that the sixtieths of a mix are whole numbers.
const whole = 60 * blendParts

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
	from  int32 // CPU's node
	blend int32 // number of the blend
	share int64 // thousandths of a core that the thread has
	limit int64 // kB/s, a cap below that of the core; 0: none
}

type class struct {
	classKey
	cap     int64 // of one flow, kB/s
	route   []hop
	rate    int64 // of one flow
	served  int64
	at      Time // when served was last updated
	flows   []*flow
	actor   int32
	timed   *flow // the one whose end the class's event is, at this rate
	rank    int   // its place in fabric.order
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
	blends  blends
	classes map[classKey]*class
	byActor map[int32]*class
	dirty   []int32 // resources whose flows have changed
	marked  []bool
	pools   []pool  // by resource
	open    []int32 // scratch: those of dirty that have flows without a rate, in their order
	seq     uint64
	order   []*class // all classes, by cap and then actor
	ranks   []uint64 // scratch: a set of places in order
	scratch []*class
}

func newFabric(h *hardware, q *queue) *fabric {
	return &fabric{hardware: h, q: q, blends: blends{number: make(map[string]int32)}, classes: make(map[classKey]*class), byActor: make(map[int32]*class), marked: make([]bool, len(h.resources)), pools: make([]pool, len(h.resources))}
}

// coreRate is what one core gets from an otherwise idle memory, in kB/s. It gets less
// from a remote memory: a core has a fixed number of lines under way, so its rate is
// inverse to the latency (Little's law).
func (f *fabric) coreRate(from, to int32, mix int64) int64 {
	r := &f.resources[to]
	return mulDiv(r.capacity(1000, mix), int64(f.localLatency(to)), int64(max(f.idle[from][to], f.localLatency(to))))
}

func (f *fabric) localLatency(node int32) Time { return f.idle[node][node] }

// start begins a flow for t at time now, from and to the memories of a blend. share is the
// thousandths of a core that t has, limit a cap in kB/s below that of the core, or 0.
func (f *fabric) start(t *thread, now Time, from, blend int32, bytes, share, limit int64) {
	key := classKey{from, blend, share, limit}
	c := f.classes[key]
	if c == nil {
		c = f.newClass(key)
	}
	if len(c.flows) == 0 {
		c.served, c.at, c.rate = 0, now, 0
		for i := range c.route {
			h := &c.route[i]
			r := &f.resources[h.resource]
			r.members = append(r.members, c)
		}
	}
	c.advance(now)
	f.seq++
	t.stream = flow{thread: t, end: c.served + bytes*1_000_000_000, bytes: bytes, seq: f.seq, class: c}
	t.flow = &t.stream
	c.push(t.flow)
	for i := range c.route {
		f.resources[c.route[i].resource].join(&c.route[i], 1)
	}
	f.touch(c)
	if len(c.route) == 0 { // a cache of the own node: nothing is shared
		c.setRate(f.q, c.cap)
	}
}

// newClass makes a class. A core takes its lines from all memories of a blend in turn, so
// the time that it takes for a byte is the mean over them.
func (f *fabric) newClass(key classKey) *class {
	c := &class{classKey: key, actor: f.q.actor()}
	parts := f.blends.of[key.blend]
	var times [blendParts]int64 // for a gigabyte, by part
	total := int64(0)
	for i, p := range parts {
		rate := max(f.coreRate(key.from, p.to, p.mix)*key.share/1000, 1)
		times[i] = mulDiv(p.parts, 1_000_000_000_000, rate)
		total += times[i]
		if len(parts) == 1 {
			c.cap = rate
		}
	}
	if len(parts) > 1 {
		c.cap = max(mulDiv(blendParts, 1_000_000_000_000, max(total, 1)), 1)
	}
	active := key.share
	if key.limit > 0 && key.limit < c.cap {
		active = (key.share*key.limit + c.cap - 1) / c.cap
		c.cap = key.limit
	}
	for i, p := range parts {
		act := active
		if len(parts) > 1 {
			act = mulDiv(active, times[i], max(total, 1)) + 1 // rounded up: no controller may hold back what the cap allows
		}
		if !p.cached {
			c.pass(p.to, 60*p.parts, act, p.mix)
		}
		for _, r := range f.routes[key.from][p.to][1:] {
			c.pass(r, (60-p.mix)*p.parts, act, 0)
		}
		for _, r := range f.routes[p.to][key.from][1:] {
			c.pass(r, p.mix*p.parts, act, 0)
		}
	}
	f.classes[key] = c
	f.byActor[c.actor] = c
	f.place(c)
	return c
}

// place puts a new class into order.
func (f *fabric) place(c *class) {
	i, _ := slices.BinarySearchFunc(f.order, c, func(a, b *class) int {
		return cmp.Or(cmp.Compare(a.cap, b.cap), cmp.Compare(a.actor, b.actor))
	})
	f.order = slices.Insert(f.order, i, c)
	for ; i < len(f.order); i++ {
		f.order[i].rank = i
	}
	if len(f.order) > 64*len(f.ranks) {
		f.ranks = append(f.ranks, 0)
	}
}

// pass adds a part of c's bytes to what passes a resource.
func (c *class) pass(resource int32, weight, active, mix int64) {
	if weight == 0 {
		return
	}
	for i := range c.route {
		if h := &c.route[i]; h.resource == resource {
			h.mix = (h.mix*h.weight + mix*weight + (h.weight+weight)/2) / (h.weight + weight)
			h.weight += weight
			h.active += active
			return
		}
	}
	c.route = append(c.route, hop{resource, weight, active, mix})
}

func (f *fabric) touch(c *class) {
	for i := range c.route {
		if r := c.route[i].resource; !f.marked[r] {
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
	if len(c.flows) == 0 {
		c.rate, c.timed = rate, nil
		q.clear(c.actor)
		return
	}
	if rate == c.rate && c.flows[0] == c.timed {
		return // served grows as foreseen, so its event is when it was
	}
	c.rate, c.timed = rate, c.flows[0]
	left := c.flows[0].end - c.served
	q.set(c.actor, c.at+Time(max(0, (left+rate-1)/rate)))
}

// finish ends the flows of c that are over at time now, and calls done for each.
func (f *fabric) finish(c *class, now Time, done func(*thread)) {
	c.advance(now)
	c.timed = nil
	for len(c.flows) > 0 && c.flows[0].end-c.served <= 0 {
		fl := c.pop()
		for i := range c.route {
			h := &c.route[i]
			r, bytes := &f.resources[h.resource], fl.bytes*h.weight/whole
			r.bytes += bytes
			r.mixed += bytes * h.mix
			r.join(h, -1)
		}
		fl.thread.flow = nil
		done(fl.thread)
	}
	f.left(c, now)
}

// left updates the fabric after flows have left c.
func (f *fabric) left(c *class, now Time) {
	if len(c.flows) == 0 {
		for i := range c.route {
			f.resources[c.route[i].resource].drop(c)
		}
	} else if len(c.route) == 0 {
		c.setRate(f.q, c.cap)
	}
	f.touch(c)
}

// join adds n flows that use r in this way.
func (r *resource) join(h *hop, n int64) {
	r.active += n * h.active
	r.mixes += n * h.active * h.mix
	r.weights += n * h.weight
	r.room = 0
}

func (r *resource) drop(c *class) {
	for i, d := range r.members {
		if d == c {
			r.members = append(r.members[:i], r.members[i+1:]...)
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
	for i := 0; i < len(f.dirty); i++ { // dirty grows to the connected resources
		r := &f.resources[f.dirty[i]]
		for _, m := range r.members {
			if m.visited {
				continue
			}
			m.visited = true
			m.advance(now)
			m.fixed = false
			f.ranks[m.rank/64] |= 1 << (m.rank % 64)
			f.touch(m)
		}
	}
	// In ascending order of caps: a flow that cannot use its share leaves the rest to
	// others.
	all := f.scratch[:0]
	for i, set := range f.ranks {
		for ; set != 0; set &= set - 1 {
			all = append(all, f.order[64*i+bits.TrailingZeros64(set)])
		}
		f.ranks[i] = 0
	}
	for _, i := range f.dirty {
		r := &f.resources[i]
		if r.room == 0 {
			r.room = r.capacity(r.active, r.mixes/max(1, r.active))
		}
		f.pools[i] = pool{left: r.room, count: r.weights, level: -1}
		r.average(now)
	}
	f.open = append(f.open[:0], f.dirty...)
	capped := 0
	for fixed := 0; fixed < len(all); {
		bottleneck, level := int32(-1), int64(never)
		open := f.open[:0]
		for _, i := range f.open {
			p := &f.pools[i]
			if p.count <= 0 {
				continue
			}
			open = append(open, i)
			if p.level < 0 {
				p.level = p.left * whole / p.count
			}
			if p.level < level {
				level, bottleneck = p.level, i
			}
		}
		f.open = open
		// A flow that takes no more than its share leaves no less to the others. So level only
		// grows by these, and all of them are found at once.
		before := fixed
		for ; capped < len(all) && (all[capped].fixed || all[capped].cap <= level); capped++ {
			if c := all[capped]; !c.fixed {
				f.fix(c, c.cap)
				fixed++
			}
		}
		if fixed > before {
			continue
		}
		for _, m := range f.resources[bottleneck].members {
			if !m.fixed {
				f.fix(m, max(1, level))
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
		f.resources[i].used = f.pools[i].used
	}
	f.dirty = f.dirty[:0]
	clear(all)
	f.scratch = all[:0]
}

// fix gives the flows of c their rate and takes it from the route.
func (f *fabric) fix(c *class, rate int64) {
	c.fixed, c.next = true, rate
	n := int64(len(c.flows))
	all := uint64(n * rate)
	for i := range c.route {
		h := &c.route[i]
		p, used := &f.pools[h.resource], int64(all*uint64(h.weight)/whole)
		p.left = max(0, p.left-used)
		p.count -= n * h.weight
		p.level = -1
		p.used += used
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
