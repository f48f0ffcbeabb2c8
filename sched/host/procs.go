package host

import (
	"os"
	"runtime"
	"slices"
	"sync"
)

// gomaxprocsSlack is how many more Ps Go's runtime has than there are Ms. If a thread
// returns from a futex and all of Go's Ps are taken, another thread goes on with its
// goroutine, and that thread is bound elsewhere.
//
// 2 was compared with 1 and 0 on two CPUs, on 27 November 2026, in medians of interleaved runs.
// A goroutine that sleeps in the kernel, as sysmon does, needs a P of Go's to go on. If Ms compute
// on all of them, it waits until Go's runtime takes one away. With all Ms computing, sysmon woke
// late by 15 ms and more in a hundredth of its looks with 0, by 5 ms with 1 and by 5 to 9 ms with
// 2. A time slice lasted 33 ms (99th percentile: 60) with 0, and 20 ms with 1 (28) and 2 (36). With
// two goroutines of the program that computed beside, sysmon was late by 50, 36 and 17 ms.
// Ping-pong took 1.45, 1.33 and 1.24 us, and a fork 99, 86 and 80 ns: too few runs (10) on too
// busy a machine to tell these apart, so nothing there speaks for less. Nor do HTTP servers: see
// hostnet. Wake-ups at half load were not compared.
const gomaxprocsSlack = 2

// goprocs is what the open Machines want GOMAXPROCS to be. GOMAXPROCS belongs to the
// process, so all Machines share this record, and may be closed in any order. If its
// value is not the one that a Machine set last, the program has set it. That value
// lasts.
var goprocs struct {
	sync.Mutex
	wants   []int // one for each open Machine
	program int   // the program's own value
	set     int   // what a Machine set last
}

// wantProcs makes GOMAXPROCS at least n until a call of unwantProcs(n).
func wantProcs(n int) {
	p := &goprocs
	p.Lock()
	defer p.Unlock()
	if now := runtime.GOMAXPROCS(0); len(p.wants) == 0 || now != p.set {
		p.program = now
	}
	p.wants = append(p.wants, n)
	p.set = max(p.program, slices.Max(p.wants))
	runtime.GOMAXPROCS(p.set)
}

func unwantProcs(n int) {
	p := &goprocs
	p.Lock()
	defer p.Unlock()
	i := slices.Index(p.wants, n)
	p.wants = slices.Delete(p.wants, i, i+1)
	now := runtime.GOMAXPROCS(0)
	switch {
	case now != p.set:
		p.program, p.set = now, now
	case len(p.wants) > 0:
		p.set = max(p.program, slices.Max(p.wants))
		runtime.GOMAXPROCS(p.set)
	default:
		// A call of GOMAXPROCS ends its automatic updates. If the program had the
		// default, it gets them back with it.
		if os.Getenv("GOMAXPROCS") == "" {
			runtime.SetDefaultGOMAXPROCS()
		}
		if runtime.GOMAXPROCS(0) != p.program {
			runtime.GOMAXPROCS(p.program)
		}
	}
}
