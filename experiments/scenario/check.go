package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"numasched/experiments/spell"
	"numasched/experiments/workload"
	"numasched/sched/policy"
	"numasched/sched/sim"
	"numasched/topology"
)

// Limits, so that a mistyped number neither fills the computer's memory nor takes for
// ever.
const (
	longest     = sim.Milli(24 * 3600 * 1000) // a time, in virtual seconds
	mostBytes   = int64(1) << 46              // a buffer
	mostItems   = 1 << 14                     // threads of a variant, runs, nodes of a list
	mostRounds  = int64(1) << 40              // accesses of a phase
	mostPhases  = int64(1e9)                  // phases of all threads of a group together
	mostBlocks  = int64(1) << 22              // blocks of all buffers of a variant together
	fewBlocks   = int64(1) << 14              // blocks of one buffer; a larger one has larger blocks
	mostStreams = 8                           // side by side in a phase
)

// Parse reads a scenario. An error is one line: file, line, column, what is there, and
// what was expected.
func Parse(name string, data []byte) (*Scenario, error) {
	s := new(Scenario)
	if err := sim.DecodeStrict(name, data, s); err != nil {
		return nil, err
	}
	c := &checker{name: name, data: data, s: s, buffers: map[string]bool{}, groups: map[string]bool{}, queues: map[string]bool{}, used: map[string]bool{}}
	if err := c.scenario(); err != nil {
		return nil, err
	}
	return s, nil
}

// A checker checks whatever the types of a Scenario cannot express.
type checker struct {
	name            string
	data            []byte
	s               *Scenario
	topo            *topology.Topology
	buffers, groups map[string]bool
	queues          map[string]bool
	used            map[string]bool // buffers and queues of some phase
}

// A path leads to a value of the file: names of fields, and positions in lists.
type path []any

// to returns a path that leads further.
func (p path) to(more ...any) path { return append(p[:len(p):len(p)], more...) }

// bad returns an error at the place to which a path leads.
func (c *checker) bad(at path, format string, args ...any) error {
	return sim.Where(c.name, c.data, sim.Locate(c.data, at...), fmt.Errorf(format, args...))
}

// first returns the first of its arguments that is not nil.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) scenario() error {
	s := c.s
	if s.Name == "" {
		return c.bad(nil, "a scenario without a name: want one")
	}
	if err := first(c.machine(), c.atMost(path{"runs"}, int64(s.Runs), mostItems)); err != nil {
		return err
	}
	s.Seed, s.Runs = max(s.Seed, 1), max(s.Runs, 1)
	if s.Workload != nil {
		return c.workload(s.Workload)
	}
	for i := range s.Buffers {
		if err := c.buffer(path{"buffers", i}, &s.Buffers[i]); err != nil {
			return err
		}
	}
	for i := range s.Queues {
		if err := c.queue(path{"queues", i}, &s.Queues[i]); err != nil {
			return err
		}
	}
	if err := c.atMost(path{"fitted_constants"}, int64(s.Constants), mostItems); err != nil {
		return err
	}
	measured := false
	for i := range s.Threads {
		if err := c.group(path{"threads", i}, &s.Threads[i]); err != nil {
			return err
		}
		measured = measured || s.Threads[i].Measured
	}
	if !measured {
		return c.bad(path{"threads"}, "want a workload, or threads of which some are measured")
	}
	for i, b := range s.Buffers {
		if !c.used[b.Name] {
			return c.bad(path{"buffers", i}, "buffer %q: no phase reads or writes it", b.Name)
		}
	}
	if err := c.queuesWork(); err != nil {
		return err
	}
	names := map[string]bool{}
	for i := range s.Variants {
		at := path{"variants", i}
		if err := first(c.fresh(at, "variant", s.Variants[i].Name, names), c.variant(at, &s.Variants[i])); err != nil {
			return err
		}
	}
	if len(s.Variants) == 0 {
		s.Variants = []Variant{{Name: "only"}}
		return c.threads(nil, &s.Variants[0])
	}
	return nil
}

