package harness

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A CPU's clock changes with its load, its temperature and its age, and between two
// computers of one model. A repetition whose clock was another one measures another
// computer. So a fixed chain of dependent additions, which every CPU does at one a cycle,
// stands beside every time.

// clockLimit is how far the clock of a repetition may be from the median of the run's.
const clockLimit = 0.02

// AdditionNs returns the time of an addition in a chain of 8n, in which each waits for the
// last.
func AdditionNs(n int) float64 {
	start := time.Now()
	x, y := uint64(1), additions.Load()
	for range n {
		x += y
		y ^= x
		x += y
		y ^= x
		x += y
		y ^= x
		x += y
		y ^= x
	}
	additions.Store(x + y)
	return float64(time.Since(start)) / float64(8*n)
}

// additions takes the results, so that the compiler cannot remove the chains.
var additions atomic.Uint64

// effectiveClock is how many additions a CPU makes in a nanosecond while several threads
// make additions: the GHz that programs see. It takes half a millisecond. A thread has
// the best of several short chains, because whatever disturbs one makes it longer, and
// the clock is the median of the threads.
func effectiveClock(threads int) float64 {
	rates := make([]float64, threads)
	var wg sync.WaitGroup
	for i := range rates {
		wg.Go(func() {
			for range 12 {
				rates[i] = max(rates[i], 1/max(1e-3, AdditionNs(1<<14)))
			}
		})
	}
	wg.Wait()
	slices.Sort(rates)
	return rates[threads/2]
}

// A Clocks says how fast the CPUs of a run were.
type Clocks struct {
	MedianGHz float64 `json:"medianGHz,omitempty"` // 0: nobody looked
	Flagged   int     `json:"flagged,omitempty"`   // repetitions that differ by more than 2 %
	Worst     string  `json:"worst,omitempty"`     // the one that differs most, in words
}

// clocks compares the clocks of repetitions.
func clocks(ms []Measurement) (c Clocks) {
	var all []float64
	for i := range ms {
		if v, ok := ms[i].Get(Clock.Unit); ok && v > 0 {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return c
	}
	c.MedianGHz = summarize(all).Center
	worst := clockLimit
	for i := range ms {
		v, ok := ms[i].Get(Clock.Unit)
		off := v/c.MedianGHz - 1
		if !ok || -clockLimit <= off && off <= clockLimit {
			continue
		}
		c.Flagged++
		if off = max(off, -off); off > worst {
			worst = off
			c.Worst = ms[i].Name() + " at " + Clock.Format(v)
		}
	}
	return c
}
