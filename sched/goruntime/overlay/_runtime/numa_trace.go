//go:build linux && (amd64 || arm64)

package runtime

import "internal/runtime/atomic"

// Counters: each P has its own, and numaAtExit adds them up.

const (
	numaRunsHome   = iota // goroutines run at home
	numaRunsAway          // and elsewhere
	numaHandoffs          // made ready elsewhere, and handed to an idle P at home
	numaQueued            // made ready elsewhere, and queued at home
	numaMoves             // homes that moved
	numaStolenNear        // stolen on the own node
	numaStolenFar         // stolen from others
	numaHungry            // dozes after which an M came for other nodes' work
	numaWakes             // Ps woken because their node had work
	numaBinds             // threads bound
	numaCounters
)

// numaLate counts how often sysmon found old work in a queue beside an idle P.
var numaLate atomic.Int64

// runs counts what the P has run.
func (pp *numaP) runs() uint64 { return pp.count[numaRunsHome] + pp.count[numaRunsAway] }

// numaAtExit prints the counters if GONUMATRACE=1.
func numaAtExit() {
	if !numa.trace {
		return
	}
	print(numaMarker, "\n")
	var sum [numaCounters]uint64
	for _, pp := range allp {
		for i := range sum {
			sum[i] += pp.numa.count[i]
		}
	}
	print("gonuma: on=", numa.on, " confined=", numa.confined, " nodes=", numa.n, " bind=", numa.bind,
		" runsHome=", sum[numaRunsHome], " runsAway=", sum[numaRunsAway],
		" handoffs=", sum[numaHandoffs], " queued=", sum[numaQueued], " moves=", sum[numaMoves],
		" stolenNear=", sum[numaStolenNear], " stolenFar=", sum[numaStolenFar], " hungry=", sum[numaHungry],
		" wakes=", sum[numaWakes], " binds=", sum[numaBinds], " refused=", numa.refused.Load(), " late=", numaLate.Load(), "\n")
}
