// Stress mixes everything that makes Ms, Ps and goroutines change hands, and watches that
// no goroutine that could run waits for long. Its argument is how long it runs.
package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

var counts [7]atomic.Int64

func main() {
	length, err := time.ParseDuration(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	end := time.Now().Add(length)
	running := func() bool { return time.Now().Before(end) }
	var wg sync.WaitGroup

	// Pairs that talk, and yield.
	for range 6 {
		ch := make(chan int)
		wg.Go(func() {
			defer close(ch)
			for running() {
				ch <- 1
				runtime.Gosched()
			}
		})
		wg.Go(func() {
			for range ch {
				counts[0].Add(1)
			}
		})
	}
	// Many that live shortly.
	wg.Go(func() {
		for running() {
			var few sync.WaitGroup
			for range 50 {
				few.Go(func() { counts[1].Add(1) })
			}
			few.Wait()
		}
	})
	// Sleepers.
	for range 10 {
		wg.Go(func() {
			for running() {
				time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
				counts[2].Add(1)
			}
		})
	}
	// The network.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { io.Copy(c, c); c.Close() })
		}
	})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for running() {
				c, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					continue
				}
				b := make([]byte, 8)
				for range 20 {
					c.Write(b)
					io.ReadFull(c, b)
					counts[3].Add(1)
				}
				c.Close()
			}
		})
	}
	wg.Go(func() { clients.Wait(); l.Close() })
	// System calls that block.
	for range 3 {
		r, w, err := os.Pipe()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		fd := r.Fd() // blocking from now on
		_ = fd
		wg.Go(func() {
			for running() {
				w.Write([]byte{1})
				time.Sleep(time.Millisecond)
			}
			w.Close()
		})
		wg.Go(func() {
			b := make([]byte, 1)
			for {
				if _, err := r.Read(b); err != nil {
					return
				}
				counts[4].Add(1)
			}
		})
	}
	// Locked threads; some end with their goroutine.
	wg.Go(func() {
		for running() {
			done := make(chan bool)
			go func() {
				runtime.LockOSThread()
				runtime.Gosched()
				if rand.IntN(4) != 0 {
					runtime.UnlockOSThread()
				}
				close(done)
			}()
			<-done
			counts[5].Add(1)
		}
	})
	// The world stops.
	wg.Go(func() {
		procs := runtime.GOMAXPROCS(0)
		for running() {
			time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond)
			if rand.IntN(3) == 0 {
				runtime.GC()
			} else {
				runtime.GOMAXPROCS(1 + rand.IntN(2*procs+2))
			}
			counts[6].Add(1)
		}
		runtime.GOMAXPROCS(procs)
	})
	// All must go on. A second is long even on a busy machine.
	worst := time.Duration(0)
	for running() {
		before := [len(counts)]int64{}
		for i := range counts {
			before[i] = counts[i].Load()
		}
		at := time.Now()
		for i := range counts {
			for counts[i].Load() == before[i] && running() {
				time.Sleep(100 * time.Microsecond)
			}
		}
		worst = max(worst, time.Since(at))
	}
	wg.Wait()
	total := int64(0)
	for i := range counts {
		total += counts[i].Load()
	}
	fmt.Println("worst", worst, "total", total)
}
