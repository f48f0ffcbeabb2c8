package numa

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"
	"unsafe"
)

type line [64]byte

var (
	sinkPointer unsafe.Pointer
	sinkLine    *line
)

func BenchmarkAllocFree(b *testing.B) {
	for _, size := range []int{16, 64, 1024, 8192, 40 << 10} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			_, c := pretended(b, false, 0)
			for b.Loop() {
				p, _ := c[0].Alloc(size)
				c[0].Free(p)
			}
		})
	}
	b.Run("size=64/debug", func(b *testing.B) {
		_, c := pretended(b, true, 0)
		for b.Loop() {
			p, _ := c[0].Alloc(64)
			c[0].Free(p)
		}
	})
}

// 1024 objects are alive at any time, about as many as a run queue has tasks.
func BenchmarkAllocFreeWindow(b *testing.B) {
	const window = 1024
	b.Run("cache", func(b *testing.B) {
		_, c := pretended(b, false, 0)
		var live [window]unsafe.Pointer
		for i := range live {
			live[i] = mustAlloc(b, c[0], 64)
		}
		for i := 0; b.Loop(); i++ {
			o := &live[i%window]
			c[0].Free(*o)
			*o, _ = c[0].Alloc(64)
		}
	})
	b.Run("new", func(b *testing.B) {
		var live [window]*line
		for i := 0; b.Loop(); i++ {
			live[i%window] = new(line)
		}
		sinkLine = live[0]
	})
	b.Run("pool", func(b *testing.B) {
		_, c := pretended(b, false, 0)
		pool, err := NewPool[line]()
		if err != nil {
			b.Fatal(err)
		}
		var live [window]*line
		for i := range live {
			live[i], _ = pool.New(c[0])
		}
		for i := 0; b.Loop(); i++ {
			o := &live[i%window]
			pool.Free(c[0], *o)
			*o, _ = pool.New(c[0])
		}
	})
}

// One owner allocates and another, on another node, frees. The objects go through a
// ring of 1024 places that both poll. The time is for one object.
func BenchmarkAllocHereFreeThere(b *testing.B) {
	for _, m := range []struct {
		name  string
		nodes []int
	}{{"samenode", []int{0, 0}}, {"crossnode", []int{0, 1}}} {
		b.Run(m.name, func(b *testing.B) {
			h, _ := pretended(b, false, 0, 1)
			here, _ := h.NewCache(m.nodes[0])
			there, _ := h.NewCache(m.nodes[1])
			handOver(b, func() unsafe.Pointer {
				p, _ := here.Alloc(64)
				return p
			}, there.Free)
		})
	}
	b.Run("new", func(b *testing.B) {
		handOver(b, func() unsafe.Pointer { return unsafe.Pointer(new(line)) }, func(p unsafe.Pointer) { sinkPointer = p })
	})
	b.Run("ringalone", func(b *testing.B) {
		p := unsafe.Pointer(new(line))
		handOver(b, func() unsafe.Pointer { return p }, func(unsafe.Pointer) {})
	})
}

// handOver passes b.N objects from here to there, in blocks of 64 so that the
// ring's own cost stays small.
func handOver(b *testing.B, here func() unsafe.Pointer, there func(unsafe.Pointer)) {
	type block [64]unsafe.Pointer
	ring := make(chan *block, 16)
	back := make(chan *block, 16)
	for range 16 {
		back <- new(block)
	}
	done := make(chan bool)
	go func() {
		runtime.LockOSThread()
		for blk := range ring {
			for _, p := range blk {
				there(p)
			}
			back <- blk
		}
		close(done)
	}()
	b.ResetTimer()
	for i := 0; i < b.N; i += len(block{}) {
		blk := <-back
		for k := range blk {
			blk[k] = here()
		}
		ring <- blk
	}
	close(ring)
	<-done
}

func BenchmarkChurn(b *testing.B) {
	b.ReportMetric(100*churn(b, max(b.N, 1000), 256<<20), "%overhead")
}

// TestBillionsOfOperations is run by hand: NUMA_CHURN_OPS=1e9 go test -run Billions.
func TestBillionsOfOperations(t *testing.T) {
	f, err := strconv.ParseFloat(os.Getenv("NUMA_CHURN_OPS"), 64)
	if err != nil {
		t.Skip("set NUMA_CHURN_OPS, such as 1e9, to run it")
	}
	t.Logf("overhead over live bytes: %.1f %%", 100*churn(t, int(f), 256<<20))
}