// machine loads the preset and its topology.
func (c *checker) machine() (err error) {
	s := c.s
	at := path{"preset"}
	switch {
	case (s.Preset == "") == (s.Hardware == nil):
		return c.bad(nil, "want either preset or machine")
	case s.Preset != "":
		if s.preset, err = sim.LoadPreset(s.Preset); err != nil {
			return c.bad(at, "%v", err)
		}
	default:
		at = path{"machine"}
		// Replace what comes before by blanks, so that errors have the right place.
		from := sim.Locate(c.data, at...)
		before := strings.Map(func(r rune) rune {
			if r == '\n' {
				return r
			}
			return ' '
		}, string(c.data[:from]))
		if s.preset, err = sim.ParsePreset(c.name, []byte(before+string(s.Hardware))); err != nil {
			return err
		}
	}
	if c.topo, err = topology.Load(s.preset.Topology); err != nil {
		return c.bad(at.to("topology"), "%v", err)
	}
	if _, err = sim.New(sim.Config{Preset: s.preset, Topology: c.topo}); err != nil {
		return c.bad(at, "%v", err)
	}
	return nil
}

// workload checks a program for the scheduler.
func (c *checker) workload(w *Workload) error {
	at := path{"workload"}
	if len(c.s.Threads)+len(c.s.Buffers)+len(c.s.Variants) > 0 {
		return c.bad(at, "a workload beside threads, buffers or variants: want one or the other")
	}
	wl := workload.ByName(w.Name)
	if wl == nil {
		var names []string
		for _, w := range workload.All {
			names = append(names, w.Name)
		}
		return c.unknown(at.to("name"), "workload", w.Name, names)
	}
	w.program = wl.Program(true)
	seen := map[string]bool{}
	for i, p := range w.Params {
		at := at.to("params", i)
		if err := c.fresh(at, "parameter", p.Name, seen); err != nil {
			return err
		}
		if err := w.program.Set(p.Name, p.Value); err != nil {
			return c.bad(at.to("value"), "%v", err)
		}
	}
	if len(w.Arms) == 0 {
		return c.bad(at.to("arms"), "want at least one arm")
	}
	seen = map[string]bool{}
	for i, a := range w.Arms {
		if _, err := policy.ByName(a); err != nil {
			var names []string
			for _, arm := range policy.Arms {
				names = append(names, arm.Name)
			}
			return c.unknown(at.to("arms", i), "arm", a, names)
		}
		if err := c.fresh(at.to("arms", i), "arm", a, seen); err != nil {
			return err
		}
	}
	if n := c.topo.Allowed.Len(); w.Procs < 0 || w.Procs > n {
		return c.bad(at.to("procs"), "procs %d: want 1 to %d, the CPUs of the machine, or 0 for all", w.Procs, n)
	}
	return nil
}

func (c *checker) buffer(at path, b *Buffer) error {
	if err := first(c.fresh(at, "buffer", b.Name, c.buffers), c.home(at.to("home"), b.Home, b.Scope),
		c.oneOf(at.to("scope"), b.Scope, "machine", "process", "thread")); err != nil {
		return err
	}
	if b.Bytes < 1 || b.Bytes > mostBytes {
		return c.bad(at.to("bytes"), "buffer %q has %d bytes: want 1 to %d", b.Name, b.Bytes, mostBytes)
	}
	return nil
}

func (c *checker) group(at path, g *Group) error {
	if err := first(c.fresh(at, "threads", g.Name, c.groups), c.atMost(at.to("count"), int64(g.Count), mostItems),
		c.atMost(at.to("times"), g.Times, mostPhases), c.time(at.to("start_s"), g.StartS, 1),
		c.nodes(at.to("nodes"), g.Nodes), c.l3s(at.to("l3s"), g.L3s), c.cpus(at.to("cpus"), g.CPUs), c.nodes(at.to("home"), g.Home),
		c.atMost(at.to("counted_bytes"), g.Counted, mostBytes)); err != nil {
		return err
	}
	switch {
	case g.PerCPU && g.Count > 0:
		return c.bad(at.to("count"), "threads %q have a count and per_cpu: want one of them", g.Name)
	case g.PerCPU && len(g.Nodes) > 0:
		return c.bad(at.to("nodes"), "threads %q have nodes and per_cpu: want one of them", g.Name)
	case g.PerCPU && len(g.L3s)+len(g.CPUs) > 0:
		return c.bad(at, "threads %q have l3s or cpus, and per_cpu: want one of them", g.Name)
	case g.Counted > 0 && !g.Measured:
		return c.bad(at.to("counted_bytes"), "threads %q are not measured: want no counted_bytes", g.Name)
	case g.Measured && g.Times == 0:
		return c.bad(at, "threads %q are measured: want times, or they never end", g.Name)
	case len(g.Phases) == 0:
		return c.bad(at.to("phases"), "threads %q: want at least one phase", g.Name)
	}
	g.Count = max(g.Count, 1)
	if n := int64(g.Count) * int64(len(g.Phases)); g.Times > mostPhases/n {
		return c.bad(at.to("times"), "times %d: want at most %d for %d threads with %d phases", g.Times, mostPhases/n, g.Count, len(g.Phases))
	}
	memory, shares, waits, round := false, false, false, sim.Milli(0)
	for i := range g.Phases {
		p := &g.Phases[i]
		if err := c.phase(at.to("phases", i), p); err != nil {
			return err
		}
		memory, waits = memory || len(p.buffers()) > 0, waits || p.Take != ""
		round += p.ComputeUs + p.SleepUs
		for _, b := range p.buffers() {
			if c.scope(b) != "process" {
				continue
			}
			if shares = true; g.Process == "" {
				return c.bad(at.to("phases", i), "buffer %q is one for each process, and threads %q name none: want a process", b, g.Name)
			}
		}
	}
	if g.Process != "" && !shares {
		return c.bad(at.to("process"), "process %q: threads %q use no buffer of scope process", g.Process, g.Name)
	}
	if !memory && !waits && round < 1000 {
		return c.bad(at.to("phases"), "threads %q: phases of %v us in all: want at least 1", g.Name, round)
	}
	return nil
}

