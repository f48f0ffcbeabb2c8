package sim

// What a G that parks leaves behind: its own fields, what it waits by, its carrier, the
// coroutine and the goroutine of Go's runtime under that, and the frames on its stack.
// They lie in the caches of the core where it parked. Whoever runs the G again fetches
// them from there, line after line. A switch between two Gs that are in the first-level
// cache is sched_switch_ns; this is what it costs beyond that.
//
// How far down the lines have sunk is told from how many other Gs have parked on that core
// meanwhile. What the Gs' Work brings into the caches is left out. So is what they
// displace there.

// contextBytes is what such a G occupies in a cache.
const contextBytes = 28 * 64 // assumed: counted, see sched_context_lines

// leaveContext notes that the G of p parks.
func (k *Machine) leaveContext(t *thread, p *gPath) {
	p.core, p.parked = t.core, k.contexts[t.core]
	k.contexts[t.core]++
}

// fetchContext charges t for what the G of p has left where it parked last.
func (k *Machine) fetchContext(t *thread, p *gPath) {
	if p.core < 0 {
		return
	}
	since := (k.contexts[p.core] - p.parked) * contextBytes
	var each Time
	from := &k.cores[p.core]
	switch level := k.mem.holds(from, since); {
	case p.core == t.core && level < 4:
		each = k.levels[level] - k.levels[1]
	case p.core == t.core:
		each = k.levels[4] - k.levels[1]
	case level < 3 || from.l3 != k.cores[t.core].l3:
		each = k.lines.distance(t.core, p.core, -1)
	default:
		each = k.levels[level]
	}
	t.clock += Time(mulDiv(int64(k.preset.Context.Value), int64(each), 1000))
	p.core = -1
}
