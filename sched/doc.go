// Package sched is the scheduler: it runs Gs on Ms that hold Ps, and knows which
// Ps are near each other.
//
// # Vocabulary
//
//	G     a task. It needs a stack only when it blocks.
//	M     a worker thread, made by a [Machine].
//	P     the right to run Gs. There are Config.Procs, or as many as [Sched.SetProcs] has
//	      made of it; an M must hold one, except in a system call.
//	Node  what the Ps of one NUMA node share: run queue, idle Ps, searchers.
//
// Users hold Gs alone. What the author of a Machine needs is package internal/machine;
// package internal/inspect is the explorer's.
//
// The names are those of Go's runtime, so that a reader of proc.go is at home. Go's
// own scheduler is the arm flat. An arm is a set of switches (package policy), not a
// copy of the scheduler. Under flat all Ps share one Node, whose queue is Go's global
// queue, and all victims are equally far. In simulation the lock of that Node is Go's
// sched.lock, too: it is taken where Go takes it, and as often (schedlock.go).
//
// # What a G must not do
//
// A G must not wait for another G in a way that the scheduler does not see. A G that waits
// in a native lock, channel or sleep keeps its P, and that P runs nothing else. If the
// other G is queued on that P, or if all Ps wait like this, the program hangs. No
// [DeadlockError] says so. An example:
//
//	mu.Lock()     // a sync.Mutex
//	gr.Wait(g)    // parks; this P takes up another G, which calls mu.Lock() and never returns
//	mu.Unlock()
//
// These take their place:
//
//   - [Mutex], [RWMutex], [Cond] and [Once] for those of package sync
//   - [Group] for a sync.WaitGroup
//   - [Chan] and [G.Select] for native channels and the select statement
//   - [G.Sleep], [Timer] and [Ticker] for those of package time
//   - package host/hostnet for connections, listeners and pipes
//   - [G.Syscall] around everything else that may block, or [G.SyscallFor], which says how
//     long the call takes in simulation
//
// A G that waits in one of these gives its P away, so it may hold a [Mutex] meanwhile. Hold a
// native mutex only over code that does not call the scheduler. A file is read like this:
//
//	g.Syscall(func() { n, err = file.Read(buf) })
//
// If ready Gs cannot run for over five seconds because others wait natively, Config.Report
// gets the stacks of those that wait.
//
// A G should not compute for long without asking the scheduler for anything. When others
// wait for its P, it gives the P away after 10 ms, but only at its next call. A loop that
// makes no such call should call [G.Preempt] now and then. In simulation [G.Work] is stopped
// in its midst.
//
// A *G may be used by the function that was started with it and by what that function calls,
// until the function returns. Config.Debug finds every other use. A G that calls [Sched.Run] of
// its own scheduler panics.
//
// A G must not block or end while it is locked to its thread
// ([runtime.LockOSThread], or a callback from C). It panics if it does. A G that needs a
// thread of its own is started with [G.GoLocked] (lockedm.go).
//
// [runtime.Goexit], which testing.T.FailNow calls, ends a G that [G.Go], [G.GoAt], [Sched.Start] or
// [G.AfterFunc] has started. A [Sched.Run] or [Sched.Do] returns [ErrGoexit] if its function calls it. Elsewhere it
// stops the scheduler (goexit.go).
//
// # What the end of a context does
//
// A context interrupts no wait by itself, as with goroutines. The methods in the table stop
// waiting when their context is done, and return ctx.Err(). If it is done before they begin,
// they do nothing else. If the context ends just when what they wait for comes, either the
// method succeeds or it returns ctx.Err(). In the second case it has taken nothing: a value is
// there for the next receiver.
//
//	waits in                        waits no longer than ctx in
//	Chan.Send, Recv                 Chan.SendContext, Chan.RecvContext
//	G.Select                        the same, with G.Done as a further case
//	G.Sleep                         G.SleepContext
//	Timer.C, Ticker.C, G.After      RecvContext
//	Mutex.Lock                      Mutex.LockContext
//	RWMutex.Lock, RLock             RWMutex.LockContext, RWMutex.RLockContext
//	Cond.Wait                       Cond.WaitContext, which still locks L before it returns
//	Semaphore.Acquire               Semaphore.AcquireContext
//	Group.Wait, G.Join              Group.WaitContext, G.JoinContext; Wait and Join still have to be called
//	ErrGroup.Wait, ErrGroup.Go      ErrGroup.WaitContext, ErrGroup.GoContext; Wait still has to be called
//	Once.Do                         Once.DoContext, which lets a function that it has called itself return
//	connections of host/hostnet     not at all: set a deadline in a context.AfterFunc, as with package net
//	G.Syscall                       not at all: its function is to end when ctx is done
//
// [Sched.RunContext] and [NewErrGroup] make contexts that end with what they run.
//
// # The problem
//
// Ready Gs must meet idle Ps soon, and near the memory that they use. Ms must not
// burn CPUs looking for work that is not there. Three designs that do not work:
//
//   - One queue for all Ps (the arm gm, Go 1.0). Every operation takes one lock,
//     and every G runs wherever it is pulled to.
//   - A queue per P, stolen from at random (the arm flat, Go since 1.1). Operations
//     are local. But a thief is as likely to pull a G across the machine as from next
//     door, and a G that blocks comes back wherever it was woken.
//   - Strictly separate nodes (the operator's workaround: a process for each).
//     Everything is near, but one node idles while another has a backlog.
//
// # The rule
//
// Near first, and then everything. A P looks in its own ring, in its Node's
// queue, at Ps under its L3 cache, at Ps of its node; after policy.Patience rounds
// at other nodes in order of distance. A G has a home node: where it first ran, or
// where it was placed. It is woken there. Thieves from other nodes take it last, unless
// the Works of that node hardly use memory (policy/light.go).
//
// Work is conserved: before an M sleeps it has looked everywhere. There are two exceptions, both on
// purpose. In them a G can be queued while a P is idle, but no longer than said here:
//
//   - Under arms with homes an M may decline a G that is at home on another node, for as long as
//     policy.Grace. If work of its own wakes the M before, its next Grace is a whole one. So with
//     such work again and again it declines for as long as the other node is busy.
//   - An M does not see the private half of the children of a G that computes (runq.go). That G
//     shares them when it next forks, joins or blocks.
//
// # Invariants
//
//   - A G is in exactly one place: in one queue, in the hands of one M, or parked,
//     known to whatever it waits for. A ring changes by one compare-and-swap of one
//     word (runq.go).
//   - A parked G becomes visible only after its stack has been left (carrier.go).
//   - Stacks are entered and left by goroutines that are not locked to their threads
//     (carrier.go).
//   - A P is idle if and only if it is on its Node's idle list. Then its ring is
//     empty, and its M sleeps or is about to (node.go).
//   - While a G is queued that others see and a P is idle, some M searches, or is about to
//     look everywhere once more, or waits out its Grace (idle.go).
//   - A G that was cancelled never returns to the scheduling loop, nor does one
//     that ran it inline: others may still see it where it was to wait (g.go).
//   - A P that has gone is on no list, nobody holds it, and it has no G and no timer (procs.go).
//   - During a system call a P belongs to whoever changes its status first, the M in the
//     call or sysmon (syscall.go).
//   - A G that waits for several things is served once (wait.go).
//   - While a P of a node is idle, and a timer of the node is yet to come or a G waits for a
//     descriptor, some M waits for that, or searches, or is about to, or has left for a moment
//     to run a G (poll.go).
//   - A deadlock is reported if and only if every P is idle, every queue is empty, no
//     G is in a system call, none waits for a time, a descriptor or somebody outside, and a
//     Run waits (errors.go, checkdead).
//
// # Reading order
//
//   - G, queues and stacks: g.go, runq.go, carrier.go, goexit.go
//   - the decisions: policy/doc.go and its reading order
//   - what an M does: schedule.go, steal.go, idle.go, handoff.go, place.go, inbox.go
//   - how Gs wait: group.go, wait.go, chan.go, select.go, mutex.go, rwmutex.go, cond.go,
//     semaphore.go, and context.go for what ends a wait early
//   - time and the network: timer.go, sleep.go, poll.go, netpoll.go
//   - callers that are no Gs: inject.go, guest.go
//   - how Ps are taken away: syscall.go, sysmon.go; how they come and go: procs.go
//   - what flat costs in simulation: schedlock.go
//   - what can be seen of it all: event.go, schedtrace.go
//   - where it runs: machine.go
//
// # How fast it is
//
// The numbers are medians of one virtual machine with two CPUs (Sapphire Rapids, 2.6 to 3.0 GHz)
// under Go 1.26. Other programs share its host. Nanoseconds differ by half between two hours of
// such a machine. Ratios of two programs that take turns differ by less.
//
// A fork and its join without a closure take 16 to 17 ns on two Ps (results/reference-host-tasks).
// The aim is 12 ns on two Ps and 24 on one. Of many short runs one in twenty took less than 14 ns
// on two Ps, and less than 21 to 22 on one (go test -bench Fib ./sched/host). Three things keep it
// cheap:
//
//   - A child that is taken back is a call (G.short).
//   - The next fork finds its G in the slot where it has to be (runq.go).
//   - An [Arg] is four words, so that it is passed in registers. With five words a fork took 1.2
//     times as long. A typed fork ([Fork]) takes as long as one with an [Arg].
//
// What is left is some 170 instructions. Atomic operations are not among the costs: on fib, one
// fork in 27 publishes and one join in 14 takes a public child back. A third of the instructions are the
// price of safety. They check whether the child is g's, whether g may fork, and whether the garbage
// collector must hear of a pointer that is stored. And they defer a function, because a child's
// panic must not reach its parent. Without that function a fork would take 4 ns less on one P. The
// child is called through a pointer.
//
// With a closure, which is one object for each call, a fork and its join take 53 ns on two Ps; the
// aim is 40. Go's collector makes the difference: in a run in which they took 51 ns, they took 29
// with GOGC=400. With a closure, a [Group] and a variable for the result, three objects, they take
// 150 ns and more on one P. A program without a scheduler that allocates these three takes 141 ns
// and more. So Go's allocator and collector set the limit of both.
//
// This is the speed of a parallel loop over 2e7 float32 with one kernel for all, relative to that of
// the arm flat (experiments peers). OneTBB has vector code, which Go's compiler does not make:
//
//	                            one P  two Ps
//	a goroutine for each chunk   0.62    0.68
//	a channel pool               0.91    0.87
//	conc                         0.82    0.47
//	oneTBB                        1.8     3.7
//
// To change from one stack to another is one switch of package iter, which takes 81 to 95 ns. With
// what package coro notes of it, it takes 117 to 174 ns. In the same run two goroutines that passed a
// message by a channel took 420 to 570 ns for each change. So coroutines are not what limits
// ping-pong. The table has the time of ping-pong relative to that of goroutines:
//
//	                                 one P                two Ps
//	1 pair                            0.95   1.27 (1.11 to 1.41)
//	4 pairs                           0.96                  0.75
//	32 pairs                          0.96                  0.65
//	64 pairs                          0.93                  0.71
//	a ring of actors   1.25 (1.10 to 1.35)   1.25 (1.22 to 1.35)
//
// In half of the repetitions other programs took more than 5 % of the computer. On one P all pairs may
// take as long as goroutines do. In another run the ring took 1.05 and 1.15.
//
// After those runs mutexes lost their calls (lock.go), and Gs that wait at channels came to touch less
// memory (G.park, gRest, hchan). This is the time under flat relative to goroutines after that, on an
// AMD EPYC (Zen 3) with 512 KB of second-level cache. It is the median of the ratios of 40 short runs
// that took turns. Half of the ratios lie in the range in brackets. The computer was busy:
//
//	                                       one P                two Ps
//	1 pair                   0.90 (0.58 to 1.20)   0.96 (0.87 to 1.09)
//	4 pairs                  1.03 (0.62 to 1.33)   0.63 (0.58 to 0.74)
//	32 pairs                 0.85 (0.45 to 1.05)   0.70 (0.52 to 0.77)
//	64 pairs                 0.43 (0.29 to 0.63)   0.69 (0.51 to 0.79)
//	ring of 32, 16 tokens    0.71 (0.61 to 0.90)   0.74 (0.57 to 0.86)
//	ring of 300, 16 tokens   0.79 (0.74 to 0.83)   0.85 (0.79 to 0.92)
//	ring of 1000, 16 tokens  0.44 (0.35 to 0.61)   0.94 (0.84 to 1.13)
//	ring of 32, 1 token      0.96 (0.74 to 1.03)   1.24 (1.09 to 1.56)
//	ring of 1000, 1 token    1.38 (1.15 to 1.63)   1.91 (1.46 to 2.36)
//
// In a ring 16 tokens soon travel together, so that most hops wake nobody. One token wakes a G in each
// hop. In a ring of 1000 that G has gone cold. Simulated first-level caches of 32 KB (cachegrind) then
// miss 26 lines in each hop, and 19 with goroutines. Before, they missed 34, and the ring of 1000 with one
// token took 1.6 to 2.1 times as long as goroutines on one P. Over ten of the 26 belong to Go's coroutine and to
// what package coro knows of it, and some seven to the stack. Two stacks that take turns need 67 to 79 ns
// for a switch, and 1000 need 104 to 130 (go test -bench Ring ./sched/internal/coro). On two Ps 20 to 33
// of 1000 hops wake a thief as well, which finds nothing. Whether that is all of the difference on two
// Ps is not known.
//
// On a server with 16 CPUs (results/reference-host-16cpu) 4 pairs take 1.4 times the time of
// goroutines. Where channels, waiters and stacks of different pairs share cache lines, they take 1.9
// times (line.go prevents that). In runs that are not kept, one pair takes 1.3 to 1.5 times, and 32
// and 64 pairs 0.6 and 0.5. Of 1000 round trips of one pair, 25 wake a thief. It finds nothing, because
// taking what another P is about to run would part the pair. The rest of the difference is not explained.
//
// One producer of a million empty tasks took 100 to 117 ns for each on one P of the EPYC, in three runs, and
// a channel pool 92 to 132 ns. On two Ps it took 1.15 times the time of the pool. The aim is 1. A task that waits in a queue is 652
// instructions, and 501 in the pool, which has no G for it (cachegrind).
//
// A million Gs that wait at a channel take 3.78 KB each (RSS): 2.15 KB for stacks, which are
// goroutines, and 1.54 KB of heap. The aim is 4 KB. Of 200,000 goroutines, each takes 2.76 KB.
//
// How late a G runs after a Sleep depends on who else wants the CPUs. The table is of the workload
// timers at half load on two Ps. It says how many ms late a G was at most, of the part of all Gs
// that is named:
//
//	                                         flat              numa        goroutines
//	alone: all but a thousandth              0.20              0.27              1.13
//	busy: all but a thousandth   3.64, 4.33, 5.05  3.74, 4.52, 5.44  3.44, 4.03, 8.19
//	quieter: half                           0.019             0.019             0.115
//	quieter: all but a hundredth              3.2               3.1               4.8
//	quieter: all but a thousandth             5.8               6.2              12.6
//
// Where the program ran:
//
//   - alone: in the kernel's real-time class, where nobody else gets the CPUs. Goroutines are late
//     there because Go's netpoller sleeps at least 1 ms.
//   - busy: three runs in the ordinary class, beside programs that computed all the time. A trace
//     of the kernel (perf sched) shows threads that were woken and waited behind others for 4 ms, a
//     tick, and longer. Goroutines sleep longer, so they make a quarter fewer wake-ups in that time.
//   - quieter: 20 interleaved repetitions, of which others disturbed a third (timers:ops=8000).
//
// Recording events (package trace) makes a fork take 4 % longer (2 to 6) and a spawn 10 % (2 to 16):
// medians of eleven runs on an idle machine. Two schedulers that both record nothing differed by up
// to 4 % in these runs. On the AMD EPYC, which was busy, four runs with two schedulers of either kind
// in turn had medians of 6 to 8 % for a fork and 8 to 15 % for a spawn; those that record nothing
// differed by up to 2 %. So the aim of 10 % is met for a fork, and missed for a spawn there. The events of a
// spawn touch the second cache line of its G, which nothing else does; what that costs was not measured.
// With times, which the clock of a virtual machine makes 40 ns each, a fork takes 1.2 to 1.4 times
// as long and a spawn 2.0 to 2.5 times (go test -bench Recording ./sched/trace).
//
// The places that would tell of events cost something even while nobody listens. On one P they cost
// a spawn 5 % (4 to 8), which is 3 ns. They cost a fork nothing that 40 pairs of runs could show: it
// took 0.95 to 1.03 of the time of a program without these places. On two Ps a spawn took 0.97 (0.94
// to 1.04) of that time under flat and 0.99 (0.95 to 1.05) under numa, in 24 pairs. The aim is 1 %.
// Which place costs a spawn its 5 % is not known.
package sched
