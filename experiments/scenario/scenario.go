// Package scenario is the language in which studies of thread placement are
// written down: a machine, threads with phases, and variants that differ in what
// the operating system does with them. A published table can so be run again
// without writing Go.
//
// A scenario is a JSON file; schema.json describes it, unknown fields are refused
// with line and column, and times and sizes carry their unit in their name:
//
//	{
//	 "name": "probe",
//	 "preset": "skx-2x8180",
//	 "threads": [
//	  {"name": "probe", "measured": true, "times": 1000, "phases": [
//	   {"random": {"buffer": "data", "accesses": 4096, "compute_ns": 130}}]}],
//	 "buffers": [{"name": "data", "bytes": 268435456, "home": "node:0"}],
//	 "variants": [
//	  {"name": "local", "set": [{"threads": "probe", "nodes": [0]}]},
//	  {"name": "remote", "set": [{"threads": "probe", "nodes": [1]}]}]
//	}
//
// Or it names a workload of experiments/workload and arms, which then run under
// the scheduler. Everything that comes out is simulated.
package scenario

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"numasched/sched/policy"
	"numasched/sched/sim"
	"numasched/topology"
)

// A Scenario is one file.
type Scenario struct {
	Name   string `json:"name"`
	Doc    string `json:"doc"`
	Source string `json:"source"` // of what is re-run
	Fitted string `json:"fitted"` // which constants were fitted, on which rows
	Seed   uint64 `json:"seed"`

	Preset   string          `json:"preset"`  // a machine by name, or
	Hardware json.RawMessage `json:"machine"` // a preset in full, see sched/sim

	Threads  []Group   `json:"threads"`
	Buffers  []Buffer  `json:"buffers"`
	Variants []Variant `json:"variants"`

	Workload *Workload `json:"workload"` // instead of threads, buffers and variants

	preset *sim.Preset
}

// A Workload is a program for the scheduler.
type Workload struct {
	Name   string   `json:"name"`
	Params []Param  `json:"params"`
	Arms   []string `json:"arms"`
	Procs  int      `json:"procs"` // 0: all CPUs
}

// A Param is a size of a workload.
type Param struct {
	Name  string `json:"name"`
	Value int64  `json:"value"`
}

// A Group is threads that do the same.
type Group struct {
	Name    string    `json:"name"`
	Count   int       `json:"count"`   // default 1
	PerCPU  bool      `json:"per_cpu"` // one pinned to each CPU instead
	Process string    `json:"process"` // whose buffers of scope process they share
	StartS  sim.Milli `json:"start_s"`
	Phases  []Phase   `json:"phases"`
	Times   int64     `json:"times"` // that the phases are gone through; 0: until all measured threads have ended
	// Nodes are the positions of nodes that the threads are bound to, in equal
	// shares, in order; empty: not bound.
	Nodes    []int `json:"nodes"`
	Home     []int `json:"home"` // nodes that the threads prefer, likewise
	Measured bool  `json:"measured"`
}

// A Phase is one of the things that a thread does.
type Phase struct {
	Random    *Random   `json:"random"`
	Stream    *Stream   `json:"stream"`
	ComputeUs sim.Milli `json:"compute_us"`
	SleepUs   sim.Milli `json:"sleep_us"`
}

// Random is dependent accesses to a buffer at random.
type Random struct {
	Buffer    string    `json:"buffer"`
	Accesses  int64     `json:"accesses"`
	ComputeNs sim.Milli `json:"compute_ns"` // between two of them
	Write     bool      `json:"write"`
}

// Stream is one pass over a buffer.
type Stream struct {
	Buffer string `json:"buffer"`
	Write  bool   `json:"write"`
}

// A Buffer is memory.
type Buffer struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
	Scope string `json:"scope"` // thread, process or machine (the default): who shares it
	Home  string `json:"home"`  // first-touch (the default), interleave or node:N, by position
}

// A Variant is one row of a table.
type Variant struct {
	Name     string    `json:"name"`
	Policy   Policy    `json:"policy"`
	Set      []Set     `json:"set"`
	Measured *Measured `json:"measured"`
}