func (c *checker) phase(at path, p *Phase) error {
	for _, name := range p.buffers() {
		c.used[name] = true
	}
	n := 0
	for _, set := range []bool{p.Random != nil, p.Stream != nil, p.Streams != nil, p.ComputeUs != 0, p.SleepUs != 0, p.Put != "", p.Take != ""} {
		if set {
			n++
		}
	}
	if n != 1 {
		return c.bad(at, "a phase of %d things: want one of random, stream, streams, put, take, compute_us above 0 and sleep_us above 0", n)
	}
	const us = 1e6 // in a second
	switch {
	case p.Random != nil:
		at := at.to("random")
		if err := first(c.known(at.to("buffer"), "buffer", p.Random.Buffer, c.buffers), c.time(at.to("compute_ns"), p.Random.ComputeNs, 1e9)); err != nil {
			return err
		}
		if a := p.Random.Accesses; a < 1 || a > mostRounds {
			return c.bad(at.to("accesses"), "accesses %d: want 1 to %d", a, mostRounds)
		}
		if p.Random.ComputeNs > 0 && p.Random.Accesses > int64(longest)*1e9/int64(p.Random.ComputeNs) {
			return c.bad(at.to("compute_ns"), "%d times compute_ns %v: want at most a day", p.Random.Accesses, p.Random.ComputeNs)
		}
	case p.Stream != nil:
		return c.known(at.to("stream", "buffer"), "buffer", p.Stream.Buffer, c.buffers)
	case p.Streams != nil:
		if n := len(p.Streams); n < 1 || n > mostStreams {
			return c.bad(at.to("streams"), "%d streams at once: want 1 to %d", n, mostStreams)
		}
		for i := range p.Streams {
			if err := c.known(at.to("streams", i, "buffer"), "buffer", p.Streams[i].Buffer, c.buffers); err != nil {
				return err
			}
		}
		return nil
	case p.Put != "":
		return c.known(at.to("put"), "queue", p.Put, c.queues)
	case p.Take != "":
		return c.known(at.to("take"), "queue", p.Take, c.queues)
	case p.ComputeUs != 0:
		return c.time(at.to("compute_us"), p.ComputeUs, us)
	}
	return c.time(at.to("sleep_us"), p.SleepUs, us)
}

