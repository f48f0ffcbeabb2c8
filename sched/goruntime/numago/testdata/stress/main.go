// Stress mixes everything that makes Ms, Ps and goroutines change hands, and watches how
// long work waits. Its argument is how long it runs; with a second one, "asleep" or "busy", it
// does nothing but that, to test the watcher. With "stranded", one pair stops and all else goes
// on. With "endless", something else never ends. NUMAGO_PROGRESS names a file that is as long
// as a page. Its first word is to count what goes on, and each of the next ones how often a pair
// does. It prints a line for the process, for each kind of work, and for the pair that waited
// longest: how often it went on, the longest gap between two times, and how many gaps were of
// 20 ms or more.
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

func main() {
	length, err := time.ParseDuration(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	share(os.Getenv("NUMAGO_PROGRESS"))
	defer shared.all.Store(0)
	end := time.Now().Add(length)
	fault := ""
	if len(os.Args) > 2 {
		fault = os.Args[2]
	}
	if fault == "asleep" || fault == "busy" {
		shared.all.Add(1)
		for fault == "busy" && time.Now().Before(end) {
		}
		time.Sleep(time.Until(end))
		return
	}
	running := func() bool { return time.Now().Before(end) }
	var wg, talkers sync.WaitGroup
	var over atomic.Bool // all others have ended
	var pairs [numPairs]watch

	// Pairs that talk, and yield. One of two can always run, until the very end.
	for i := range pairs {
		ch := make(chan int)
		talkers.Go(func() {
			defer close(ch)
			for !over.Load() {
				if i == 0 && fault == "stranded" {
					select {}
				}
				ch <- 1
				runtime.Gosched()
			}
		})
		talkers.Go(func() {
			for range ch {
				pairs[i].note(talk.goesOn())
				shared.pairs[i].Add(1)
			}
		})
	}
	// Many that live shortly.
	wg.Go(func() {
		for running() {
			var few sync.WaitGroup
			for range 50 {
				few.Go(func() { spawn.goesOn() })
			}
			few.Wait()
		}
	})
	// Sleepers.
	for range 10 {
		wg.Go(func() {
			for running() {
				time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
				sleep.goesOn()
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
					if !running() {
						break
					}
					c.Write(b)
					io.ReadFull(c, b)
					network.goesOn()
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
				block.goesOn()
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
			lock.goesOn()
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
			stop.goesOn()
		}
		runtime.GOMAXPROCS(procs)
	})
	if fault == "endless" {
		wg.Go(func() { select {} })
	}
	wg.Wait()
	over.Store(true)
	talkers.Wait()
	fmt.Println("process", &process)
	for _, k := range kinds {
		fmt.Println(k.name, &k.watch)
	}
	slowest := &pairs[0]
	for i := range pairs {
		if pairs[i].worst.Load() > slowest.worst.Load() {
			slowest = &pairs[i]
		}
	}
	fmt.Println("pair", slowest)
}
