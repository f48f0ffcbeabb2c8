// Heap allocates, drops, and hands over objects, and prints, one a line, where those lie that
// live in the end, and how much memory the heap took. It builds with numago only.
//
//	heap [MEGABYTES [ROUNDS]]
package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/numa"
	"strconv"
	"sync"
	"sync/atomic"
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

var sizes = []int{16, 16, 24, 48, 64, 80, 96, 128, 200, 256, 512, 1000, 2048, 4096, 9000, 20000, 40000, 300000}

func newObject(r *rand.Rand) (o object) {
	// Small ones are as many bytes as large ones.
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

func (o *object) size() int { return cap(o.bytes) + 8*cap(o.words) }

const workers = 8

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

func main() {
	total, rounds := number(1, 64)<<20, number(2, 20)
	live := make([][]object, workers)
	exchange := make(chan []object, workers)
	var peak, made atomic.Uint64
	watch := func() {
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		for old := peak.Load(); s.HeapSys-s.HeapReleased > old && !peak.CompareAndSwap(old, s.HeapSys-s.HeapReleased); old = peak.Load() {
		}
	}
	var all sync.WaitGroup
	for k := range workers {
		all.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(k)))
			sum := 0
			for sum < total/workers {
				o := newObject(r)
				sum += o.size()
				live[k] = append(live[k], o)
			}
			for range rounds {
				// A quarter of what lives is dropped, and a quarter goes to somebody else.
				mine := live[k]
				r.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
				quarter := len(mine) / 4
				exchange <- append([]object(nil), mine[:quarter]...)
				clear(mine[:quarter])
				theirs := <-exchange
				keep := append([]object(nil), mine[2*quarter:]...)
				clear(mine)
				keep = append(keep, theirs...)
				sum := 0
				for i := range keep {
					sum += keep[i].size()
				}
				for sum < total/workers {
					o := newObject(r)
					sum += o.size()
					keep = append(keep, o)
					made.Add(1)
				}
				live[k] = keep
				watch()
			}
		})
	}
	all.Wait()
	runtime.GC()
	watch()
	var near, far, foreign int
	for _, objects := range live {
		for i := range objects {
			switch node := numa.HeapNodeOf(objects[i].at()); {
			case objects[i].node < 0:
			case node == objects[i].node:
				near++
			case node < 0:
				foreign++
			default:
				far++
			}
		}
	}
	c := numa.Read()
	fmt.Println("near", near)
	fmt.Println("far", far)
	fmt.Println("unknown", foreign)
	fmt.Println("made", made.Load())
	fmt.Println("spansNear", c.SpansNear)
	fmt.Println("spansFar", c.SpansFar)
	fmt.Println("peak", peak.Load())
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	fmt.Println("heapsys", s.HeapSys)
	fmt.Println("inuse", s.HeapInuse, "gcs", s.NumGC)
	runtime.KeepAlive(live)
}