func (c *checker) variant(at path, v *Variant) error {
	p, pat := &v.Policy, at.to("policy")
	if err := first(
		c.oneOf(pat.to("start"), p.Start, "spread", "exec", "parent"),
		c.oneOf(pat.to("wake"), p.Wake, "idle", "last"),
		c.oneOf(pat.to("home"), p.Home, "none", "static", "dynamic"),
		c.atMost(pat.to("batch"), int64(p.Batch), mostItems)); err != nil {
		return err
	}
	for _, x := range []struct {
		field string
		time  sim.Milli
	}{{"tick_ms", p.TickMs}, {"hot_ms", p.HotMs}, {"remote_delay_ms", p.RemoteDelayMs}, {"balance_ms", p.BalanceMs},
		{"follow_ms", p.FollowMs}, {"numa_balancing_ms", p.NUMABalancingMs}} {
		if err := c.time(pat.to(x.field), x.time, 1e3); err != nil {
			return err
		}
		if x.time > 0 && x.time < 100 {
			return c.bad(pat.to(x.field), "%s %v: want 0 or at least 0.1", x.field, x.time)
		}
	}
	if err := c.kernel(pat, p); err != nil {
		return err
	}
	if p.Batch > 0 && p.BalanceMs == 0 {
		return c.bad(pat.to("batch"), "batch without balance_ms: want how often queues are evened out")
	}
	if p.FollowMs > 0 && p.Home != "dynamic" {
		return c.bad(pat.to("follow_ms"), "follow_ms without a home that is dynamic: want \"home\": \"dynamic\"")
	}
	if m := v.Measured; m != nil {
		at := at.to("measured")
		if err := first(c.oneOf(at.to("what"), m.What, "elapsed", "user", "last"), c.time(at.to("seconds"), m.Seconds, 1)); err != nil {
			return err
		}
		if err := c.rate(at, m); err != nil {
			return err
		}
		if m.Fitted && c.s.Fitted == "" {
			return c.bad(at.to("fitted"), "a fitted row in a scenario without fitted: want there which constants were fitted, on which rows")
		}
		if m.Fitted && c.s.Constants == 0 {
			return c.bad(at.to("fitted"), "a fitted row in a scenario without fitted_constants: want there how many constants were fitted")
		}
	}
	seen := map[string]bool{}
	for i := range v.Set {
		at, x := at.to("set", i), &v.Set[i]
		if err := c.set(at, x); err != nil {
			return err
		}
		for _, name := range []string{"threads " + strconv.Quote(x.Threads), "buffer " + strconv.Quote(x.Buffer), "queue " + strconv.Quote(x.Queue)} {
			if seen[name] && !strings.HasSuffix(name, ` ""`) {
				return c.bad(at, "%s: set twice by one variant: want it once", name)
			}
			seen[name] = true
		}
	}
	return c.threads(at, v)
}

// set checks one change that a variant makes.
func (c *checker) set(at path, x *Set) error {
	switch {
	case x.Threads == "" && x.Buffer == "" && x.Queue == "":
		return c.bad(at, "want threads, a buffer or a queue that is changed")
	case x.Threads == "" && x.changes():
		return c.bad(at, "count, times, nodes, l3s, cpus, soft or home without threads: want the threads that they are of")
	case x.Buffer == "" && (x.At != "" || x.Bytes != 0):
		return c.bad(at, "at or bytes without a buffer: want the buffer that is there")
	case x.Queue == "" && x.Scope != "":
		return c.bad(at, "scope without a queue: want the queue that has it")
	case x.Threads != "" && !x.changes():
		return c.bad(at, "threads %q are not changed: want count, times, nodes, l3s, cpus, soft or home", x.Threads)
	case x.Buffer != "" && x.At == "" && x.Bytes == 0:
		return c.bad(at, "buffer %q is not changed: want at, where it is, or bytes", x.Buffer)
	case x.Queue != "" && x.Scope == "":
		return c.bad(at, "queue %q is not changed: want its scope", x.Queue)
	}
	errs := []error{c.atMost(at.to("bytes"), x.Bytes, mostBytes), c.atMost(at.to("counted_bytes"), x.Counted, mostBytes), c.l3s(at.to("l3s"), x.L3s), c.cpus(at.to("cpus"), x.CPUs), c.oneOf(at.to("scope"), x.Scope, "machine", "node", "l3")}
	if x.Queue != "" {
		errs = append(errs, c.known(at.to("queue"), "queue", x.Queue, c.queues))
	}
	if x.Threads != "" {
		errs = append(errs, c.known(at.to("threads"), "threads", x.Threads, c.groups))
	}
	if x.Buffer != "" {
		errs = append(errs, c.known(at.to("buffer"), "buffer", x.Buffer, c.buffers))
	}
	for _, g := range c.s.Threads {
		if g.Name == x.Threads && g.PerCPU && (x.Count != 0 || x.Nodes != nil || x.L3s != nil || x.CPUs != nil) {
			errs = append(errs, c.bad(at, "threads %q are per_cpu: want neither count nor nodes, l3s or cpus", g.Name))
		}
	}
	for _, g := range c.s.Threads {
		if g.Name == x.Threads && x.Times != 0 && g.Times == 0 {
			errs = append(errs, c.bad(at.to("times"), "threads %q go on until all measured threads have ended: want no times", g.Name))
		}
		if g.Name == x.Threads && x.Times > mostPhases/int64(max(x.Count, g.Count)*len(g.Phases)) {
			errs = append(errs, c.bad(at.to("times"), "times %d: want at most %d for %d threads with %d phases", x.Times, mostPhases/int64(max(x.Count, g.Count)*len(g.Phases)), max(x.Count, g.Count), len(g.Phases)))
		}
	}
	return first(append(errs, c.atMost(at.to("count"), int64(x.Count), mostItems), c.atMost(at.to("times"), x.Times, mostPhases), c.nodes(at.to("nodes"), x.Nodes),
		c.nodes(at.to("home"), x.Home), c.home(at.to("at"), x.At, c.scope(x.Buffer)))...)
}

