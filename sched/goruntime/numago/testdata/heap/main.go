// Heap has goroutines of each node allocate, drop, and hand objects to each other, and
// prints, one a line, where the objects lie that live in the end, where stacks lay, and how
// much memory the heap took. It builds with numago only.
//
//	heap [MEGABYTES [ROUNDS]]
//	heap limited [MEGABYTES]  has one node free so much, and another one need it that may
//	                          get no more addresses from the kernel
package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/numa"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// An object knows on which node it was made. The garbage collector looks into some and not
// into others.
type object struct {
	bytes []byte
	words []*byte
	node  int // -1: its maker may have moved meanwhile
}

func (o *object) at() unsafe.Pointer {
	if o.words != nil {
		return unsafe.Pointer(&o.words[0])
	}
	return unsafe.Pointer(&o.bytes[0])
}

func (o *object) size() int { return cap(o.bytes) + 8*cap(o.words) }

var sizes = []int{16, 24, 48, 64, 80, 96, 128, 200, 256, 512, 1000, 2048, 4096, 9000, 20000, 40000, 300000}

// newObject makes a small object mostly. All sizes get as many bytes, roughly.
func newObject(r *rand.Rand) (o object) {
	size := sizes[0]
	for i := len(sizes) - 1; i > 0; i-- {
		if r.IntN(sizes[i]) < 24 {
			size = sizes[i]
			break
		}
	}
	before := numa.Here()
	if r.IntN(2) == 0 {
		o.words = make([]*byte, size/8)
	} else {
		o.bytes = make([]byte, size)
		o.bytes[size-1] = 1
	}
	if o.node = numa.Here(); o.node != before {
		o.node = -1
	}
	return o
}

// stacks counts goroutines by where their stacks lie: the first ones on their maker's node or
// not, and the grown ones on the node that they grew on or not.
var stacks, grown struct{ near, far atomic.Int64 }

// spawn makes goroutines that live shortly and need more stack than they begin with. They
// leave their stacks on whichever node they run.
func (w *worker) spawn() {
	var few sync.WaitGroup
	for range 200 {
		maker := make(chan int, 1)
		few.Add(1)
		before := numa.Here()
		go func() {
			defer few.Done()
			var here byte
			node := numa.HeapNodeOf(unsafe.Pointer(&here))
			if want := <-maker; want >= 0 {
				count(node == want, &stacks.near, &stacks.far)
			}
			before := numa.Here()
			node = deep(12)
			if numa.Here() == before && before >= 0 {
				count(node == before, &grown.near, &grown.far)
			}
		}()
		if numa.Here() != before {
			before = -1 // it may have moved meanwhile
		}
		maker <- before
	}
	few.Wait()
}

func count(ok bool, yes, no *atomic.Int64) {
	if ok {
		yes.Add(1)
	} else {
		no.Add(1)
	}
}

// deep returns the node of the stack when that has grown to 16 KB.
//
//go:noinline
func deep(n int) int {
	var frame [1024]byte
	frame[n] = 1
	if n == 0 {
		return numa.HeapNodeOf(unsafe.Pointer(&frame))
	}
	return deep(n-1) + int(frame[n]) - 1
}

// crowd makes goroutines that live all at once, each on a stack, until gate is closed.
func (w *worker) crowd(here, all *sync.WaitGroup, gate chan bool) {
	for range 2000 {
		here.Add(1)
		all.Add(1)
		go func() {
			here.Done()
			<-gate
			all.Done()
		}()
	}
}

// inUse is how many bytes the stacks take.
func inUse() uint64 {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.StackInuse
}

const perNode = 4

// A worker allocates while it runs on its node: if all did so on one, the other's part of the
// heap would be empty.
type worker struct {
	node int
	live []object
	turn chan func(*worker) // what to do next
	done *sync.WaitGroup
}

func (w *worker) run() {
	for do := range w.turn {
		do(w)
		w.done.Done()
	}
}

// recruit finds goroutines that are at home on each node. A goroutine is at home where it
// runs first, and so they come where the Ps take them.
func recruit(done *sync.WaitGroup) (all []*worker) {
	nodes := numa.Nodes()
	var mu sync.Mutex
	have := map[int]int{}
	for batches := 0; len(all) < nodes*perNode; batches++ {
		if batches == 10000 {
			fmt.Fprintf(os.Stderr, "heap: of %d goroutines, these many are at home on each node: %v\n", len(all), have)
			os.Exit(1)
		}
		var batch sync.WaitGroup
		for range 64 {
			w := &worker{turn: make(chan func(*worker)), done: done}
			batch.Add(1)
			go func() {
				for start := time.Now(); time.Since(start) < 100*time.Microsecond; {
				}
				w.node = numa.Home()
				mu.Lock()
				hired := have[w.node] < perNode
				if nodes == 1 {
					hired = len(all) < perNode
				}
				if hired {
					have[w.node]++
					all = append(all, w)
				}
				mu.Unlock()
				batch.Done()
				if hired {
					w.run()
				}
			}()
		}
		batch.Wait()
	}
	return all
}

