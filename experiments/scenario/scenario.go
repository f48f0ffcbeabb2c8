// Package scenario is a language for studies of thread placement. A scenario describes
// a machine, threads with phases, and variants that differ in what the operating system
// does with the threads. So a published table can be run again without writing Go.
//
// A scenario is a JSON file, described by schema.json. Whatever is wrong in it is
// refused with line and column. The names of times and sizes contain their unit:
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
// What the operating system does is a policy: a kernel by name, whose rules package
// sched/sim has, or some rules by themselves. Threads may be bound to nodes, L3s or CPUs,
// and wake each other through queues.
//
// A scenario may instead name a workload of experiments/workload and arms, which then
// run under the scheduler. All its results are simulated.
package scenario

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"numasched/experiments/workload"
	"numasched/sched/sim"
	"numasched/topology"
)

// A Scenario is one file.
type Scenario struct {
	Name   string `json:"name"`
	Doc    string `json:"doc"`
	Source string `json:"source"` // of what is re-run
	Fitted string `json:"fitted"` // which constants were fitted, on which rows
	// Constants is how many were fitted. If there are as many as rows that they were
	// fitted on, those rows come out whatever the model is.
	Constants int    `json:"fitted_constants"`
	Seed      uint64 `json:"seed"` // 0: 1
	Runs      int    `json:"runs"` // of each variant, with seeds Seed, Seed+1 and so on; 0: 1

	Preset   string          `json:"preset"`  // the name of a machine, or
	Hardware json.RawMessage `json:"machine"` // a preset in full, see sched/sim

	Threads  []Group   `json:"threads"`
	Buffers  []Buffer  `json:"buffers"`
	Queues   []Queue   `json:"queues"`
	Variants []Variant `json:"variants"`

	Workload *Workload `json:"workload"` // instead of threads, buffers and variants

	data []byte // of the file

	preset *sim.Preset
}

// A Workload is a program for the scheduler.
type Workload struct {
	Name   string   `json:"name"`
	Params []Param  `json:"params"`
	Arms   []string `json:"arms"`
	Procs  int      `json:"procs"` // 0: all CPUs

	program workload.Program // what the name and the sizes mean
}

// A Param is a size of a workload.
type Param struct {
	Name  string `json:"name"`
	Value int64  `json:"value"`
}

// A Group is a number of threads that do the same.
type Group struct {
	Name    string    `json:"name"`
	Count   int       `json:"count"`   // default 1
	PerCPU  bool      `json:"per_cpu"` // one pinned to each CPU instead
	Process string    `json:"process"` // the process whose buffers of scope process they share
	StartS  sim.Milli `json:"start_s"`
	Forked  bool      `json:"forked"` // by the first of them; see Policy.Start
	Phases  []Phase   `json:"phases"`
	Times   int64     `json:"times"` // how often they go through the phases; 0: until all measured threads have ended
	// Nodes are the positions of the nodes to which the threads are bound, in equal
	// shares and in order; empty: not bound.
	Nodes []int `json:"nodes"`
	L3s   []int `json:"l3s"`  // the same for the CPUs that share an L3, by position
	CPUs  []int `json:"cpus"` // the same for CPUs, by the kernel's number
	// Soft: the threads are not bound there. They begin there whenever another thread wakes
	// them, as workers of a workqueue do whose affinity is not strict.
	Soft     bool  `json:"soft"`
	Home     []int `json:"home"` // the nodes that the threads prefer, in the same way
	Measured bool  `json:"measured"`
	// Counted is how many bytes a benchmark would count each time that a thread goes
	// through the phases, for results in GB/s.
	Counted int64 `json:"counted_bytes"`
}

// A Phase is one of the things that a thread does, one after another.
type Phase struct {
	Random    *Random   `json:"random"`
	Stream    *Stream   `json:"stream"`
	Streams   []Stream  `json:"streams"` // side by side, as a loop over several arrays does
	ComputeUs sim.Milli `json:"compute_us"`
	SleepUs   sim.Milli `json:"sleep_us"`
	Put       string    `json:"put"`  // a thing into this queue; who waits for one wakes up
	Take      string    `json:"take"` // a thing out of this queue; the thread sleeps if there is none
}

// buffers returns the names of the buffers that a phase reads or writes.
func (p *Phase) buffers() (names []string) {
	if p.Random != nil {
		names = append(names, p.Random.Buffer)
	}
	for _, s := range p.streams() {
		names = append(names, s.Buffer)
	}
	return names
}

// streams returns what a phase streams through at once.
func (p *Phase) streams() []Stream {
	if p.Stream != nil {
		return []Stream{*p.Stream}
	}
	return p.Streams
}

// Random is a chain of accesses at random places of a buffer.
type Random struct {
	Buffer    string    `json:"buffer"`
	Accesses  int64     `json:"accesses"`   // of 64 bytes each
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
	Bytes int64  `json:"bytes"` // of each copy
	Scope string `json:"scope"` // thread, process or machine (the default): who shares it
	// Home is where the buffer lies: first-touch (the default); node:N; interleave for
	// all nodes in turn, or interleave:N,N,... for some; spread:N,N,... for buffers of
	// scope thread, whose copies lie on the nodes in equal shares, in the order of the
	// threads. N is the position of a node.
	Home string `json:"home"`
	// Bound: the program has bound the memory there, so that NUMA balancing leaves it.
	Bound bool `json:"bound"`
}

