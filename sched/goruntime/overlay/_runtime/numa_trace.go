//go:build linux && (amd64 || arm64)

package runtime

import "internal/runtime/atomic"

// Counters: each P has its own, and numaSum adds them up. Package runtime/numa knows their
// order.

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
	numaSpansNear         // spans taken to allocate from, of the own node's memory
	numaSpansFar          // and of other nodes'
	numaCounters
)

// numaLate counts how often sysmon found old work in a queue beside an idle P.
var numaLate atomic.Int64

// runs counts what the P has run.
func (pp *numaP) runs() uint64 { return pp.count[numaRunsHome] + pp.count[numaRunsAway] }

// numaSum adds up the counters of all Ps, those that GOMAXPROCS took away included.
func numaSum() (sum [numaCounters]uint64) {
	lock(&allpLock)
	for _, pp := range allp[:cap(allp)] {
		for i := range sum {
			if pp != nil {
				sum[i] += pp.numa.count[i]
			}
		}
	}
	unlock(&allpLock)
	return sum
}

// numaAtExit prints the counters if GONUMATRACE=1.
func numaAtExit() {
	if !numa.trace {
		return
	}
	print(numaMarker, "\n")
	sum := numaSum()
	print("gonuma: on=", numa.on, " confined=", numa.confined, " nodes=", numa.n, " bind=", numa.bind,
		" runsHome=", sum[numaRunsHome], " runsAway=", sum[numaRunsAway],
		" handoffs=", sum[numaHandoffs], " queued=", sum[numaQueued], " moves=", sum[numaMoves],
		" stolenNear=", sum[numaStolenNear], " stolenFar=", sum[numaStolenFar], " hungry=", sum[numaHungry],
		" wakes=", sum[numaWakes], " binds=", sum[numaBinds], " refused=", numa.refused.Load(), " late=", numaLate.Load(),
		" heap=", numaHeap.on)
	if numaHeap.on {
		print(" spansNear=", sum[numaSpansNear], " spansFar=", sum[numaSpansFar], " unbound=", numaHeap.refused.Load(), " heapMB=[ ")
		for i := int32(0); i < numa.n; i++ {
			print(numaHeap.nodes[i].pages.Load()*pageSize>>20, " ")
		}
		print("]")
	}
	print("\n")
}

// numaSchedtrace ends the line of GODEBUG=schedtrace that tells the sums, as package sched
// ends its own: the node of each P, then for each node what waits in its queue and how many
// of its Ps are idle. Without nodes the line ends as in stock. sched.lock is held.
func numaSchedtrace(detailed bool) {
	if numa.on {
		if !detailed {
			print(" nodes=[ ")
			for _, pp := range allp {
				print(pp.numa.node, " ")
			}
			print("]")
		}
		print(" nodequeues=[ ")
		for i := int32(0); i < numa.n; i++ {
			print(numaQueues[i].size, " ")
		}
		print("] nodeidleprocs=[ ")
		for i := int32(0); i < numa.n; i++ {
			print(numa.nodes[i].npidle.Load(), " ")
		}
		print("]")
	}
	print("\n")
}

func numaSchedtraceP(pp *p) {
	if numa.on {
		print(" node=", pp.numa.node)
	}
	print("\n")
}

// numaSchedtraceM tells the node that a thread is bound to, which is -1 if it is none.
func numaSchedtraceM(mp *m) {
	if numa.on {
		print(" node=", mp.numa.node-1)
	}
	print("\n")
}
