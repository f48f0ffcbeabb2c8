package overlay

// edits are all changes to Go's own files. A stock function that runs often asks itself whether
// nodes are told apart. With GONUMA=off that is a comparison with memory and a branch that is not
// taken: "if on { if f() {" is that, and "if on && f() {" is four instructions more. Some stock
// functions call ours with GONUMA=off, too, and then ours ask:
//   - Whoever puts a goroutine into the global queue calls a method of numaRunq, but for Gosched.
//   - An M that finds no work calls numaNothingQueued and numaNetpoll.
//   - Whoever wants an idle M calls numaMget or a method of numaMList, and who comes back from a
//     system call and has no P calls numaPidlegetExit.
//   - The four functions of mcentral that are taken over are ours, and so are the lists that
//     they return.
//   - sysmon calls numaRetake.
//   - What is rare calls ours: a thread starts or is locked, a process starts another one or
//     ends, the number of Ps changes, GODEBUG=schedtrace prints.
//
// The order is that of _runtime/numa.go: state, placement of Ps, queues, idle Ms and Ps,
// stealing, homes, threads, start and end.
var edits = []edit{
	// State. The fields of g fill padding, and the others come last, so that all offsets stay.
	addFields("runtime2.go", "g", "runningCleanups", "numaHome, numaFrom uint8"),
	addFields("runtime2.go", "m", "self", "numa numaM"),
	addFields("runtime2.go", "p", "xRegs", "numa numaP"),

	// Which Ps live on which node. No P is idle there, and the world is stopped.
	afterAssign("proc.go", "procresize", "mcache0", "numaProcresize(nprocs)"),

	// A queue for each node in the place of the global queue. In findRunnable the first
	// look is for fairness, the second is an ordinary one, the third comes with sched.lock
	// held before the P is given up, and the fourth comes after that. With nodes told apart
	// the fourth finds nothing, because numaCheckRunqsNoP looks there, too, and because
	// numaPidleput relies on it that the M comes there: findRunnable does not return before.
	retypeField("runtime2.go", "schedt", "runq", "numaRunq"),
	replaceCall("proc.go", "findRunnable", "sched.runq.empty", 0, "numaNotFair(pp)"),
	replaceCall("proc.go", "findRunnable", "sched.runq.empty", 1, "numaQueueEmpty(pp)"),
	replaceCall("proc.go", "findRunnable", "sched.runq.empty", 2, "numaNothingQueued()"),
	replaceCall("proc.go", "findRunnable", "sched.runq.empty", 3, "(numa.on || sched.runq.empty())"),
	replaceCall("proc.go", "goschedImpl", "globrunqput", 0, "if numa.on { globrunqput(gp) } else { numaFlatPut(gp) }"),
	atStart("proc.go", "globrunqget", "if numa.on { return numaGlobrunqget() }"),
	atStart("proc.go", "globrunqgetbatch", "if numa.on { return numaGlobrunqgetbatch(n) }"),

	// Idle Ms and Ps by node.
	retypeField("runtime2.go", "schedt", "midle", "numaMList"),
	atStart("proc.go", "mgetSpecific", "if numa.on { return numaMgetSpecific(mp) }"),
	replaceCall("proc.go", "startm", "mget", 0, "numaMget(pp)"),
	replaceCall("proc.go", "procresize", "mget", 0, "numaMget(pp)"),
	replaceCall("proc.go", "procresize", "mget", 1, "numaMget(pp)"),
	ahead("proc.go", "stopTheWorldWithSema", "pidleget", 0, "if numa.on { numaPidleFirst() }"),
	ahead("proc.go", "startm", "pidleget", 0, "if numa.on { numaPidleFirst() }"),
	ahead("proc.go", "findRunnable", "pidleget", 0, "if numa.on { numaPidleFirst() }"),
	ahead("proc.go", "checkdead", "pidleget", 0, "if numa.on { numaPidleFirst() }"),
	ahead("proc.go", "pidlegetSpinning", "pidleget", 0, "if numa.on { numaPidleFirst() }"),
	atStart("proc.go", "pidleput", "if numa.on { numaPidleput(pp) }"),
	replaceCall("proc.go", "exitsyscallTryGetP", "pidleget", 0, "numaPidlegetExit(getg().m.curg)"),
	replaceCall("proc.go", "exitsyscallNoP", "pidleget", 0, "numaPidlegetExit(gp)"),

	// Stealing, and what an M does that has found nothing.
	atStart("proc.go", "wakep", "if numa.on { if numaQuiet() { return } }"),
	before("proc.go", "wakeNetPoller", "wakep", 0, "if numa.on { numaTimer(when) }"),
	atStart("proc.go", "stealWork", "if numa.on { return numaStealWork(now) }"),
	atStart("proc.go", "checkRunqsNoP", "if numa.on { return numaCheckRunqsNoP(allpSnapshot, idlepMaskSnapshot) }"),
	renameCall("proc.go", "sysmon", "retake", 0, "numaRetake"),

	// Homes.
	afterAssign("proc.go", "newproc1", "newg", "if numa.on { numaReused(pp, newg) }"),
	atStart("proc.go", "execute", "if numa.on { numaExecute(gp) }"),
	before("proc.go", "ready", "runqput", 0, "if numa.on { if numaReady(gp) { releasem(mp); return } }"),
	renameCall("proc.go", "findRunnable", "netpoll", 0, "numaNetpoll"),
	renameCall("proc.go", "findRunnable", "netpoll", 1, "numaNetpoll"),
	after("proc.go", "exitsyscall", "acquirepNoTrace", 0, "if numa.on { numaExitsyscall() }"),

	// Threads, and processes that they start.
	after("proc.go", "mstart1", "minit", 0, "numaMstart()"),
	atStart("proc.go", "dolockOSThread", "numaUnbind()"),
	atStart("proc.go", "syscall_runtime_BeforeExec", "numaBeforeExec()"),
	atStart("proc.go", "syscall_runtime_AfterExec", "numaAfterExec()"),
	atStart("proc.go", "syscall_runtime_AfterForkInChild", "numaForkChild()"),
	replaceArg("os_linux.go", "getCPUCount", "sched_getaffinity", 0, 0, "numaMaskThread()"),

	// The heap by node. The metadata of an arena tells its node. Each node has a radix tree
	// of its free pages, in which the pages of the others are in use; the bitmaps below the
	// trees, and the scavenger, know no nodes. mheap_.pages has the tree of one node at a time.
	addFields("mheap.go", "heapArena", "zeroedBase", "numa uint8"),
	before("malloc.go", "mheap.sysAlloc", "atomic.StorepNoWB", 1, "if numaHeap.on { numaNewArena(r) }"),
	atStart("mheap.go", "mheap.grow", "if numaHeap.on { numaHeapHere() }"),
	before("mheap.go", "mheap.grow", "print", 0, "if numaHeap.on { if numaBorrow(npage) { return 0, true } }"),
	atStart("mpagealloc.go", "pageAlloc.grow", "if numaHeap.on { numaPagesGrow(p, base, size) }"),
	atStart("mpagealloc.go", "pageAlloc.alloc", "if numaHeap.on { numaPagesHere(p) }"),
	atStart("mpagecache.go", "pageAlloc.allocToCache", "if numaHeap.on { numaPagesHere(p) }"),
	atStart("mpagealloc.go", "pageAlloc.free", "if numaHeap.on { numaPagesOf(p, base) }"),
	atStart("mpagecache.go", "pageCache.flush", "if numaHeap.on { if !c.empty() { numaPagesOf(p, c.base) } }"),
	after("mgcscavenge.go", "pageAlloc.scavengeOne", "lock", 0, "if numaHeap.on { numaPagesOf(p, chunkBase(ci)) }"),
	after("mgcscavenge.go", "pageAlloc.scavengeOne", "lock", 1, "if numaHeap.on { numaPagesOf(p, addr) }"),

	// The central lists of spans by node. The sweeper takes from all.
	takeOver("mcentral.go", "mcentral.partialUnswept"),
	takeOver("mcentral.go", "mcentral.partialSwept"),
	takeOver("mcentral.go", "mcentral.fullUnswept"),
	takeOver("mcentral.go", "mcentral.fullSwept"),
	before("mcentral.go", "mcentral.cacheSpan", "s.refillAllocCache", 0, "if numaHeap.on { numaSpanTaken(s) }"),
	renameCall("mgcsweep.go", "mheap.nextSpanForSweep", "c.fullUnswept(sg).pop", 0, "c.fullUnswept(sg).numaPopAny"),
	renameCall("mgcsweep.go", "mheap.nextSpanForSweep", "c.partialUnswept(sg).pop", 0, "c.partialUnswept(sg).numaPopAny"),

	// Stacks by node.
	atStart("stack.go", "stackpoolalloc", "if numaHeap.on { numaStacksHere(order) }"),
	after("stack.go", "stackpoolalloc", "osStackAlloc", 0, "if numaHeap.on { numaStacksOf(order, s.base()) }"),
	atStart("stack.go", "stackpoolfree", "if numaHeap.on { numaStacksOf(order, uintptr(x)) }"),
	after("stack.go", "freeStackSpans", "lock", 0, "if numaHeap.on { numaFreeStacks(uint8(order)) }"),
	afterAssign("stack.go", "stackfree", "c", "if numaHeap.on { if numaStackFar(x, order) { return } }"),
	atStart("stack.go", "shrinkstack", "if numaHeap.on { if numaShrinkLater(gp) { return } }"),

	// What others read: node columns at the end of GODEBUG=schedtrace's lines, of the short
	// one, the long one, and those of each P and each M.
	beforeNewline("proc.go", "schedtrace", 13, "numaSchedtrace(detailed)"),
	beforeNewline("proc.go", "schedtrace", 1, "numaSchedtrace(detailed)"),
	beforeNewline("proc.go", "schedtrace", 5, "numaSchedtraceP(pp)"),
	beforeNewline("proc.go", "schedtrace", 23, "numaSchedtraceM(mp)"),

	// Start and end.
	before("proc.go", "schedinit", "defaultGOMAXPROCSInit", 0, "numaInit()"),
	atStart("proc.go", "runExitHooks", "numaAtExit()"),
}

