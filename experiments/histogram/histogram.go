// Package histogram counts times by their length, with an error of at most 1.6 %, in
// whole numbers alone: the same times give the same percentiles everywhere.
package histogram

import "math/bits"

// fine is how many buckets there are for each power of two.
const (
	fineBits = 6
	fine     = 1 << fineBits
)

// A Histogram counts times from 0 up. The zero value is empty.
type Histogram struct {
	buckets [(64 - fineBits) * fine]int64
	n       int64
}

// Add counts a time; one below 0 counts as 0.
func (h *Histogram) Add(t int64) {
	h.buckets[bucket(max(0, t))]++
	h.n++
}

// Len is how many times were counted.
func (h *Histogram) Len() int64 { return h.n }

// Quantile returns a time that part of all do not exceed, as in Quantile(999, 1000). It
// is too large by a sixty-fourth at most. It is 0 if nothing was counted.
func (h *Histogram) Quantile(part, all int64) int64 {
	seen := int64(0)
	for i, n := range h.buckets {
		if seen += n; n > 0 && seen*all >= h.n*part {
			return last(i)
		}
	}
	return 0
}

// bucket is where t is counted. Times below twice fine have buckets of their own.
func bucket(t int64) int {
	shift := max(0, bits.Len64(uint64(t))-fineBits-1)
	return shift*fine + int(t>>shift)
}

// last is the longest time in a bucket.
func last(i int) int64 {
	shift := max(0, i/fine-1)
	return int64(i-shift*fine+1)<<shift - 1
}
