// Locality says how much of what goroutines touch lies on the node where they run. It builds
// with any go command, and needs Linux.
//
//	locality [DURATION [SCENARIO...]]
//
// It runs all scenarios, or those named. A line for each has its name, the number of pages touched, the share of them that were
// local, and the touches in a second: one for each message, sleep, Gosched or Lock. A goroutine
// touches memory of its own: pages from the kernel that it is the first to touch, or objects that
// it allocates ("heap"). Exit status 3 says that the kernel does not tell where a page lies.
package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"numasched/numa"
)

const (
	page   = 4096
	pages  = 8  // of a worker
	reuses = 64 // touches after which a worker with objects replaces one of them
)

// nodeOf returns the node of p's page. (move_pages also tells, but makes all CPUs give up what they
// hold of pages first, and so takes long.)
func nodeOf(p *byte) int {
	var node int32
	const flags = unix.MPOL_F_NODE | unix.MPOL_F_ADDR
	if _, _, errno := unix.RawSyscall6(unix.SYS_GET_MEMPOLICY, uintptr(unsafe.Pointer(&node)), 0, 0, uintptr(unsafe.Pointer(p)), flags, 0); errno != 0 {
		fmt.Fprintln(os.Stderr, "locality: get_mempolicy:", errno)
		os.Exit(3)
	}
	return int(node)
}

func fail(what string, err error) {
	fmt.Fprintf(os.Stderr, "locality: %s: %v\n", what, err)
	os.Exit(1)
}

// A worker is one goroutine's memory, and what it has counted.
type worker struct {
	memory    [pages][]byte
	node      [pages]int
	heap      bool
	next      int
	all, near int64
}

// newWorker is called by the goroutine itself: it is the first to touch its pages.
func newWorker(heap bool) *worker {
	w := &worker{heap: heap}
	if !heap {
		block, err := unix.Mmap(-1, 0, pages*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
		if err != nil {
			fail("mmap", err)
		}
		for i := range w.memory {
			w.memory[i] = block[i*page:][:page]
		}
	}
	for i := range w.memory {
		w.renew(i)
	}
	return w
}

// renew gives the worker another object i, if it has objects.
func (w *worker) renew(i int) {
	if w.heap {
		w.memory[i] = make([]byte, page)
	}
	w.memory[i][0] = 1
	w.node[i] = nodeOf(&w.memory[i][0])
}

// touch touches one of the worker's pages.
func (w *worker) touch() {
	i := w.next % pages
	if w.next++; w.heap && w.next%reuses == 0 {
		w.renew(i)
	}
	w.memory[i][0] = 1
	w.all++
	if _, here := numa.CurrentCPU(); here == w.node[i] {
		w.near++
	}
}

// A load starts goroutines that touch until stopped. Each announces its worker.
type load struct {
	heap    bool
	begun   sync.WaitGroup // goroutines that have their memory
	gate    chan bool      // closed when all have, so that none begins before
	stopped atomic.Bool
	mu      sync.Mutex
	workers []*worker
	all     sync.WaitGroup
}

// start starts a goroutine.
func (l *load) start(f func(w *worker)) {
	l.begun.Add(1)
	l.all.Go(func() {
		w := newWorker(l.heap)
		l.begun.Done()
		<-l.gate
		f(w)
		l.mu.Lock()
		l.workers = append(l.workers, w)
		l.mu.Unlock()
	})
}

// done has w touch a page, and reports whether the load is over.
func (l *load) done(w *worker) bool {
	w.touch()
	return l.stopped.Load()
}

// ring starts n goroutines that pass a message round.
func (l *load) ring(n int) {
	chans := make([]chan bool, n)
	for i := range chans {
		chans[i] = make(chan bool, 1) // so that the last message finds room
	}
	for i, in := range chans {
		out := chans[(i+1)%n]
		l.start(func(w *worker) {
			for range in {
				if l.done(w) {
					break
				}
				out <- true
			}
			close(out)
		})
	}
	chans[0] <- true
}

// times starts n goroutines that touch and do f, again and again.
func (l *load) times(n int, f func()) {
	for range n {
		l.start(func(w *worker) {
			for !l.done(w) {
				f()
			}
		})
	}
}

// socket starts two goroutines that send bytes to each other over loopback.
func (l *load) socket() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail("listen", err)
	}
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		fail("dial", err)
	}
	server, err := listener.Accept()
	if err != nil {
		fail("accept", err)
	}
	for i, c := range []net.Conn{client, server} {
		l.start(func(w *worker) {
			defer c.Close() // ends the other one's read
			b := make([]byte, 1)
			if i == 0 {
				c.Write(b)
			}
			for {
				if _, err := c.Read(b); err != nil || l.done(w) {
					return
				}
				if _, err := c.Write(b); err != nil {
					return
				}
			}
		})
	}
}

func repeat(n int, f func()) {
	for range n {
		f()
	}
}

type scenario struct {
	name string
	heap bool
	run  func(l *load)
}

var scenarios = []scenario{
	{"ping-pong-x4", false, func(l *load) { repeat(4, func() { l.ring(2) }) }},
	{"ping-pong-x32", false, func(l *load) { repeat(32, func() { l.ring(2) }) }},
	{"groups-4x8", false, func(l *load) { repeat(4, func() { l.ring(8) }) }},
	{"groups-16x4", false, func(l *load) { repeat(16, func() { l.ring(4) }) }},
	{"sleepers-64", false, func(l *load) { l.times(64, func() { time.Sleep(time.Millisecond) }) }},
	{"yielders-32", false, func(l *load) { l.times(32, runtime.Gosched) }},
	{"mutex-16", false, func(l *load) {
		var mu sync.Mutex
		shared := 0
		l.times(16, func() { mu.Lock(); shared++; mu.Unlock() })
	}},
	{"sockets-16", false, func(l *load) { repeat(16, l.socket) }},
	{"heap-ping-pong-x32", true, func(l *load) { repeat(32, func() { l.ring(2) }) }},
	{"heap-sleepers-64", true, func(l *load) { l.times(64, func() { time.Sleep(time.Millisecond) }) }},
}

func main() {
	duration := time.Second
	if len(os.Args) > 1 {
		d, err := time.ParseDuration(os.Args[1])
		if err != nil || d <= 0 {
			fmt.Fprintf(os.Stderr, "locality: %s: want a duration like 500ms\n", os.Args[1])
			os.Exit(2)
		}
		duration = d
		for _, name := range os.Args[2:] {
			if !slices.ContainsFunc(scenarios, func(s scenario) bool { return s.name == name }) {
				fmt.Fprintf(os.Stderr, "locality: %s: no such scenario; want one of", name)
				for _, s := range scenarios {
					fmt.Fprint(os.Stderr, " ", s.name)
				}
				fmt.Fprintln(os.Stderr)
				os.Exit(2)
			}
		}
	}
	for _, s := range scenarios {
		if len(os.Args) > 2 && !slices.Contains(os.Args[2:], s.name) {
			continue
		}
		l := &load{heap: s.heap, gate: make(chan bool)}
		s.run(l)
		l.begun.Wait()
		begun := time.Now()
		close(l.gate)
		time.Sleep(duration)
		seconds := time.Since(begun).Seconds()
		l.stopped.Store(true)
		l.all.Wait()
		var all, near int64
		for _, w := range l.workers {
			all, near = all+w.all, near+w.near
		}
		fmt.Printf("%s %d %.4f %.0f\n", s.name, all, float64(near)/float64(all), float64(all)/seconds)
	}
}