// A Queue holds things that threads leave for each other.
type Queue struct {
	Name  string `json:"name"`
	Scope string `json:"scope"` // one for the machine (the default), each node or each l3. A thread uses the one where it is, or where it is bound
	Items int    `json:"items"` // in each at the beginning
}

// A Variant is one row of a table.
type Variant struct {
	Name     string    `json:"name"`
	Policy   Policy    `json:"policy"`
	Set      []Set     `json:"set"`
	Measured *Measured `json:"measured"`
}

// Policy says what the operating system does; see sim.OSPolicy.
type Policy struct {
	Kernel        string `json:"kernel"` // one of sim.KernelNames
	NUMABalancing bool   `json:"numa_balancing"`
	// What follows is for a kernel that has no name: each is one rule.
	Start           string    `json:"start"` // of threads: spread (the default), exec or parent
	Wake            string    `json:"wake"`  // on a CPU that is idle (the default) or the last
	TickMs          sim.Milli `json:"tick_ms"`
	HotMs           sim.Milli `json:"hot_ms"`
	NodeFirst       bool      `json:"node_first"`
	RemoteDelayMs   sim.Milli `json:"remote_delay_ms"`
	BalanceMs       sim.Milli `json:"balance_ms"`
	Batch           int       `json:"batch"` // 0: half of the difference
	Home            string    `json:"home"`  // none (the default), static or dynamic
	FollowMs        sim.Milli `json:"follow_ms"`
	NUMABalancingMs sim.Milli `json:"numa_balancing_ms"`
}

var starts = map[string]sim.Start{"": sim.StartSpread, "spread": sim.StartSpread, "exec": sim.StartExec, "parent": sim.StartParent}

// Set changes a group or a buffer for one variant.
type Set struct {
	Threads string `json:"threads"`
	Count   int    `json:"count"`
	Times   int64  `json:"times"`
	Nodes   []int  `json:"nodes"`
	L3s     []int  `json:"l3s"`
	CPUs    []int  `json:"cpus"`
	Soft    *bool  `json:"soft"`
	Home    []int  `json:"home"`
	Buffer  string `json:"buffer"`
	At      string `json:"at"` // its home
	Bytes   int64  `json:"bytes"`
	Counted int64  `json:"counted_bytes"` // of the threads
	Queue   string `json:"queue"`
	Scope   string `json:"scope"` // of the queue
}

// changes reports whether x says anything of threads.
func (x *Set) changes() bool {
	return x.Count != 0 || x.Times != 0 || x.Nodes != nil || x.L3s != nil || x.CPUs != nil || x.Soft != nil || x.Home != nil || x.Counted != 0
}

// Measured is what was published for a variant.
type Measured struct {
	Seconds sim.Milli `json:"seconds"`
	GBps    sim.Milli `json:"GBps"`   // instead of seconds: the counted bytes of all measured threads, over the time until the last has ended
	What    string    `json:"what"`   // elapsed (the default) or user: the mean of the measured threads; last: until the last has ended
	Fitted  bool      `json:"fitted"` // constants were fitted to it
}

// Machine returns the scenario's constants and topology.
func (s *Scenario) Machine() (*sim.Preset, *topology.Topology, error) {
	topo, err := topology.Load(s.preset.Topology)
	return s.preset, topo, err
}

// A home says where the memory of a buffer is.
type home struct {
	nodes  []int // positions; empty: all nodes for interleave, none for first touch
	spread bool  // copy i of n is on nodes[i*len(nodes)/n], as thread i is
	blocks bool  // the blocks of each copy are on the nodes in turn
}

// parseHome reads a buffer's home on a machine with a number of nodes.
func parseHome(s string, nodes int) (p home, err error) {
	kind, list, hasList := strings.Cut(s, ":")
	ok := true
	switch kind {
	case "", "first-touch":
		ok = !hasList
	case "interleave":
		p.blocks = true
	case "spread":
		p.spread, ok = true, hasList
	case "node":
		ok = hasList && !strings.Contains(list, ",")
	default:
		ok = false
	}
	if hasList {
		for f := range strings.SplitSeq(list, ",") {
			n, err := strconv.Atoi(f)
			ok = ok && err == nil && n >= 0 && n < nodes && strconv.Itoa(n) == f
			p.nodes = append(p.nodes, n)
		}
	}
	if !ok {
		return p, fmt.Errorf("home %q: want first-touch, interleave, node:N, or interleave:N,N,... or spread:N,N,... with nodes from 0 to %d", s, nodes-1)
	}
	return p, nil
}

// Fits says how many constants were fitted to how many rows, and what that means.
func (s *Scenario) Fits() string {
	rows, judged, predicted := 0, 0, 0
	for _, v := range s.Variants {
		switch {
		case v.Measured == nil:
			predicted++
		case v.Measured.Fitted:
			rows++
		default:
			judged++
		}
	}
	text := fmt.Sprintf("constants fitted: %d, to %d rows; other rows to judge by: %d", s.Constants, rows, judged)
	if predicted > 0 {
		text += fmt.Sprintf("; rows without a measurement here: %d", predicted)
	}
	if rows > 0 && s.Constants >= rows {
		text += "\nNO PREDICTION: there are enough constants that the fitted rows come out whatever the model is"
	}
	return text
}