// relied names the declarations that no edit touches and on whose behaviour our files rely.
var relied = map[string][]string{
	"proc.go": {
		// The protocol of wake-ups: see _runtime/numa.go.
		"resetspinning", "m.becomeSpinning", "pidleget", "handoffp", "injectglist",
		"checkIdleGCNoP", "checkTimersNoP", "schedule", "newproc", "pollWork",
		// Stopping the world drains the list of idle Ps.
		"gcstopm", "startTheWorldWithSema", "forEachPInternal",
		// How an M waits and gets a P.
		"stopm", "mPark", "mput", "mget", "acquirep", "acquirepNoTrace", "releasep", "stoplockedm", "startlockedm",
		"newm", "allocm", "startTemplateThread", "templateThread", "lockOSThread", "unlockOSThread", "dounlockOSThread",
		// What a P in a system call looks like: see numaInSyscall.
		"setBlockOnExitSyscall", "reentersyscall", "readgstatus",
		// Queues.
		"runqempty", "runqput", "runqputslow", "runqputbatch", "runqget", "runqdrain", "runqgrab", "runqsteal",
		"globrunqput", "globrunqputhead", "globrunqputbatch",
		"gQueue", "gQueue.empty", "gQueue.push", "gQueue.pushBack", "gQueue.pushBackAll", "gQueue.pop", "gQueue.popList",
		"gList", "gList.empty", "gList.push", "gList.pop",
		"pMask", "pMask.read", "retake", "p.init", "p.destroy",
		// Free goroutines.
		"gfget", "gfput",
	},
	"list_manual.go": {
		"listHeadManual", "listHeadManual.init", "listHeadManual.getNode", "listHeadManual.empty",
		"listHeadManual.push", "listHeadManual.pop", "listHeadManual.remove", "listNodeManual",
	},
	"lock_futex.go":    {"noteclear", "notewakeup", "notesleep", "notetsleep", "notetsleep_internal"},
	"netpoll.go":       {"netpollAdjustWaiters", "netpollAnyWaiters"},
	"netpoll_epoll.go": {"netpoll"},
	"os_linux.go":      {"newosproc", "minit", "osinit"},
	"cgroup_linux.go":  {"defaultGOMAXPROCS", "defaultGOMAXPROCSInit"},
	"mgcpacer.go":      {"gcControllerState.setMemoryLimit", "gcControllerState.commit", "readGOMEMLIMIT"},
	"time.go":          {"timers.check"},

	// The heap by node: see _runtime/numa_heap.go. Whoever looks at the summaries, at the
	// address that a search begins at, or at curArena.
	"mpagealloc.go": {
		"pageAlloc", "pageAlloc.init", "pageAlloc.update", "pageAlloc.find", "pageAlloc.findMappedAddr",
		"pageAlloc.allocRange", "pageAlloc.markRandomPaddingPages", "pageAlloc.enableChunkHugePages",
	},
	"mpagealloc_64bit.go": {"pageAlloc.sysInit", "pageAlloc.sysGrow", "scavengeIndex.sysGrow"},
	"mpagecache.go":       {"pageCache", "pageCache.alloc", "pageCache.allocN"},
	"mgcscavenge.go":      {"pageAlloc.scavenge", "scavengeIndex.find", "scavengeIndex.grow", "scavengeIndex.free"},
	"mranges.go":          {"addrRanges", "addrRanges.findSucc", "addrRanges.add"},
	"slice.go":            {"notInHeapSlice"},
	// Whoever gets memory from the kernel, and whoever takes pages and gives them back.
	"mem_linux.go": {"sysMapOS", "sysReserveOS", "sysUsedOS", "sysUnusedOS"},
	"mem.go":       {"sysMap"},
	"mheap.go": {
		"mheap", "mheap.init", "mheap.alloc", "mheap.allocManual", "mheap.allocSpan", "mheap.initSpan",
		"mheap.freeManual", "mheap.freeSpanLocked", "mheap.reclaimChunk", "mSpanList", "mSpanList.init", "mSpanList.remove", "mSpanList.insert", "arenaIndex", "spanOf",
	},
	"arena.go": {"mheap.allocUserArenaChunk"},
	// Whoever uses the pools of stacks.
	"stack.go": {"stackpoolItem", "stackinit", "stackalloc", "stackcacherefill", "stackcacherelease", "stackcache_clear", "copystack"},
	// Whoever takes spans from the central lists and puts them there.
	"mcentral.go": {"mcentral", "mcentral.init", "mcentral.uncacheSpan", "mcentral.grow"},
	"mspanset.go": {"spanSet", "spanSet.push", "spanSet.pop", "spanSet.reset"},
	"mgcsweep.go": {"sweepone", "finishsweep_m", "sweepLocked.sweep"},
	"mcache.go":   {"mcache.refill", "mcache.allocLarge", "mcache.releaseAll", "mcache.prepareForSweep"},
}
