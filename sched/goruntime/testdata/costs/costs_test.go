//go:build unix

// Package costs has the shapes of programs in which a NUMA-aware runtime may cost
// something. costs.sh compares stock, off and pretended nodes, by the clock and by the CPU
// time of the process. The second is worth more where others use the machine, too.
package costs

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// cpu has the benchmark report its CPU time for each operation, what share of the CPUs
// others used meanwhile, the clock of the CPUs, and the memory of the process. It is to be
// deferred.
func cpu(b *testing.B) func() {
	start, used, all := time.Now(), cpuTime(), allCPUTime()
	return func() {
		b.StopTimer()
		own, others := cpuTime()-used, time.Duration(0)
		if all != 0 {
			others = max(0, allCPUTime()-all-own)
		}
		b.ReportMetric(float64(own)/float64(b.N), "cpu-ns/op")
		b.ReportMetric(100*float64(others)/float64(time.Since(start))/float64(runtime.NumCPU()), "others-%")
		b.ReportMetric(clock(), "clock-GHz")
		b.ReportMetric(resident(), "rss-MB")
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// allCPUTime is what all programs and the hypervisor have used of the CPUs, from Linux's
// /proc/stat, in which a tick is a hundredth of a second. Elsewhere it is 0.
func allCPUTime() time.Duration {
	text, _ := os.ReadFile("/proc/stat")
	var user, nice, system, idle, wait, irq, softirq, steal int64
	if _, err := fmt.Sscan(strings.TrimPrefix(string(text), "cpu "), &user, &nice, &system, &idle, &wait, &irq, &softirq, &steal); err != nil {
		return 0
	}
	return time.Duration(user+nice+system+irq+softirq+steal) * 10 * time.Millisecond
}

// resident is how much of the process is in memory, in MB. Where Linux does not say it is 0.
func resident() float64 {
	text, _ := os.ReadFile("/proc/self/statm")
	var size, pages float64
	fmt.Sscan(string(text), &size, &pages)
	return pages * float64(os.Getpagesize()) / (1 << 20)
}

// clock is how many additions a CPU makes in a nanosecond, in a chain where each waits for
// the last. It is the best of several short chains, because whatever disturbs one makes it
// longer.
func clock() float64 {
	const steps = 1 << 14
	best := 0.0
	for range 12 {
		x, y := uint64(1), additions
		start := time.Now()
		for range steps {
			x += y
			y ^= x
			x += y
			y ^= x
			x += y
			y ^= x
			x += y
			y ^= x
		}
		best = max(best, 8*steps/float64(time.Since(start)))
		additions = x + y // so that the compiler cannot remove the chain
	}
	return best
}

var additions uint64

// Spawn and wait: a hundred short goroutines at a time.
func BenchmarkSpawn(b *testing.B) {
	defer cpu(b)()
	for range b.N {
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {})
		}
		wg.Wait()
	}
}

// One producer, eight workers with a little to do.
func BenchmarkPool(b *testing.B) {
	jobs := make(chan int, 16)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			sum := uint32(0)
			for j := range jobs {
				for i := range 200 {
					sum = sum*31 + uint32(i+j)
				}
			}
			sink.Store(&sum, sum)
		})
	}
	defer cpu(b)()
	b.ResetTimer()
	for i := range b.N {
		jobs <- i
	}
	close(jobs)
	wg.Wait()
}

var sink sync.Map

// Two goroutines that wait for each other.
func BenchmarkPingPong(b *testing.B) { pairs(b, 1) }

// Sixteen such pairs.
func BenchmarkPingPongs(b *testing.B) { pairs(b, 16) }

func pairs(b *testing.B, n int) {
	defer cpu(b)()
	var wg sync.WaitGroup
	for range n {
		ping, pong := make(chan int), make(chan int)
		wg.Go(func() {
			for range b.N {
				ping <- 1
				<-pong
			}
		})
		wg.Go(func() {
			for range b.N {
				<-ping
				pong <- 1
			}
		})
	}
	wg.Wait()
}

// A server and its clients in one process.
func BenchmarkHTTP(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
	defer srv.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	b.SetParallelism(4)
	defer cpu(b)()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := client.Get(srv.URL)
			if err != nil {
				b.Error(err)
				return
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	})
}

// Allocation and collection.
func BenchmarkGarbage(b *testing.B) {
	type node struct{ left, right *node }
	var tree func(depth int) *node
	tree = func(depth int) *node {
		if depth == 0 {
			return &node{}
		}
		return &node{tree(depth - 1), tree(depth - 1)}
	}
	defer cpu(b)()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			tree(10)
		}
	})
}

// Objects of many sizes that live for a while: about 8 MB for each goroutine.
func BenchmarkChurn(b *testing.B) {
	sizes := [...]int{16, 48, 64, 128, 256, 512, 1000, 2048}
	b.SetParallelism(2)
	defer cpu(b)()
	b.RunParallel(func(pb *testing.PB) {
		r := rand.New(rand.NewPCG(1, 2))
		live := make([][]byte, 20000)
		for pb.Next() {
			for range 1000 {
				live[r.IntN(len(live))] = make([]byte, sizes[r.IntN(len(sizes))])
			}
		}
	})
}
