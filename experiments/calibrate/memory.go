package calibrate

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"numasched/topology"
)

// sink takes the results of loops, so that the compiler cannot remove the loops. A
// function that is timed uses its own variables: those that it shares with its caller
// are in memory, and a chain of them is a chain of loads and stores.
var sink atomic.Uint64

// chaseNs returns the time of a load in a chain of loads at random places of a number of
// bytes.
func chaseNs(bytes int64) float64 {
	n := int(bytes / 64)
	type line struct {
		next int32
		_    [60]byte
	}
	ring := make([]line, n)
	// Sattolo's algorithm makes one cycle of all.
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	x := uint64(88172645463325252)
	for i := n - 1; i > 0; i-- {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		j := int(x % uint64(i))
		order[i], order[j] = order[j], order[i]
	}
	for i := range order {
		ring[i].next = order[i]
	}
	const looks = 1 << 20
	start := int32(0) // where the last round ended, so that the next round does not find its own lines in a cache
	t := best(func() float64 {
		return each(looks, func() {
			at := start
			for range looks {
				at = ring[at].next
			}
			start = at
		})
	})
	sink.Store(uint64(start))
	return t
}

// scatterNs returns the time of a load from a random address in a number of bytes, a
// power of two. The loads do not wait for each other.
func scatterNs(bytes int64) float64 {
	memory := make([]uint64, bytes/8)
	for i := range memory {
		memory[i] = uint64(i)
	}
	const looks = 1 << 20
	return best(func() float64 {
		return each(looks, func() {
			x, sum := uint64(88172645463325252), uint64(0)
			for range looks {
				x = x*6364136223846793005 + 1442695040888963407
				sum += memory[x>>32&uint64(len(memory)-1)]
			}
			sink.Store(sum)
		})
	})
}

// A streamKernel goes over arrays once, like likwid's kernels. streams is how many
// arrays it reads and writes, as likwid counts them.
type streamKernel struct {
	arrays, streams int
	run             func(a, b, c, d []float64) float64
}

var streamKernels = struct{ load, copy, triad, update streamKernel }{
	// Eight sums, so that no addition waits for the last one.
	streamKernel{1, 1, func(a, _, _, _ []float64) float64 {
		var s0, s1, s2, s3, s4, s5, s6, s7 float64
		for ; len(a) >= 8; a = a[8:] {
			s0 += a[0]
			s1 += a[1]
			s2 += a[2]
			s3 += a[3]
			s4 += a[4]
			s5 += a[5]
			s6 += a[6]
			s7 += a[7]
		}
		return s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7
	}},
	streamKernel{2, 2, func(a, b, _, _ []float64) float64 {
		b = b[:len(a)]
		for j := range a {
			a[j] = b[j] + 1 // not a call of memmove, whose stores may bypass the caches
		}
		return a[0]
	}},
	streamKernel{4, 4, func(a, b, c, d []float64) float64 {
		b, c, d = b[:len(a)], c[:len(a)], d[:len(a)]
		for j := range a {
			a[j] = b[j] + c[j]*d[j]
		}
		return a[0]
	}},
	streamKernel{1, 2, func(a, _, _, _ []float64) float64 {
		for j := range a {
			a[j] *= 0.5
		}
		return a[0]
	}},
}

// More than caches hold: of a chase, a power of two, and of all arrays of a stream.
const (
	memoryBytes = 256 << 20
	streamBytes = 128 << 20
)

// streamGBps returns what a number of threads stream together. The arrays of each thread
// have the given bytes in all.
func streamGBps(k streamKernel, threads int, bytes int64) float64 {
	n := int(bytes) / 8 / k.arrays
	times := int(max(1, (4<<20)/bytes))
	bufs := make([][4][]float64, threads)
	for i := range bufs {
		for j := range k.arrays {
			bufs[i][j] = make([]float64, n)
			for x := range bufs[i][j] {
				bufs[i][j][x] = 1
			}
		}
	}
	ns := best(func() float64 {
		return each(times, func() {
			var wg sync.WaitGroup
			for _, b := range bufs {
				wg.Go(func() {
					sum := 0.0
					for range times {
						sum += k.run(b[0], b[1], b[2], b[3])
					}
					sink.Store(math.Float64bits(sum))
				})
			}
			wg.Wait()
		})
	})
	return float64(threads*n*8*k.streams) / ns
}

// cacheSizes returns the bytes of the first three levels of cache that a core has,
// from the topology. If the topology lists none, found is true, and a level ends where
// chase takes longer: it returns the time of a load at random in a number of bytes.
func cacheSizes(topo *topology.Topology, chase func(bytes int64) float64) (sizes [3]int64, found bool, err error) {
	listed := false
	for level, list := range [][]topology.Cache{topo.L1d, topo.L2, topo.L3} {
		for _, c := range list {
			sizes[level] = max(sizes[level], c.Bytes)
		}
		listed = listed || sizes[level] > 0
	}
	if !listed {
		var curve []float64
		for b := int64(chaseLeast); b <= memoryBytes; b *= 2 {
			curve = append(curve, chase(b))
		}
		sizes, err = knees(curve)
		return sizes, true, err
	}
	// Sizes to measure at, where a level is missing.
	if sizes[0] == 0 {
		sizes[0] = 32 << 10
	}
	if sizes[1] == 0 {
		sizes[1] = 8 * sizes[0]
	}
	if sizes[2] == 0 {
		sizes[2] = 6 * sizes[1]
	}
	return sizes, false, nil
}

// chaseLeast is the smallest chase, which every first-level cache holds.
const chaseLeast = 8 << 10

// knees returns the sizes of three levels of cache, as powers of two, from the times
// of loads at random in chaseLeast bytes and each time twice as many. A level ends
// where loads take 1.4 times as long as in it; the next one begins where twice the
// bytes take less than a fifth longer, or at the latest at eight times the bytes. Two
// levels are enough: the third is then as large as the second.
func knees(ns []float64) (sizes [3]int64, err error) {
	at, levels := 0, 0
	for levels < 3 {
		end := at
		for end+1 < len(ns) && ns[end+1] < 1.4*ns[at] {
			end++
		}
		if end+1 >= len(ns) {
			break // it goes on to the end: memory
		}
		sizes[levels] = chaseLeast << end
		levels++
		at = end + 1
		for at < end+3 && at+1 < len(ns) && ns[at+1] > 1.2*ns[at] {
			at++
		}
	}
	if levels < 2 {
		last := len(ns) - 1
		return sizes, fmt.Errorf("this host lists no caches, and its memory shows fewer than two: a load at random takes %.1f ns in %d KiB and %.1f ns in %d MiB; want a host whose /sys/devices/system/cpu/cpu0/cache is there",
			ns[0], chaseLeast>>10, ns[last], chaseLeast<<last>>20)
	}
	if levels == 2 {
		sizes[2] = sizes[1]
	}
	return sizes, nil
}
