package sim

// What NUMA balancing does with pages. From time to time it marks the pages of programs.
// The next touch of a marked page is a fault, which tells where the page is used. A page
// that a node touches twice in a row goes there. Since Linux 3.13, during the first four
// passes, a page goes at once if no node has touched it while it was marked.
//
// From Linux's kernel/sched/fair.c (task_numa_work, should_numa_migrate_memory,
// update_task_scan_period) and the documentation of kernel.numa_balancing: a scan marks
// 256 MiB. The first comes a second after a program has begun. A second later comes the
// next, or later if the pages are where they are used: each time the pause grows by up
// to three tenths, up to a minute. Here a pass marks at its beginning what the kernel
// marks in steps, and all programs are scanned together. Huge pages are not modelled:
// each 4 KiB are a fault. Pages that a program has bound (mbind, set_mempolicy) are not
// marked.

const (
	hintFault = 1500 * Nanosecond // assumed: a minor fault, per page
	copyPage  = 2500 * Nanosecond // assumed: unmap, copy 4 KiB from afar, map, flush

	scanBytes  = 256 << 20
	scanLeast  = Second
	scanLonger = 60 * Second
)

// A pageScan is the scanner's state.
type pageScan struct {
	epoch       int32 // how many passes there have been; 0: there is no NUMA balancing
	fixed       bool  // the pause does not grow
	pause       Time  // between two scans
	next        Time  // pass
	migrated    int64
	right, left int64 // bytes of marked pages that were on the node that touched them, and of others, in this pass
}

// A mark is what NUMA balancing keeps of a block.
type mark struct {
	epoch   int32 // when it was last looked at
	toucher int32 // the node that touched it then, plus 1
}

// pass begins a pass if it is time for one.
func (m *memory) pass(now Time) {
	s := &m.scan
	if now < s.next {
		return
	}
	if s.epoch++; s.right+s.left > 0 && !s.fixed {
		// Seven tenths and more are where they are used: scan less. Fewer: scan more.
		tenths := Time(s.right * 10 / (s.right + s.left))
		s.pause = min(max(s.pause+(tenths-7)*s.pause/10, scanLeast), scanLonger)
	}
	s.right, s.left = 0, 0
	s.next = now + s.pause*Time(max(1, (m.bytes+scanBytes-1)/scanBytes))
}

// faulted does what NUMA balancing does when a thread touches a marked block.
func (k *Machine) faulted(t *thread, id, node int32, size int64) {
	s, blk, mark := &k.mem.scan, &k.mem.blocks[id], &k.mem.marks[id]
	mark.epoch = s.epoch
	if t.os.faults == nil {
		t.os.faults = make([]int64, len(k.nodes))
	}
	t.os.faults[blk.home] += size
	t.os.fault = true
	pages := Time(max(1, size/4096))
	t.span.fault += hintFault * pages
	if blk.home == node {
		s.right += size
	} else {
		s.left += size
	}
	early := !s.fixed && s.epoch <= 4 && mark.toucher == 0
	if blk.home != node && (mark.toucher == node+1 || early) && len(k.nodes[node].cpus) > 0 && k.nodes[node].memory {
		blk.home = node
		t.span.fault += copyPage * pages
		s.migrated += size
	}
	mark.toucher = node + 1
}

// Migrated returns how many bytes NUMA balancing has moved.
func (k *Machine) Migrated() int64 { return k.mem.scan.migrated }