// scope returns the scope of a buffer, or "" if there is no such buffer.
func (c *checker) scope(buffer string) string {
	for _, b := range c.s.Buffers {
		if b.Name == buffer {
			return b.Scope
		}
	}
	return ""
}

// threads checks that the threads of a variant are not too many, that every node of
// a list serves at least one of them, and that the policy knows their homes. at is
// the variant; nil is that of a scenario that lists none.
func (c *checker) threads(at path, v *Variant) error {
	total, blocks := 0, int64(0)
	for gi, base := range c.s.Threads {
		g := v.apply(base)
		n := g.Count
		if g.PerCPU {
			n = c.topo.Online.Len()
		}
		if total += n; total > mostItems {
			return c.bad(at, "%d threads and more: want at most %d", total, mostItems)
		}
		group := path{"threads", gi}
		if g.Forked && n < 2 {
			return c.bad(group.to("forked"), "threads %q are forked, and variant %q has one of them: want two or more", g.Name, v.Name)
		}
		// Who says something: the variant, or the group itself.
		said := func(field string, by func(Set) bool) path {
			for i := range v.Set {
				if by(v.Set[i]) {
					return at.to("set", i, field)
				}
			}
			return group.to(field)
		}
		nodesAt := said("nodes", func(x Set) bool { return x.Threads == g.Name && x.Nodes != nil })
		homeAt := said("home", func(x Set) bool { return x.Threads == g.Name && x.Home != nil })
		if err := first(c.fewer(nodesAt, len(g.Nodes), n, g.Name), c.fewer(homeAt, len(g.Home), n, g.Name), c.places(group, &g, n, v)); err != nil {
			return err
		}
		if len(g.Home) > 0 && v.Policy.Home != "static" && v.Policy.Home != "dynamic" && !sim.KernelHasHomes(v.Policy.Kernel, v.Policy.NUMABalancing) {
			return c.bad(homeAt, "threads %q have a home and the policy of variant %q knows none: want \"home\": \"static\" or \"dynamic\", or a kernel with homes", g.Name, v.Name)
		}
		for bi, b := range c.s.Buffers {
			if !g.uses(b.Name) {
				continue
			}
			homeAt := path{"buffers", bi, "home"}
			for i, x := range v.Set {
				if x.Buffer == b.Name {
					b = x.apply(b)
					if x.At != "" {
						homeAt = at.to("set", i, "at")
					}
				}
			}
			copies := 1
			if b.Scope == "thread" {
				copies = n
			}
			if blocks += int64(copies) * min((b.Bytes-1)/blockBytes+1, fewBlocks); blocks > mostBlocks {
				return c.bad(path{"buffers", bi, "bytes"}, "%d buffers %q of %d bytes are too much to simulate: want less memory, or fewer threads that have their own", copies, b.Name, b.Bytes)
			}
			home, err := parseHome(b.Home, len(c.topo.Nodes))
			if err != nil {
				return c.bad(homeAt, "%v", err)
			}
			if home.spread {
				if err := c.fewer(homeAt, len(home.nodes), n, g.Name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// fewer checks that a list of nodes is no longer than the threads that share it.
func (c *checker) fewer(at path, nodes, threads int, group string) error {
	if nodes > threads {
		return c.bad(at, "%d nodes for %d of threads %q: want at most one for each", nodes, threads, group)
	}
	return nil
}

// uses reports whether some phase of g reads or writes a buffer.
func (g *Group) uses(buffer string) bool {
	for i := range g.Phases {
		if slices.Contains(g.Phases[i].buffers(), buffer) {
			return true
		}
	}
	return false
}

// apply returns a buffer with the change.
func (x *Set) apply(b Buffer) Buffer {
	if x.At != "" {
		b.Home = x.At
	}
	if x.Bytes > 0 {
		b.Bytes = x.Bytes
	}
	return b
}

// apply returns a group with the changes that the variant makes.
func (v *Variant) apply(g Group) Group {
	for _, x := range v.Set {
		if x.Threads != g.Name {
			continue
		}
		if x.Count > 0 {
			g.Count = x.Count
		}
		if x.Nodes != nil || x.L3s != nil || x.CPUs != nil {
			g.Nodes, g.L3s, g.CPUs = x.Nodes, x.L3s, x.CPUs
		}
		if x.Soft != nil {
			g.Soft = *x.Soft
		}
		if x.Times > 0 {
			g.Times = x.Times
		}
		if x.Home != nil {
			g.Home = x.Home
		}
		if x.Counted > 0 {
			g.Counted = x.Counted
		}
	}
	return g
}

// fresh checks that there is a name, and that nothing else has it.
func (c *checker) fresh(at path, kind, name string, taken map[string]bool) error {
	switch {
	case name == "":
		return c.bad(at, "%s without a name: want one", kind)
	case taken[name]:
		return c.bad(at, "%s %q: there is already one of that name", kind, name)
	}
	taken[name] = true
	return nil
}

// known checks that something has a name.
func (c *checker) known(at path, kind, name string, there map[string]bool) error {
	if there[name] {
		return nil
	}
	if len(there) == 0 {
		return c.bad(at, "unknown %s %q: there are none", kind, name)
	}
	return c.unknown(at, kind, name, slices.Sorted(maps.Keys(there)))
}

// unknown is the error for a name that is not one of the valid ones.
func (c *checker) unknown(at path, kind, name string, valid []string) error {
	hint := ""
	if near := spell.Closest(name, valid); near != "" {
		hint = fmt.Sprintf(" (did you mean %q?)", near)
	}
	return c.bad(at, "unknown %s %q%s: want one of %s", kind, name, hint, strings.Join(valid, ", "))
}

// oneOf checks that a word is one of several. No word means the first.
func (c *checker) oneOf(at path, word string, want ...string) error {
	if word == "" || slices.Contains(want, word) {
		return nil
	}
	last := len(want) - 1
	return c.bad(at, "%v %q: want %s or %s", at[len(at)-1], word, strings.Join(want[:last], ", "), want[last])
}

// atMost checks that a number is from 0 to most.
func (c *checker) atMost(at path, n, most int64) error {
	if n < 0 || n > most {
		return c.bad(at, "%v %d: want 0 to %d", at[len(at)-1], n, most)
	}
	return nil
}

// time checks a time. second is how many of its unit make a second.
func (c *checker) time(at path, t sim.Milli, second int64) error {
	if t < 0 {
		return c.bad(at, "%v %v: want 0 or more", at[len(at)-1], t)
	}
	if t/sim.Milli(second) > longest {
		return c.bad(at, "%v %v: want at most a day", at[len(at)-1], t)
	}
	return nil
}

// nodes checks that a list has positions of nodes that have CPUs.
func (c *checker) nodes(at path, list []int) error {
	for i, n := range list {
		if n < 0 || n >= len(c.topo.Nodes) {
			return c.bad(at.to(i), "node %d: want 0 to %d", n, len(c.topo.Nodes)-1)
		}
		if c.topo.Nodes[n].CPUs.Empty() {
			return c.bad(at.to(i), "node %d has no CPUs: want one that has", n)
		}
	}
	return nil
}

// home checks the home of a buffer that has a scope.
func (c *checker) home(at path, s, scope string) error {
	p, err := parseHome(s, len(c.topo.Nodes))
	if err == nil && p.spread && scope != "thread" {
		err = fmt.Errorf("home %q: want a buffer of scope thread to spread, or interleave", s)
	}
	for _, n := range p.nodes {
		if err == nil && !c.topo.Has(c.topo.Nodes[n].ID, topology.HasMemory) {
			err = fmt.Errorf("node %d has no memory: want one that has", n)
		}
	}
	if err != nil {
		return c.bad(at, "%v", err)
	}
	return nil
}
