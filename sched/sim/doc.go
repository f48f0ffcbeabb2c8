// Package sim is the Machine made of events: it runs the very scheduler that
// package host runs on threads, in virtual time, on computers with any number of
// CPUs. The same program, preset and seed give the same events on every computer.
//
// # Vocabulary
//
// An M, or a [Thread] of an ordinary program, runs on a thread. A thread has a
// clock, and it has a CPU while it runs. An actor is anything that can have an
// event: a thread, a class of memory flows, a timer. An event is an actor's next
// turn. A block is a piece of memory that has one home node; caches hold blocks. A
// preset holds the constants of a machine, each with its source. The source of a
// constant that nobody has measured on that machine begins with "assumed", and every
// result shows it.
//
// # Invariants
//
// Time is integer picoseconds. Events are taken in the total order (time, actor).
// Nothing depends on the order of a map, on floating-point arithmetic, on addresses,
// or on Go's own scheduler. Threads are coroutines of one event loop, and one of
// them runs at a time. A thread goes on without a switch as long as no other event
// is due before its clock (queue.go). If the next event is another M's, an M switches
// straight to that M. In all other cases it switches to the event loop (machine.go).
//
// # What is modelled
//
//	queue.go      the order of events
//	scan.go       loads that find nothing, without a switch of stacks
//	coherence.go  the scheduler's own words: who has the line, how far, one at a time
//	cache.go      data in private and shared caches, write-invalidate
//	bandwidth.go  memory controllers and links, shared max-min fairly; loaded latency
//	blend.go      streams that several memories serve at once
//	work.go       what a piece of Work costs; where pages lie
//	walk.go       all touches of a block at once
//	kernel.go     CPUs and their queues, futexes, affinity
//	locks.go      locks in the kernel: page faults of one mapping, futexes of one word
//	context.go    what a G that has parked left in the caches
//	policy*.go    what operating systems do with threads beyond that, one kernel each
//	pages.go      what NUMA balancing does with pages
//	micro         MLC, likwid and core-to-core, compared with what was measured;
//	              micro/errors.txt is the table of errors
//
// Not modelled:
//
//   - TLBs, instruction caches, frequency changes, interrupts
//   - prefetchers: a stream pays its first latency only
//   - other locks of the kernel
//   - what a Go program does outside of the scheduler and its Work, with one exception: a
//     program may say what it allocates (sched.G.Allocated). Collections do not run. Each
//     object pays its share of them.
//
// Work.Ops are cycles, as the workload counts them, unless the preset knows the Work's
// Kernel.
//
// # Use
//
//	p, err := sim.LoadPreset("skx-2x8180")
//	m, err := sim.New(sim.Config{Preset: p})
//	s, err := sched.New(sched.Config{Machine: m, Arm: arm, Seed: 1})
//	err = sim.Guard(func() error { return s.Run(f) })
//	account := m.Account() // of virtual time, traffic, work
//
// # Speed
//
// The table has millions of events for each second of real time, with one run at a time
// (BenchmarkSpeed of experiments/simulated). "experiments sim" prints the same measure in its
// column Mevents/s. Each run follows one that warms up. The time to make the machine is not
// counted. Workloads have their quick sizes, and fib has n=22. The numbers are medians of five
// runs on two CPUs of a virtual machine (AMD EPYC, family 25, model 1). Others share its host: of
// five runs the fastest is 1.1 to 2.2 times as fast as the slowest. So a difference of half says
// nothing.
//
//	CPUs                              4    88   448  4096
//	fib, flat                       5.6   3.6   4.2   6.5
//	fib, numa                                   4.1   4.2
//	uts, flat and numa                     5.9 and 3.7
//	uts of depth 8, likewise               3.0 and 2.7
//	heat, flat and numa                    5.1 and 5.9
//	triad, flat and numa                   4.0 and 4.6
//	triad of 25 million, likewise          2.2 and 2.6
//
// The machine with 448 CPUs is skx-8s, the others are synthetic. From 88 CPUs to 4096 the
// cost of an event of fib does not grow. It grows with the share of events that end a thread's turn, for
// then the stack is switched. Events of a thief that finds nothing are cheap (scan.go). With 4096
// CPUs most events are of that kind.
//
// In fib and uts the time goes into switches between stacks and into cache misses of the
// computer that simulates. In triad of 25 million a third of it goes into what a Work touches
// (walk.go, cache.go), which counts as no event, and under flat a fifth goes into the sharing of
// bandwidth.
package sim