// Policy is what the operating system does; see sim.OSPolicy.
type Policy struct {
	NodeFirst       bool      `json:"node_first"`
	RemoteDelayMs   sim.Milli `json:"remote_delay_ms"`
	BalanceMs       sim.Milli `json:"balance_ms"`
	Batch           int       `json:"batch"`
	Home            string    `json:"home"` // none (the default), static or dynamic
	FollowMs        sim.Milli `json:"follow_ms"`
	NUMABalancingMs sim.Milli `json:"numa_balancing_ms"`
}

// Set changes a group or a buffer for one variant.
type Set struct {
	Threads string `json:"threads"`
	Count   int    `json:"count"`
	Nodes   []int  `json:"nodes"`
	Home    []int  `json:"home"`
	Buffer  string `json:"buffer"`
	At      string `json:"at"` // its home
}

// Measured is what was published for a variant.
type Measured struct {
	Seconds sim.Milli `json:"seconds"`
	What    string    `json:"what"`   // elapsed (the default) or user: mean of the measured threads; last: until the last has ended
	Fitted  bool      `json:"fitted"` // constants were fitted on it
}

// Parse reads a scenario. An error is one line: file, line, column, what is
// wrong and what was expected.
func Parse(name string, data []byte) (*Scenario, error) {
	s := new(Scenario)
	if err := sim.DecodeStrict(name, data, s); err != nil {
		return nil, err
	}
	at := func(text, format string, args ...any) error {
		line, col := sim.LineColumn(data, int64(max(0, strings.Index(string(data), strconv.Quote(text)))))
		return fmt.Errorf("%s:%d:%d: %s", name, line, col, fmt.Sprintf(format, args...))
	}
	var err error
	switch {
	case (s.Preset == "") == (s.Hardware == nil):
		return nil, at("name", "want either preset or machine")
	case s.Preset != "":
		if s.preset, err = sim.LoadPreset(s.Preset); err != nil {
			return nil, at(s.Preset, "%v", err)
		}
	default:
		if s.preset, err = sim.ParsePreset("machine", s.Hardware); err != nil {
			return nil, at("machine", "%v", err)
		}
	}
	if s.Seed == 0 {
		s.Seed = 1
	}
	topo, err := topology.Load(s.preset.Topology)
	if err != nil {
		return nil, at("machine", "%v", err)
	}
	if w := s.Workload; w != nil {
		for _, a := range w.Arms {
			if _, ok := policy.ByName(a); !ok {
				var names []string
				for _, arm := range policy.Arms {
					names = append(names, arm.Name)
				}
				return nil, at(a, "unknown arm %q: want one of %s", a, strings.Join(names, ", "))
			}
		}
		if len(w.Arms) == 0 {
			return nil, at("workload", "want at least one arm")
		}
		if len(s.Threads)+len(s.Buffers)+len(s.Variants) > 0 {
			return nil, at("workload", "want either a workload or threads")
		}
		return s, nil
	}
	nodes := func(list []int, text string) error {
		for _, n := range list {
			if n < 0 || n >= len(topo.Nodes) {
				return at(text, "node %d of %q: want 0 to %d", n, text, len(topo.Nodes)-1)
			}
		}
		return nil
	}
	home := func(h, text string) error {
		if _, err := parseHome(h, len(topo.Nodes)); err != nil {
			return at(text, "%v", err)
		}
		return nil
	}
	buffers, groups := map[string]bool{}, map[string]bool{}
	for _, b := range s.Buffers {
		buffers[b.Name] = true
		if b.Bytes <= 0 {
			return nil, at(b.Name, "buffer %q has %d bytes: want at least 1", b.Name, b.Bytes)
		}
		switch b.Scope {
		case "", "thread", "process", "machine":
		default:
			return nil, at(b.Scope, "scope %q: want thread, process or machine", b.Scope)
		}
		if err := home(b.Home, b.Name); err != nil {
			return nil, err
		}
	}
	measured := false
	for i := range s.Threads {
		g := &s.Threads[i]
		groups[g.Name] = true
		measured = measured || g.Measured
		if g.Count == 0 {
			g.Count = 1
		}
		if g.Count < 0 || g.Times < 0 || g.StartS < 0 {
			return nil, at(g.Name, "threads %q: want no negative count, times or start_s", g.Name)
		}
		if g.Measured && g.Times == 0 {
			return nil, at(g.Name, "threads %q are measured: want times, or they never end", g.Name)
		}
		if len(g.Phases) == 0 {
			return nil, at(g.Name, "threads %q: want at least one phase", g.Name)
		}
		if err := nodes(append(g.Nodes, g.Home...), g.Name); err != nil {
			return nil, err
		}
		for _, p := range g.Phases {
			n := 0
			check := func(set bool, buffer string) error {
				if set {
					n++
					if buffer != "" && !buffers[buffer] {
						return at(buffer, "unknown buffer %q", buffer)
					}
				}
				return nil
			}
			var random, stream string
			if p.Random != nil {
				random = p.Random.Buffer
				if p.Random.Accesses <= 0 || p.Random.ComputeNs < 0 || random == "" {
					return nil, at(g.Name, "threads %q: random wants a buffer, accesses above 0 and no negative time", g.Name)
				}
			}
			if p.Stream != nil {
				if stream = p.Stream.Buffer; stream == "" {
					return nil, at(g.Name, "threads %q: stream wants a buffer", g.Name)
				}
			}
			if p.ComputeUs < 0 || p.SleepUs < 0 {
				return nil, at(g.Name, "threads %q: a negative time: want 0 or more", g.Name)
			}
			for _, err := range []error{check(p.Random != nil, random), check(p.Stream != nil, stream), check(p.ComputeUs > 0, ""), check(p.SleepUs > 0, "")} {
				if err != nil {
					return nil, err
				}
			}
			if n != 1 {
				return nil, at(g.Name, "threads %q: a phase is one of random, stream, compute_us and sleep_us", g.Name)
			}
		}
	}
	if !measured {
		return nil, at("threads", "want threads that are measured")
	}
	if len(s.Variants) == 0 {
		s.Variants = []Variant{{Name: "only"}}
	}
	for _, v := range s.Variants {
		switch v.Policy.Home {
		case "", "none", "static", "dynamic":
		default:
			return nil, at(v.Policy.Home, "home %q: want none, static or dynamic", v.Policy.Home)
		}
		p := &v.Policy
		for _, c := range []struct {
			field string
			value sim.Milli
		}{{"remote_delay_ms", p.RemoteDelayMs}, {"balance_ms", p.BalanceMs}, {"follow_ms", p.FollowMs}, {"numa_balancing_ms", p.NUMABalancingMs}, {"batch", sim.Milli(p.Batch) * 1000}} {
			if c.value < 0 {
				return nil, at(v.Name, "variant %q: %s is %v: want 0 or more", v.Name, c.field, c.value)
			}
		}
		if m := v.Measured; m != nil && m.What != "" && m.What != "elapsed" && m.What != "user" && m.What != "last" {
			return nil, at(m.What, "what %q: want elapsed, user or last", m.What)
		}
		for _, c := range v.Set {
			if c.Threads != "" && !groups[c.Threads] {
				return nil, at(c.Threads, "unknown threads %q: want one of %s", c.Threads, list(groups))
			}
			if c.Buffer != "" && !buffers[c.Buffer] {
				return nil, at(c.Buffer, "unknown buffer %q: want one of %s", c.Buffer, list(buffers))
			}
			if err := nodes(append(c.Nodes, c.Home...), v.Name); err != nil {
				return nil, err
			}
			if err := home(c.At, v.Name); err != nil {
				return nil, err
			}
			if c.Count < 0 {
				return nil, at(v.Name, "variant %q: negative count", v.Name)
			}
		}
	}
	return s, nil
}

// parseHome reads a buffer's home: -1 for first touch, -2 for interleave.
func parseHome(s string, nodes int) (int, error) {
	switch s {
	case "", "first-touch":
		return -1, nil
	case "interleave":
		return -2, nil
	}
	if id, ok := strings.CutPrefix(s, "node:"); ok {
		if n, err := strconv.Atoi(id); err == nil && n >= 0 && n < nodes {
			return n, nil
		}
	}
	return 0, fmt.Errorf("home %q: want first-touch, interleave or node:0 to node:%d", s, nodes-1)
}

// Machine returns the scenario's constants and topology.
func (s *Scenario) Machine() (*sim.Preset, *topology.Topology, error) {
	topo, err := topology.Load(s.preset.Topology)
	return s.preset, topo, err
}

// list names what a file has of something.
func list(set map[string]bool) string {
	if len(set) == 0 {
		return "none, as there are none"
	}
	return strings.Join(slices.Sorted(maps.Keys(set)), ", ")
}
