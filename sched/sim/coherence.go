package sim

import (
	"math/bits"
	"slices"

	"numasched/sched/internal/machine"
)

// The scheduler's own words. Every cache line is in one of the states of a MESI
// protocol, by core: modified or exclusive at its owner, or shared by many. If the
// core does not have the line, an access moves it. That takes the time that was
// measured for a hand-over at this distance. While a line moves, nobody else gets it:
// this is why a single queue for all Ps collapses.
//
// Most lines have few sharers, and those are in the line itself. So an access needs one line
// of the host's cache, too; a set of cores alone takes four of them on a machine of 4096 CPUs.
//
// Invariants: if owner >= 0, no other core has a copy. busy never goes back. A line has a
// set if and only if it has more sharers than fit into some. A set that no line has is empty.

type line struct {
	busy  Time
	owner int32    // the core that has it exclusively, or -1
	home  int32    // the node of the first core that used it, or -1
	l3    int32    // the L3 of all sharers, or -1 if there are several
	few   int32    // sharers, or len(some)+1 for more, which are in a set
	nodes uint64   // sharers' nodes, by position modulo 64
	words uint64   // of the set, those that are not 0, by position modulo 64
	some  [6]int32 // the sharers; the first is the number of the set if there is one
}

type coherence struct {
	*hardware
	lines []line
	words int      // of a set
	sets  []uint64 // one bit for each core
	free  []int32  // numbers of sets that no line has

	load, store, rmw Time // on a line that the core has
	near             Time
	transfers        [3]int64 // between L3s, within one, and hits
}

func newCoherence(h *hardware) *coherence {
	p := h.preset
	return &coherence{
		hardware: h,
		words:    (len(h.cores) + 63) / 64,
		load:     p.L1.ps(),
		store:    p.Store.ps(),
		rmw:      p.RMW.ps(),
		near:     p.Near.ps(),
	}
}

func (c *coherence) grow(l machine.Line) {
	for int(l) >= len(c.lines) {
		for range max(1024, len(c.lines)) {
			c.lines = append(c.lines, line{owner: -1, home: -1, l3: -1})
		}
	}
}

// access returns the time when an access of core that begins at time t ends.
func (c *coherence) access(core int32, t Time, id machine.Line, kind machine.Access) Time {
	if int(id) >= len(c.lines) {
		c.grow(id)
	}
	l := &c.lines[id]
	if l.owner == core {
		c.transfers[2]++
		switch kind {
		case machine.Load:
			return t + c.load
		case machine.Store:
			return t + c.store
		default:
			return t + c.rmw
		}
	}
	if kind == machine.Load {
		if c.shares(l, core) {
			c.transfers[2]++
			return t + c.load
		}
		start := max(t, l.busy)
		var end Time
		if l.owner >= 0 { // modified elsewhere: it moves, and both share it
			end = start + c.distance(core, l.owner, l.home)
			l.busy = end
			c.share(l, l.owner)
			l.owner = -1
		} else {
			end = start + c.fetch(core, l)
		}
		c.share(l, core)
		return end
	}
	start := max(t, l.busy)
	end := start + c.rmw
	switch {
	case l.owner >= 0:
		end = start + c.distance(core, l.owner, l.home)
	case l.nodes != 0:
		end = start + c.farthest(core, l)
	case l.home < 0:
		l.home = c.cores[core].node
		end = start + c.idle[l.home][c.nodes[l.home].store]
	}
	l.busy = end
	if l.words != 0 {
		set := c.set(l)
		for m := l.words; m != 0; m &= m - 1 {
			for i := bits.TrailingZeros64(m); i < len(set); i += 64 {
				set[i] = 0
			}
		}
		c.free = append(c.free, l.some[0])
		l.words = 0
	}
	l.few, l.nodes = 0, 0
	l.owner, l.l3 = core, -1
	return end
}

// set returns the set of l, which has one.
func (c *coherence) set(l *line) []uint64 { return c.sets[int(l.some[0])*c.words:][:c.words] }

// shares reports whether core is one of the sharers of l.
func (c *coherence) shares(l *line, core int32) bool {
	if int(l.few) <= len(l.some) {
		return slices.Contains(l.some[:l.few], core)
	}
	return c.set(l)[core>>6]>>(core&63)&1 != 0
}

// share makes core, which is not one of them, a sharer of l.
func (c *coherence) share(l *line, core int32) {
	if n := int(l.few); n < len(l.some) {
		l.some[n] = core
		l.few++
	} else {
		if n == len(l.some) {
			c.spill(l)
		}
		c.add(l, core)
	}
	k := &c.cores[core]
	if l.home < 0 {
		l.home = k.node
	}
	if l.nodes == 0 {
		l.l3 = k.l3
	} else if l.l3 != k.l3 {
		l.l3 = -1
	}
	l.nodes |= 1 << (k.node & 63)
}

// spill gives l a set, of those that share it.
func (c *coherence) spill(l *line) {
	some := l.some
	if n := len(c.free); n > 0 {
		l.some[0] = c.free[n-1]
		c.free = c.free[:n-1]
	} else {
		l.some[0] = int32(len(c.sets) / c.words)
		c.sets = append(c.sets, make([]uint64, c.words)...)
	}
	l.few++
	for _, core := range some {
		c.add(l, core)
	}
}

// add puts core into l's set.
func (c *coherence) add(l *line, core int32) {
	c.set(l)[core>>6] |= 1 << (core & 63)
	l.words |= 1 << (core >> 6 & 63)
}

// distance is the time that a line takes from one core to another.
func (c *coherence) distance(core, from, home int32) Time {
	a, b := &c.cores[core], &c.cores[from]
	if a.l3 == b.l3 {
		c.transfers[1]++
		return c.near
	}
	c.transfers[0]++
	if home == a.node && a.node != b.node {
		return c.lineFar[a.node][b.node]
	}
	return c.line[a.node][b.node]
}

// fetch is the time to get a copy of a line that nobody has modified: from the core's
// own L3, from the nearest sharer, or from memory.
func (c *coherence) fetch(core int32, l *line) Time {
	k := &c.cores[core]
	if l.nodes == 0 {
		home := k.node
		if l.home >= 0 {
			home = l.home
		}
		return c.idle[k.node][c.nodes[home].store]
	}
	if l.l3 == k.l3 || l.l3 < 0 && l.nodes>>(k.node&63)&1 != 0 {
		c.transfers[1]++
		return c.near
	}
	c.transfers[0]++
	best := never
	for m := l.nodes; m != 0; m &= m - 1 {
		for n := bits.TrailingZeros64(m); n < len(c.nodes); n += 64 {
			best = min(best, c.line[k.node][n])
		}
	}
	return best
}

// farthest is the time until all other sharers have given up their copies.
func (c *coherence) farthest(core int32, l *line) Time {
	k := &c.cores[core]
	if l.l3 == k.l3 {
		if l.few == 1 && l.some[0] == core {
			return c.rmw
		}
		c.transfers[1]++
		return c.near
	}
	c.transfers[0]++
	worst := c.near
	for m := l.nodes; m != 0; m &= m - 1 {
		for n := bits.TrailingZeros64(m); n < len(c.nodes); n += 64 {
			if int32(n) != k.node || l.nodes&(l.nodes-1) == 0 {
				worst = max(worst, c.line[k.node][n])
			}
		}
	}
	return worst
}
