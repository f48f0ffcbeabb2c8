//go:build !(linux && (amd64 || arm64))

package runtime

import "unsafe"

// On systems where this package reads no nodes everything is as in stock.

type (
	numaRunq  = gQueue
	numaMList = listHeadManual
	numaP     struct{}
	numaM     struct{}
)

var numa, numaHeap struct{ on bool }

func numaInit() {
	numaAsk()
	numaTraced = gogetenv("GONUMATRACE") == "1"
}

var numaTraced bool

func numaAtExit() {
	if numaTraced {
		print(numaMarker, "\ngonuma: on=false: this system has no nodes for it\n")
	}
}

func numaProcresize(nprocs int32) {}
func numaFlatPut(gp *g)           { sched.runq.pushBack(gp) }
func numaNotFair(pp *p) bool      { return sched.runq.empty() }
func numaQueueEmpty(pp *p) bool   { return sched.runq.empty() }
func numaNothingQueued() bool     { return sched.runq.empty() }

// Where numa.on is set, which is nowhere here.
func numaGlobrunqget() (gp *g)                         { return }
func numaGlobrunqgetbatch(n int32) (gp *g, q gQueue)   { return }
func numaMgetSpecific(mp *m) (found *m)                { return }
func numaPidleFirst()                                  {}
func numaPidleput(pp *p)                               {}
func numaCheckRunqsNoP(ps []*p, idle pMask) (found *p) { return }
func numaReady(gp *g) bool                             { return false }
func numaExecute(gp *g)                                {}
func numaExitsyscall()                                 {}
func numaReused(pp *p, gp *g)                          {}
func numaTimer(when int64)                             {}
func numaStealWork(now int64) (gp *g, inheritTime bool, rnow, pollUntil int64, newWork bool) {
	return
}

//go:nowritebarrierrec
func numaMget(pp *p) *m { return mget() }

//go:nowritebarrierrec
func numaPidlegetExit(gp *g) (*p, int64) { return pidleget(0) }

func numaQuiet() bool                        { return false }
func numaRetake(now int64) uint32            { return retake(now) }
func numaNetpoll(delay int64) (gList, int32) { return netpoll(delay) }
func numaMstart()                            {}
func numaMaskThread() uintptr                { return 0 }

//go:nosplit
func numaUnbind() {}

func numaBeforeExec() {}
func numaAfterExec()  {}

//go:nosplit
//go:nowritebarrierrec
func numaForkChild() {}

type numaSpans struct{ *spanSet }

func (b numaSpans) numaPopAny() *mspan { return b.pop() }

func (c *mcentral) partialUnswept(sweepgen uint32) numaSpans {
	return numaSpans{c.partialUnsweptFlat(sweepgen)}
}

func (c *mcentral) partialSwept(sweepgen uint32) numaSpans {
	return numaSpans{c.partialSweptFlat(sweepgen)}
}

func (c *mcentral) fullUnswept(sweepgen uint32) numaSpans {
	return numaSpans{c.fullUnsweptFlat(sweepgen)}
}

func (c *mcentral) fullSwept(sweepgen uint32) numaSpans {
	return numaSpans{c.fullSweptFlat(sweepgen)}
}

func numaSpanTaken(s *mspan)                      {}
func numaNewArena(ha *heapArena)                  {}
func numaHeapHere()                               {}
func numaBorrow(npages uintptr) bool              { return false }
func numaPagesHere(p *pageAlloc)                  {}
func numaPagesOf(p *pageAlloc, base uintptr)      {}
func numaPagesGrow(p *pageAlloc, base, n uintptr) {}
func numaStacksHere(order uint8)                  {}
func numaStacksOf(order uint8, addr uintptr)      {}
func numaFreeStacks(order uint8)                  {}
func numaStackFar(x gclinkptr, order uint8) bool  { return false }
func numaShrinkLater(gp *g) bool                  { return false }

func numaSchedtrace(detailed bool) { print("\n") }
func numaSchedtraceP(pp *p)        { print("\n") }
func numaSchedtraceM(mp *m)        { print("\n") }

//go:linkname numa_nodes
func numa_nodes() int { return 1 }

//go:linkname numa_home
func numa_home() int { return -1 }

//go:linkname numa_here
func numa_here() int { return -1 }

//go:linkname numa_nodeOf
func numa_nodeOf(p unsafe.Pointer) int { return -1 }

//go:linkname numa_heapNodeOf
func numa_heapNodeOf(p unsafe.Pointer) int { return -1 }

//go:linkname numa_read
func numa_read(all *[13]uint64) {}
