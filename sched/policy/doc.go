// Package policy holds the decisions of the scheduler, and nothing else: what an M looks
// at next, whom it robs and of how much, how many may search, when to sleep and for how
// long, whom to wake, where a ready G goes, who gets a P, when sysmon looks.
//
// The same source decides on real threads, on a simulated machine and inside Go's own
// runtime. So it imports nothing, and it allocates nothing once a scheduler is made. State
// that changes while it runs has no pointers. Only source.go, which hands out the text of
// the other files, imports something.
//
// # How a scheduler uses it
//
// A scheduler embeds a [P] in each of its Ps, an [Appetite] in each of its Nodes and a
// [Trail] in each G that parks. An M that looks for a G asks three small machines what to
// do next, one after the other. It does that, and asks again until it has a G.
//
//   - A [Turn] says what a P looks at first: its own queues, its Node's queue, and now and
//     then another queue before them.
//   - A [Search] says how an M that found nothing there goes over other Ps and Nodes.
//   - A [Rest] says what an M does that found nothing anywhere: look once more, doze for a
//     moment, sleep.
//
// An M that leaves its P to others asks a [Handoff] what becomes of that P. sysmon embeds a
// [Pace], and for each P a [Sighting] and a [Stuck]. It asks a [Retake] and an [Ask].
//
// Everything else here is a function of numbers. The scheduler itself has the queues, locks
// and wake-ups. The policy never sees a G.
//
// # What was measured
//
// Files of this package say what other rules and other numbers would cost. Three phrases name the
// runs that this comes from. These runs are simulated, in quick sizes, and the numbers are times
// relative to the rule as it is:
//
//   - "in the four": the arm numa ran fib, triad, wakestorm and pingpong with seed 1. Of two
//     numbers the first is of the preset skx-8s (448 CPUs on eight nodes), the second of
//     rome-2x7742-nps4 (256 CPUs on eight nodes).
//   - "in three seeds": fib:n=24, uts and onenode ran, too, in three seeds.
//   - "in eight seeds": other numbers were tried on the presets snb-4s-ring, skx-8s and
//     rome-2x7742-nps4. A ratio is a geometric mean, with its 95 % interval.
//
// One seed shows large differences only. With five seeds the rule as it is took 0.99 to 1.60 ms for
// fib on skx-8s and 1.22 to 1.71 ms on rome. So a ratio for fib between 0.6 and 1.6 says nothing.
// With three seeds wakestorm on rome took 0.98 to 1.35 of its time with the first seed. Without
// RingTick it took 1.00 to 2.61 of that. So a ratio for wakestorm on rome below 2.6 says nothing either.
//
// # Reading order
//
// arms.go; turn.go, search.go, rest.go for the order of things; then a file for each rule:
// walk.go, near.go, batch.go, remote.go, hunger.go, doze.go, smallthefts.go, light.go, wake.go, home.go,
// biased.go, handoff.go, spin.go; and those of sysmon: watch.go, retake.go, slice.go, stuck.go.
package policy

// Rules are the mechanisms that an arm has on the machine where it runs. They do not
// change.
type Rules struct {
	Local bool // Ps have queues of their own
	Near  bool // thieves tell near victims from far ones
	Homes bool // Gs have homes, and lose something when they are taken away from them
	Odds  bool // thieves choose victims by NUMA-WS's odds
}

// Rules returns the rules of a on a machine with several nodes, or with one: there
// nothing is far, and no home can be lost.
func (a *Arm) Rules(several bool) Rules {
	return Rules{Local: a.Local, Near: a.Near && several && !a.Closed, Homes: a.Home && several, Odds: a.Biased && several}
}

// A P is what one P keeps for its decisions. It belongs to the M that holds the P.
type P struct {
	Rules
	Procs  uint32 // how many Ps there are
	Queues uint32 // how many Nodes there are, its own among them
	Tiers  []Tier // its victims, nearest first

	Rand     Rand
	tick     uint32 // turns
	smallRow uint32 // small thefts in a row on the own node, see smallthefts.go
	lightRow uint32 // light Works in a row, see light.go
}
