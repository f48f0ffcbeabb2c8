// Readings prints, one a line, what a program can learn from package runtime/numa and from
// runtime/metrics. It builds with numago only.
package main

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"runtime/numa"
	"sync/atomic"
	"unsafe"
)

const many = 3000 // goroutines; the queues of Ps hold 257 each

func main() {
	block := make([]byte, 1<<20)
	block[1<<19] = 1
	fmt.Println("nodes", numa.Nodes())
	fmt.Println("home", numa.Home())
	fmt.Println("page", numa.NodeOf(unsafe.Pointer(&block[1<<19])))
	fmt.Println("null", numa.NodeOf(nil))

	var stop atomic.Bool
	for range many {
		go func() {
			for !stop.Load() {
				runtime.Gosched()
			}
		}()
	}
	sample := []metrics.Sample{{Name: "/sched/goroutines/runnable:goroutines"}}
	runnable := uint64(0)
	for range 20 {
		metrics.Read(sample)
		runnable = max(runnable, sample[0].Value.Uint64())
	}
	fmt.Println("runnable", runnable)
	stop.Store(true)

	before := numa.Read()
	runtime.GOMAXPROCS(1)
	after := numa.Read()
	fmt.Println("ran", before.RunsHome+before.RunsAway)
	fmt.Println("lost", after.RunsHome < before.RunsHome || after.RunsAway < before.RunsAway || after.Binds < before.Binds)
}
