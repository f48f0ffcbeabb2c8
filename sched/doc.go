// Package sched is the scheduler: it runs Gs on Ms that hold Ps, and knows which
// Ps are near each other.
//
// # Vocabulary
//
//	G     a task. It needs a stack only when it blocks.
//	M     a worker thread, made by a [Machine].
//	P     the right to run Gs. There are Config.Procs; an M must hold one.
//	Node  what the Ps of one NUMA node share: run queue, idle Ps, searchers.
//
// The names are those of Go's runtime, whose scheduler is the arm flat, so that a
// reader of proc.go is at home. An arm is a set of switches (package policy), not
// a copy of the scheduler: under flat all Ps share one Node, whose queue is Go's
// global queue, and all victims are equally far.
//
// # The problem
//
// Ready Gs must meet idle Ps soon, without Ms that burn CPUs looking for work that
// is not there, and near the memory that the Gs use. Three designs that do not do:
//
//   - One queue for all Ps (the arm gm, Go 1.0). Every operation takes one lock,
//     and every G runs wherever it is pulled to.
//   - A queue per P, stolen from at random (the arm flat, Go since 1.1). Operations
//     are local, but a thief is as likely to pull a G across the machine as next
//     door, and a G that blocks comes back wherever it was woken.
//   - Strictly separate nodes (the operator's workaround: a process for each).
//     Everything is near, but one node idles while another has a backlog.
//
// # The rule
//
// Near first, and then everything. A P looks in its own ring, in its Node's
// queue, at Ps under its L3 cache, at Ps of its node; after policy.Patience rounds
// at other nodes in order of distance. A G has a home node, where it first ran or
// where it was placed; it is woken there and robbed from there last. Work is
// conserved: before an M sleeps it has looked everywhere, and has taken what it
// found, wherever it was.
//
// # Invariants
//
//   - A G is in exactly one place: in one queue, in the hands of one M, or parked,
//     known to whatever it waits for. A ring changes by one compare-and-swap of one
//     word (runq.go).
//   - A parked G becomes visible only after its stack has been left (carrier.go).
//   - A P is idle if and only if it is on its Node's idle list; then its ring is
//     empty and its M sleeps, or is about to (node.go).
//   - While a G is queued and a P is idle, some M searches, or is about to look
//     everywhere once more (schedule.go, sleep).
//   - A G that was cancelled never returns to the scheduling loop, nor does one
//     that ran it inline: others may still see it where it was to wait (g.go).
//   - A deadlock is reported if and only if every P is idle, every queue is empty
//     and a Run waits (errors.go, checkdead).
//
// # Reading order
//
// policy/arm.go, g.go, runq.go, carrier.go, schedule.go, steal.go, group.go; then
// machine.go for where it runs.
package sched