// fill allocates until the given number of bytes live.
func (w *worker) fill(r *rand.Rand, bytes int) {
	for i := range w.live {
		bytes -= w.live[i].size()
	}
	for bytes > 0 {
		for w.node >= 0 && numa.Here() != w.node {
			runtime.Gosched()
		}
		o := newObject(r)
		bytes -= o.size()
		w.live = append(w.live, o)
	}
}

func number(i, otherwise int) int {
	if len(os.Args) <= i {
		return otherwise
	}
	n, err := strconv.Atoi(os.Args[i])
	if err != nil || n < 1 {
		fmt.Fprintf(os.Stderr, "heap: argument %q: want a number\n", os.Args[i])
		os.Exit(2)
	}
	return n
}

// limited has what the first worker gives back used by one of another node.
func limited(all []*worker, done *sync.WaitGroup, bytes int) {
	one, other := all[0], all[0]
	for _, w := range all {
		if w.node != one.node {
			other = w
		}
	}
	only := func(w *worker, do func(*worker)) {
		done.Add(1)
		w.turn <- do
		done.Wait()
	}
	r := rand.New(rand.NewPCG(1, 1))
	only(one, func(w *worker) { w.fill(r, bytes) })
	one.live = nil
	runtime.GC()
	// No arena, of 64 MB, fits into what is left, and what the runtime needs for itself does.
	size, err := strconv.ParseUint(statm(), 10, 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, "heap:", err)
		os.Exit(1)
	}
	limit := size*uint64(os.Getpagesize()) + 40<<20
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		fmt.Fprintln(os.Stderr, "heap:", err)
		os.Exit(1)
	}
	only(other, func(w *worker) { w.fill(r, bytes*3/4) })
	only(other, func(w *worker) { w.spawn() })
	c := numa.Read()
	fmt.Println("spans", c.SpansNear, c.SpansFar)
	fmt.Println("live", len(other.live))
}

// statm is the size of this process, in pages.
func statm() string {
	text, _ := os.ReadFile("/proc/self/statm")
	size, _, _ := strings.Cut(string(text), " ")
	return size
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "limited" {
		var done sync.WaitGroup
		limited(recruit(&done), &done, number(2, 256)<<20)
		return
	}
	total, rounds := number(1, 64)<<20, number(2, 20)
	var done sync.WaitGroup
	all := recruit(&done)
	together := func(do func(*worker)) {
		done.Add(len(all))
		for _, w := range all {
			w.turn <- do
		}
		done.Wait()
	}
	share := total / len(all)
	random := map[*worker]*rand.Rand{}
	for i, w := range all {
		random[w] = rand.New(rand.NewPCG(1, uint64(i)))
	}
	exchange := make(chan []object, len(all))
	together(func(w *worker) { w.fill(random[w], share) })
	for range rounds {
		// A quarter of what lives is dropped, and a quarter goes to somebody else.
		together(func(w *worker) {
			random[w].Shuffle(len(w.live), func(i, j int) { w.live[i], w.live[j] = w.live[j], w.live[i] })
			quarter := len(w.live) / 4
			exchange <- append([]object(nil), w.live[:quarter]...)
			w.live = append([]object(nil), w.live[2*quarter:]...)
		})
		together(func(w *worker) { w.live = append(w.live, <-exchange...) })
		together((*worker).spawn)
		runtime.GC()
		together(func(w *worker) { w.fill(random[w], share) })
	}
	near, far, unknown := 0, 0, 0
	for _, w := range all {
		for i := range w.live {
			o := &w.live[i]
			switch node := numa.HeapNodeOf(o.at()); {
			case o.node < 0:
			case node < 0:
				unknown++
			case node == o.node:
				near++
			default:
				far++
			}
		}
	}
	c := numa.Read()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	fmt.Println("near", near)
	fmt.Println("far", far)
	fmt.Println("unknown", unknown)
	fmt.Println("spans", c.SpansNear, c.SpansFar)
	fmt.Println("stacks", stacks.near.Load(), stacks.far.Load())
	fmt.Println("grown", grown.near.Load(), grown.far.Load())
	fmt.Println("sys", s.HeapSys)
	fmt.Println("stacksys", s.StackSys)
	fmt.Println("collections", s.NumGC)
	page := moved(all)
	fmt.Println("pages", page[0], page[1], page[2])
	// The stacks of those that have ended go back to the heap when the collector runs.
	var here, ended sync.WaitGroup
	gate := make(chan bool)
	together(func(w *worker) { w.crowd(&here, &ended, gate) })
	here.Wait()
	most := inUse()
	close(gate)
	ended.Wait()
	runtime.GC()
	runtime.GC()
	fmt.Println("crowd", most, inUse())
	runtime.KeepAlive(all)
}

// moved asks the kernel on which node the objects' pages lie: on their maker's, on another
// one, or it does not say.
func moved(all []*worker) (n [3]int) {
	for _, w := range all {
		for i := range w.live {
			o := &w.live[i]
			if o.node < 0 || i%16 != 0 {
				continue
			}
			switch numa.NodeOf(o.at()) {
			case o.node:
				n[0]++
			case -1:
				n[2]++
			default:
				n[1]++
			}
		}
	}
	return n
}
