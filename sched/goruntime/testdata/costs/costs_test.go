//go:build unix

// Package costs has the shapes of programs in which a NUMA-aware runtime may cost
// something. costs.sh compares stock, off and pretended nodes, by the clock and by the CPU
// time of the process. The second is worth more where others use the machine, too.
package costs

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"
	"time"
)

// cpu has the benchmark report its CPU time for each operation and the clock of the CPUs,
// and is to be deferred.
func cpu(b *testing.B) func() {
	before := cpuTime()
	return func() {
		b.StopTimer()
		b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
		b.ReportMetric(clock(), "clock-GHz")
	}
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

func cpuTime() int64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail
	return u.Utime.Nano() + u.Stime.Nano()
}

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
