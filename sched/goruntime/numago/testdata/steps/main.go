// Steps repeats what its argument says, for a test that counts the machine instructions of each
// repetition. First it repeats it often, so that all that is there only once is there.
// Then it sends itself a signal. It calls mark after each repetition, without end.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const warm = 300

//go:noinline
func mark() { marks++ }

var marks int

var sink any

// shapes return a function that does the thing once.
var shapes = map[string]func() func(){
	// Two goroutines wait for each other.
	"talk": func() func() {
		ping, pong := make(chan int), make(chan int)
		go func() {
			for range ping {
				pong <- 1
			}
		}()
		return func() { ping <- 1; <-pong }
	},
	"spawn": func() func() {
		return func() {
			var wg sync.WaitGroup
			wg.Go(func() {})
			wg.Wait()
		}
	},
	// More goroutines than a P's queue holds.
	"burst": func() func() {
		return func() {
			var wg sync.WaitGroup
			for range 300 {
				wg.Go(func() {})
			}
			wg.Wait()
		}
	},
	"yield": func() func() {
		go func() {
			for {
				runtime.Gosched()
			}
		}()
		return runtime.Gosched
	},
	"lock": func() func() {
		var m sync.Mutex
		start, end := make(chan bool), make(chan bool)
		go func() {
			for range start {
				m.Lock()
				m.Unlock()
				end <- true
			}
		}()
		return func() {
			m.Lock()
			start <- true
			runtime.Gosched()
			m.Unlock()
			<-end
		}
	},
	"sleep": func() func() { return func() { time.Sleep(1) } },
	// System calls that do not block.
	"syscall": func() func() {
		r, w := pipe()
		b := make([]byte, 1)
		return func() { w.Write(b); r.Read(b) }
	},
	// The poller wakes who waits for the other.
	"poll": func() func() {
		r1, w1 := pipe()
		r2, w2 := pipe()
		go func() {
			b := make([]byte, 1)
			for {
				r1.Read(b)
				w2.Write(b)
			}
		}()
		b := make([]byte, 1)
		return func() { w1.Write(b); r2.Read(b) }
	},
	// So many objects that a P takes spans from the central lists.
	"small objects": func() func() {
		return func() {
			for range 300 {
				sink = new([4]int)
			}
		}
	},
	// Stacks are taken, grow, and are given back.
	"stacks": func() func() {
		return func() {
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() { deep(40) })
			}
			wg.Wait()
		}
	},
}

func deep(n int) int {
	var frame [64]int
	if n == 0 {
		return frame[n]
	}
	frame[n] = deep(n - 1)
	return frame[n] + frame[0]
}

func pipe() (r, w *os.File) {
	r, w, err := os.Pipe()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return r, w
}

func main() {
	shape, ok := shapes[os.Args[1]]
	if !ok {
		for name := range shapes {
			fmt.Println(name)
		}
		return
	}
	time.Sleep(time.Millisecond) // until the runtime's own goroutines wait
	once := shape()
	for range warm {
		once()
		mark()
	}
	syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(syscall.Getpid()), uintptr(syscall.Gettid()), uintptr(syscall.SIGUSR1))
	for {
		once()
		mark()
	}
}
