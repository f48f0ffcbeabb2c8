package policy

import "testing"

func TestDozeFor(t *testing.T) {
	for times, want := range map[uint32]int64{0: Grace, 1: 2 * Grace, 2: 4 * Grace, 3: LongDoze, 4: LongDoze, 1 << 31: LongDoze} {
		if got := DozeFor(times); got != want {
			t.Errorf("after %d times with a Morsel at most an M dozes for %d ns, want %d", times, got, want)
		}
	}
}

// A Node takes twice as many each time even if its Ms doze for long: that is not time in which it
// was busy. A doze of a Grace is part of HungerBusy as it always was.
func TestLongDozesAreNotBusy(t *testing.T) {
	for _, dozed := range []int64{Grace / 2, Grace, LongDoze} {
		var a Appetite
		now := int64(1 << 40)
		for want := uint32(1); want <= MaxHunger; want *= 2 {
			if got := a.After(now); got != want {
				t.Errorf("with dozes of %d ns it takes %d, want %d", dozed, got, want)
			}
			now += Morsel + dozed
			a.Dozed(dozed)
		}
	}
}
