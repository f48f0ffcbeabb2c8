package harness

import (
	"math"
	"strings"
	"testing"
)

// made returns one measurement per value.
func made(arm string, values ...float64) []Measurement {
	var ms []Measurement
	for _, v := range values {
		ms = append(ms, Measurement{Cell: Cell{"fib", "", arm, "1n1l2c1t", 2}, Runs: 1, Values: []Value{{v, "ns/task"}}})
	}
	return ms
}

func rowOf(t *testing.T, groups []Group, arm string) *Row {
	t.Helper()
	if len(groups) != 1 {
		t.Fatalf("%d groups, want 1", len(groups))
	}
	r := groups[0].Find(arm)
	if r == nil {
		t.Fatalf("no row for %s", arm)
	}
	return r
}

func TestThroughputIsTheMedianWithAnInterval(t *testing.T) {
	r := rowOf(t, Summarize(made("flat", 50, 40, 100, 25, 20, 10)), "flat")
	if r.N != 6 || r.Throughput.Center != (2.5e7+4e7)/2 {
		t.Errorf("n %d, median %v; want 6 and 3.25e7, between 1e9/40 and 1e9/25, tasks per second", r.N, r.Throughput.Center)
	}
	if r.Throughput.Lo != 1e7 || r.Throughput.Hi != 1e8 || r.Throughput.Confidence < 0.95 {
		t.Errorf("interval %v..%v at %v; of six values it is their range", r.Throughput.Lo, r.Throughput.Hi, r.Throughput.Confidence)
	}
	if r.Speedup != nil {
		t.Error("the baseline has a speed-up over itself")
	}
}

// The machine slows down to half its speed during the run. Each arm's own
// interval is then wide, but neighbouring repetitions still agree.
func TestDriftOfTheMachineIsNotNoiseOfTheSpeedup(t *testing.T) {
	flat := []float64{100, 110, 120, 140, 160, 180, 200, 200, 200, 200}
	var numa []float64
	for _, v := range flat {
		numa = append(numa, v/1.25)
	}
	r := rowOf(t, Summarize(append(made("flat", flat...), made("numa", numa...)...)), "numa")
	s := r.Speedup
	if math.Abs(s.Center-1.25) > 1e-9 || s.Hi-s.Lo > 1e-9 {
		t.Errorf("speed-up %v (%v..%v), want exactly 1.25", s.Center, s.Lo, s.Hi)
	}
	if r.Throughput.Hi/r.Throughput.Lo < 1.3 {
		t.Error("the drift is not in the throughput's own interval: the test tests nothing")
	}
}

func TestTheSameSamplesShowNoDifference(t *testing.T) {
	v := []float64{10, 11, 12, 13, 14, 15}
	s := rowOf(t, Summarize(append(made("flat", v...), made("numa", v...)...)), "numa").Speedup
	if s.Differs() || s.Center != 1 {
		t.Errorf("speed-up %v, p=%v", s.Center, s.P)
	}
}

func TestTooFewRepetitionsHaveNoInterval(t *testing.T) {
	groups := Summarize(append(made("flat", 10, 11), made("numa", 10)...))
	r := rowOf(t, groups, "numa")
	if !math.IsInf(r.Throughput.Hi, 0) || r.Speedup.Differs() || r.Speedup.P > 1 {
		t.Errorf("interval %v..%v, p=%v from one repetition", r.Throughput.Lo, r.Throughput.Hi, r.Speedup.P)
	}
	var b strings.Builder
	for _, table := range Tables(groups, Host) {
		table.Print(&b)
	}
	if !strings.Contains(b.String(), "too few") {
		t.Errorf("the table does not say so:\n%s", b.String())
	}
}

func TestWhatWasNotCountedIsNotZero(t *testing.T) {
	r := rowOf(t, Summarize(made("goroutine", 1, 2)), "goroutine")
	for what, v := range map[string]float64{"local": r.Local.Center, "steals": r.StealsLocal, "bound": r.Bound, "others": r.Other} {
		if !math.IsNaN(v) {
			t.Errorf("%s is %v although nobody counted", what, v)
		}
	}
}

func TestBoundShareIsOfAllSamples(t *testing.T) {
	ms := made("numa", 1, 1)
	ms[0].Values = append(ms[0].Values, Value{100, UnitBound}, Value{9900, UnitBoundSamples})
	ms[1].Values = append(ms[1].Values, Value{0, UnitBound}, Value{100, UnitBoundSamples})
	if r := rowOf(t, Summarize(ms), "numa"); r.Bound != 99 || r.Samples != 10000 {
		t.Errorf("%v %% of %v samples, want 99 %% of 10000", r.Bound, r.Samples)
	}
}

func TestVirtualMachinesHaveNoSpeed(t *testing.T) {
	groups := Summarize(append(made("flat", 10, 11), made("numa", 1, 1)...))
	for _, table := range Tables(groups, Virtual) {
		for _, h := range table.Head {
			if strings.Contains(h, "ns/") || strings.Contains(h, "throughput") || strings.Contains(h, "over") {
				t.Errorf("column %q in a table from a virtual machine", h)
			}
		}
	}
	if v := Verdicts(groups, Virtual); len(v) != 1 || strings.Contains(v[0], "faster on") {
		t.Errorf("verdict %q", v)
	}
}

func TestVerdictSaysFasterSlowerOrNoDifference(t *testing.T) {
	fast, slow := []float64{10, 11, 12, 13, 14, 15}, []float64{20, 21, 22, 23, 24, 25}
	ms := append(made("flat", slow...), made("numa", fast...)...)
	for i := range ms {
		m := ms[i]
		m.Workload = "heat"
		m.Arm = map[string]string{"flat": "numa", "numa": "flat"}[m.Arm]
		ms = append(ms, m)
	}
	ms = append(ms, made("gm", slow...)...)
	got := strings.Join(Verdicts(Summarize(ms), Host), "\n")
	want := "numa against flat: faster on fib 1.80x; slower on heat 0.56x.\ngm against flat: no difference shown on fib 1.00x."
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFormats(t *testing.T) {
	for got, want := range map[string]string{
		FormatRatio(1.034): "1.03x", FormatRatio(12.34): "12.3x", FormatRatio(0.0411): "0.041x", FormatRatio(math.NaN()): "?",
		FormatNumber(49.44): "49.4", FormatNumber(1234.5): "1234", FormatNumber(0): "0", FormatNumber(0.9985): "0.999",
		FormatPercent(99.97): "100.0 %", FormatPercent(97.2): "97 %", FormatPercent(math.NaN()): "-",
		FormatBound(99.999): "99.99 %", FormatBound(100): "100.00 %",
		FormatP(0.0002): "p<0.001", FormatP(0.0491): "p=0.049",
		FormatRate(24.4e6): "24.40M/s",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
