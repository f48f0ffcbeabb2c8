// Package metrics reads what a scheduler counts by names, as package runtime/metrics does for
// Go's runtime: a program that exports all of [All] exports what later versions count, too.
//
// A name is a path and a unit, as in "/sched/steals/remote:thefts". Every metric is a number
// that only grows, from the making of the scheduler on. It has a value for each node of the
// machine, or, if it says so, one for the whole scheduler. See [sched.Sched.Stats] for how
// exact they are while Gs run.
//
//	samples := metrics.Read(s)
//	for _, m := range samples {
//		fmt.Println(m.Name, m.Node, m.Value)
//	}
package metrics

import "numasched/sched"

// A Description says what a metric is.
type Description struct {
	Name  string // a path and a unit
	Text  string // what it counts
	Whole bool   // it has one value, with Node -1, for the whole scheduler

	of func(*sched.Stats) int64
}

// A Sample is the value of a metric.
type Sample struct {
	Name  string
	Node  int // the kernel's ID of the node, or -1 on a machine without nodes and for the whole scheduler
	Value int64
}

// All returns the metrics there are, in the order of their names.
func All() []Description { return append([]Description(nil), all...) }

var all = []Description{
	{"/sched/affinity/binds:calls", "calls that bind a thread to the CPUs of its node", false, func(s *sched.Stats) int64 { return s.Binds }},
	{"/sched/affinity/on-node:looks", "looks at bound threads that found them on a CPU of their node", false, func(s *sched.Stats) int64 { return s.OnNode }},
	{"/sched/affinity/samples:looks", "looks at which CPU a thread is on that should be bound", false, func(s *sched.Stats) int64 { return s.Samples }},
	{"/sched/carriers/made:stacks", "stacks made", true, func(s *sched.Stats) int64 { return s.Carriers }},
	{"/sched/gs/executed:gs", "Gs that were run from the scheduling loop", false, func(s *sched.Stats) int64 { return s.Executed }},
	{"/sched/gs/inlined:gs", "Gs that were run inside a join", false, func(s *sched.Stats) int64 { return s.Inlined }},
	{"/sched/gs/spawned:gs", "Gs made by Go, Fork and Group.Go", false, func(s *sched.Stats) int64 { return s.Spawned }},
	{"/sched/home/away:runs", "times that a G ran, or went on, on another node than its home", false, func(s *sched.Stats) int64 { return s.AwayRuns }},
	{"/sched/home/follows:moves", "homes that moved to where their G was woken from", false, func(s *sched.Stats) int64 { return s.Follows }},
	{"/sched/home/home:runs", "times that a G ran, or went on, on its home node", false, func(s *sched.Stats) int64 { return s.HomeRuns }},
	{"/sched/ms/all:ms", "Ms that were started", true, func(s *sched.Stats) int64 { return s.Ms }},
	{"/sched/ms/sleeps:sleeps", "times that an M found nothing and slept", false, func(s *sched.Stats) int64 { return s.Sleeps }},
	{"/sched/parks/all:parks", "times that a G blocked or yielded", false, func(s *sched.Stats) int64 { return s.Parks }},
	{"/sched/parks/preempted:parks", "times that a G gave way, or had to wait, because a time slice was over", false, func(s *sched.Stats) int64 { return s.Preempts }},
	{"/sched/parks/resumed:resumes", "times that a parked G went on", false, func(s *sched.Stats) int64 { return s.Resumed }},
	{"/sched/parks/yields:parks", "times that a G yielded", false, func(s *sched.Stats) int64 { return s.Yields }},
	{"/sched/queues/overflows:moves", "times that half a full run queue went to the queue of the node", false, func(s *sched.Stats) int64 { return s.Overflows }},
	{"/sched/steals/l3:thefts", "thefts from a P under the same L3 cache", false, func(s *sched.Stats) int64 { return s.StealsL3 }},
	{"/sched/steals/local:gs", "Gs stolen on the own node", false, func(s *sched.Stats) int64 { return s.StolenLocal }},
	{"/sched/steals/node:thefts", "thefts from another P of the same node, under another L3 cache", false, func(s *sched.Stats) int64 { return s.StealsNode }},
	{"/sched/steals/remote:gs", "Gs stolen from other nodes", false, func(s *sched.Stats) int64 { return s.StolenRemote }},
	{"/sched/steals/remote:thefts", "thefts from a P, or the queue, of another node", false, func(s *sched.Stats) int64 { return s.StealsRemote }},
	{"/sched/syscalls/all:calls", "system calls", false, func(s *sched.Stats) int64 { return s.Syscalls }},
	{"/sched/syscalls/other-p:calls", "system calls that found their P taken and another one idle", false, func(s *sched.Stats) int64 { return s.SyscallReturns }},
	{"/sched/syscalls/retakes:ps", "Ps that sysmon took from Ms in system calls", false, func(s *sched.Stats) int64 { return s.Retakes }},
	{"/sched/timers/due:timers", "timers that were due", false, func(s *sched.Stats) int64 { return s.Timers }},
	{"/sched/timers/polls:waits", "times that an M waited for timers", false, func(s *sched.Stats) int64 { return s.Polls }},
	{"/sched/timers/stolen:timers", "timers that were run by an M that did not hold their P", false, func(s *sched.Stats) int64 { return s.TimersStolen }},
	{"/sched/wakes/local:ms", "Ms woken by one on their node", false, func(s *sched.Stats) int64 { return s.WakesLocal }},
	{"/sched/wakes/remote:ms", "Ms woken by one on another node", false, func(s *sched.Stats) int64 { return s.WakesRemote }},
}

// Read returns the values of all metrics of s, in the order of [All] and then of s.NodeIDs.
// It may be called as [sched.Sched.Stats] may.
func Read(s *sched.Sched) (samples []Sample) {
	whole, byNode, ids := s.Stats(), s.NodeStats(), s.NodeIDs()
	for _, d := range all {
		if d.Whole {
			samples = append(samples, Sample{d.Name, -1, d.of(&whole)})
			continue
		}
		for i := range byNode {
			samples = append(samples, Sample{d.Name, ids[i], d.of(&byNode[i])})
		}
	}
	return samples
}
