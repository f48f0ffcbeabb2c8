// Package explore tries the interleavings of the real scheduler's threads on
// small programs and checks that none breaks what the scheduler promises.
//
// Its [Machine] has no clock and no caches. Ms are coroutines of which one runs
// at a time; a point is an access to a word that Ms share, or a futex call,
// reported before it happens. What lies between two points is atomic. So the
// order of points is all that can differ between two executions, and whoever
// decides it decides everything.
//
//	preemption   another M goes on at a point although this one could
//	free switch  this one waits, has ended, or yields
//	bound        how many preemptions an execution may have
//
// # What is tried
//
// First, for each bound from 0 up, every interleaving within it (search.go says
// which are left out as being equivalent to others, and why that is sound).
// Then random schedules (random.go). Three things are narrower than reality. A
// Futexwakeup wakes the sleeper with the lowest number. A Futexsleep with a
// time-out returns at once, but lets others go first for free. An M that yields
// while it spins on a lock is given one choice per look: to let another go on, or
// to spin to the end, since nothing that it looks at changes meanwhile. Memory is
// sequentially consistent, as Go's atomics are; there is no spurious wake-up.
//
// # What is checked
//
//   - every G begins exactly once; a cancelled one at most once;
//   - no carrier is entered by two Ms;
//   - nobody waits for ever: when no M can go on, the caller must not be waiting
//     either, and no G may be busy until one runs that nobody has been woken for;
//   - a deadlock is reported if there is one, and only then; so is a panic;
//   - Close ends, every M with it, and none starts afterwards;
//   - when all is quiet, queues are empty, idle lists whole, counts right and
//     locks free (sched.CheckQuiet);
//   - an execution ends within some thousand accesses.
//
// The tests prove the explorer itself: files under testdata/mutations put known
// bugs into the scheduler's source, by a build overlay, and each must be found.
//
// # How to read a timeline
//
// A failure comes with the schedule, for Replay, and a timeline like
//
//	M0
//	     41     G0 rmw   P0.runnext: a G
//	     42     G0 load  npidle: 1
//	        M1
//	     43            load  P0.runnext: none
//	     44            sleeps
//
// A heading is written where another thread goes on, further to the right the
// higher its number; the caller of Run and Close is at the left. A line is the
// number of the point, the G that runs there if it is one of the program's (blank
// in the scheduling loop), the access, the word and its value after the access.
// Words of Gs and channels have numbers only. Start at the end: who sleeps on
// what, or which count is wrong. Then look for the last write of that word, and
// for the thread that had read it before and acted upon it afterwards: between
// the two is a heading, and that switch is the race.
//
// In a schedule "41:2,57:0" thread 2, which is M1, goes on at point 41 and thread
// 0, the caller, at point 57. Elsewhere the thread that runs goes on while it can,
// and then the next in turn.
package explore
