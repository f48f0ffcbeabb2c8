package scenario

import (
	"fmt"
	"os"
	"strings"

	"numasched/experiments/workload"
	"numasched/sched/policy"
	"numasched/sched/sim"
	"numasched/sched/sim/strict"
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

// Load reads a scenario from a file, as [Parse] does.
func Load(file string) (*Scenario, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return Parse(file, data)
}

// Parse reads a scenario. An error is one line: file, line, column, what is there, and
// what was expected.
func Parse(name string, data []byte) (*Scenario, error) {
	s := new(Scenario)
	if err := strict.Decode(name, data, s); err != nil {
		return nil, err
	}
	s.data = data
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
	return strict.Where(c.name, c.data, strict.Locate(c.data, at...), fmt.Errorf(format, args...))
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
		from := strict.Locate(c.data, at...)
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
