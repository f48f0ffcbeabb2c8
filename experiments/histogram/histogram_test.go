package histogram

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestQuantilesAreThoseOfTheTimes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, most := range []int64{1, 100, 128, 1e6, math.MaxInt64} {
		var h Histogram
		var all []int64
		for range 10_000 {
			v := rng.Int64N(most)
			h.Add(v)
			all = append(all, v)
		}
		slices.Sort(all)
		for _, part := range []int64{1, 500, 990, 999, 1000} {
			want := all[(int64(len(all))*part+999)/1000-1]
			if got := h.Quantile(part, 1000); got < want || float64(got-want) > float64(want)/fine {
				t.Errorf("below %d: %d of 1000 do not exceed %d, want %d or a little more", most, part, got, want)
			}
		}
		if h.Len() != int64(len(all)) {
			t.Errorf("%d times counted, want %d", h.Len(), len(all))
		}
	}
	if q := new(Histogram).Quantile(1, 2); q != 0 {
		t.Errorf("half of no times do not exceed %d", q)
	}
}

// Every time is in the bucket that ends at or after it, and after the one before.
func TestBucketsFollowEachOther(t *testing.T) {
	for i := range len(Histogram{}.buckets) - 1 {
		if bucket(last(i)) != i || bucket(last(i)+1) != i+1 {
			t.Fatalf("bucket %d ends at %d, which is in %d; the next time is in %d", i, last(i), bucket(last(i)), bucket(last(i)+1))
		}
	}
	if b := bucket(math.MaxInt64); b != len(Histogram{}.buckets)-1 {
		t.Errorf("the longest time is in bucket %d of %d", b, len(Histogram{}.buckets))
	}
}

// What is written is read back, and two halves add up to the whole.
func TestHistogramsAreWrittenAndAddUp(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var whole, sum Histogram
	var halves [2]Histogram
	for i := range 1000 {
		v := rng.Int64N(1 << uint(1+i%62))
		whole.Add(v)
		halves[i%2].Add(v)
	}
	for i := range halves {
		h, _, err := Parse(strings.Fields(halves[i].String()))
		if err != nil {
			t.Fatal(err)
		}
		sum.AddAll(h)
	}
	if sum != whole {
		t.Error("two halves, written and read, are not the whole")
	}
	n, before := int64(0), int64(-1)
	for v, many := range whole.All() {
		if v <= before || many < 1 {
			t.Errorf("%d times of %d after %d", many, v, before)
		}
		n, before = n+many, v
	}
	if n != whole.Len() {
		t.Errorf("All has %d times, want %d", n, whole.Len())
	}
	if h, _, err := Parse(nil); err != nil || h.Len() != 0 {
		t.Errorf("nothing: %v", err)
	}
}
