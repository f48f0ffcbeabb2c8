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
