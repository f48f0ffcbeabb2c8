// Package histogram counts times by their length, with an error of at most 1.6 %, in
// whole numbers alone: the same times give the same percentiles everywhere. Histograms of
// several runs add up to that of all of them.
package histogram

import (
	"fmt"
	"iter"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

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

// AddMany counts n times that are all as long as t.
func (h *Histogram) AddMany(t, n int64) {
	h.buckets[bucket(max(0, t))] += n
	h.n += n
}

// AddAll counts what o has counted.
func (h *Histogram) AddAll(o *Histogram) {
	for i, n := range o.buckets {
		h.buckets[i] += n
	}
	h.n += o.n
}

// All are the times that were counted, in ascending order, and how many there are of each.
// A time stands for those that are shorter by less than a sixty-fourth.
func (h *Histogram) All() iter.Seq2[int64, int64] {
	return func(yield func(t, n int64) bool) {
		for i, n := range h.buckets {
			if n > 0 && !yield(last(i), n) {
				return
			}
		}
	}
}

// String is what [Parse] reads: "1023:12 1039:3" says that 12 times, rounded up, are 1023.
func (h *Histogram) String() string {
	var b strings.Builder
	for t, n := range h.All() {
		fmt.Fprintf(&b, " %d:%d", t, n)
	}
	return strings.TrimPrefix(b.String(), " ")
}

// Parse reads what String writes, in fields as strings.Fields makes them. If there is an
// error, bad is the number of the field that it is about.
func Parse(fields []string) (h *Histogram, bad int, err error) {
	h = new(Histogram)
	before := int64(-1)
	for i, pair := range fields {
		left, right, _ := strings.Cut(pair, ":")
		t, err := strconv.ParseInt(left, 10, 64)
		n, errN := strconv.ParseInt(right, 10, 64)
		switch {
		case err != nil || errN != nil || t < 0 || n < 1 || n > math.MaxInt64-h.n || fmt.Sprintf("%d:%d", t, n) != pair:
			return nil, i, fmt.Errorf("%q: want a time and how many there are of it, as in 1023:12", pair)
		case last(bucket(t)) != t:
			return nil, i, fmt.Errorf("%q: want a time that a histogram has, such as %d", pair, last(bucket(t)))
		case t <= before:
			return nil, i, fmt.Errorf("%q: want times in ascending order", pair)
		}
		before = t
		h.AddMany(t, n)
	}
	return h, 0, nil
}

// Len is how many times were counted.
func (h *Histogram) Len() int64 { return h.n }

// Quantile returns a time that part of all do not exceed, as in Quantile(999, 1000). It
// is too large by a sixty-fourth at most. It is 0 if nothing was counted.
func (h *Histogram) Quantile(part, all int64) int64 {
	seen := int64(0)
	for i, n := range h.buckets {
		if seen += n; n > 0 && reaches(seen, all, h.n, part) {
			return last(i)
		}
	}
	return 0
}

// reaches reports whether a/c is at least p/q, for a product that may need 128 bits.
func reaches(a, q, c, p int64) bool {
	hi, lo := bits.Mul64(uint64(a), uint64(q))
	wantHi, wantLo := bits.Mul64(uint64(c), uint64(p))
	return hi > wantHi || hi == wantHi && lo >= wantLo
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
