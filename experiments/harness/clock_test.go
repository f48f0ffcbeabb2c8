package harness

import (
	"strings"
	"testing"
)

func TestRepetitionsWithAnotherClockAreMarked(t *testing.T) {
	ms := made("flat", 1, 1, 1, 1, 1)
	for i, ghz := range []float64{3, 3.05, 2.95, 3.07, 2.6} {
		ms[i].Values = append(ms[i].Values, Value{ghz, Clock.Unit})
	}
	c := clocks(ms)
	if c.MedianGHz != 3 || c.Flagged != 2 || !strings.HasSuffix(c.Worst, " at 2.60") {
		t.Errorf("%+v, want the fourth and the fifth of 3 GHz, and most the fifth", c)
	}
	m := &Meta{Place: Host, Clocks: c, Done: 5, Planned: 5, Disturbed: Disturbance{Known: true}, Plan: Plan{Reps: 6}}
	if notes := strings.Join(m.Notes(), "\n"); !strings.Contains(notes, "in 2 of 5 repetitions it differed by more than 2 % from the median of 3.00 GHz") {
		t.Errorf("the notes do not say so:\n%s", notes)
	}
	if c := clocks(made("flat", 1, 1)); c != (Clocks{}) {
		t.Errorf("%+v where nobody looked", c)
	}
}

func TestEffectiveClock(t *testing.T) {
	if ghz := effectiveClock(2); !(ghz > 0.05 && ghz < 50) { // under emulators and the race detector, too
		t.Errorf("%v additions in a nanosecond", ghz)
	}
}
