package harness

import (
	"math"
	"slices"
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
	r := rowOf(t, overFlat(made("flat", 50, 40, 100, 25, 20, 10)), "flat")
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
	r := rowOf(t, overFlat(append(made("flat", flat...), made("numa", numa...)...)), "numa")
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
	s := rowOf(t, overFlat(append(made("flat", v...), made("numa", v...)...)), "numa").Speedup
	if s.Finding() != NoDifference || s.Center != 1 {
		t.Errorf("speed-up %v, p=%v", s.Center, s.P)
	}
}

func TestTooFewRepetitionsHaveNoInterval(t *testing.T) {
	groups := overFlat(append(made("flat", 10, 11), made("numa", 10)...))
	r := rowOf(t, groups, "numa")
	if !math.IsInf(r.Throughput.Hi, 0) || r.Speedup.Finding() != TooFew || r.Speedup.P > 1 {
		t.Errorf("interval %v..%v, p=%v from one repetition", r.Throughput.Lo, r.Throughput.Hi, r.Speedup.P)
	}
	var b strings.Builder
	for _, table := range Tables(groups, &Meta{Place: Host}) {
		table.Print(&b)
	}
	if !strings.Contains(b.String(), "too few") {
		t.Errorf("the table does not say so:\n%s", b.String())
	}
}

func TestWhatWasNotCountedIsNotZero(t *testing.T) {
	r := rowOf(t, overFlat(made("goroutine", 1, 2)), "goroutine")
	for _, m := range slices.Concat(Metrics[1:], SimulatedMetrics) {
		if v := r.Mid(m); !math.IsNaN(v) {
			t.Errorf("%s is %v although nobody counted", m.Name, v)
		}
	}
}

func TestBoundShareIsOfAllSamples(t *testing.T) {
	ms := made("numa", 1, 1)
	ms[0].Values = append(ms[0].Values, Value{100, OnNode.Unit}, Value{9900, Samples.Unit})
	ms[1].Values = append(ms[1].Values, Value{0, OnNode.Unit}, Value{100, Samples.Unit})
	if r := rowOf(t, overFlat(ms), "numa"); r.Mid(OnNode) != 99 {
		t.Errorf("%v %% of all samples, want 99 %%", r.Mid(OnNode))
	}
}

func TestVirtualMachinesHaveNoSpeed(t *testing.T) {
	groups := overFlat(append(made("flat", 10, 11), made("numa", 1, 1)...))
	for _, table := range Tables(groups, &Meta{Place: Virtual}) {
		for _, h := range table.Head {
			if strings.Contains(h, "ns/") || strings.Contains(h, "throughput") || strings.Contains(h, "over") {
				t.Errorf("column %q in a table from a virtual machine", h)
			}
		}
	}
	got := strings.Join(Verdicts(groups, &Meta{Place: Virtual}), "\n")
	if want := "Times on a virtual NUMA machine mean nothing, so no arm is called faster than another."; got != want {
		t.Errorf("verdict %q, want %q", got, want)
	}
}

// In a run with the host's own nodes and pretended ones, the speed of the former
// and the locality of the latter are judged.
func TestPretendedNodesHaveLocalityAndNoSpeed(t *testing.T) {
	ms := append(made("flat", 20, 21, 22, 23, 24, 25), made("numa", 10, 11, 12, 13, 14, 15)...)
	for i, all := 0, len(ms); i < all; i++ {
		m := ms[i]
		m.Topo = "pretended-2n1l4c1t"
		local := map[string]float64{"flat": 60, "numa": 98}[m.Arm]
		m.Values = append(m.Values[:1:1], Value{local, Local.Unit})
		ms = append(ms, m)
	}
	meta := &Meta{Place: Host, Topologies: []TopoMeta{{Label: "1n1l2c1t"}, {Label: "pretended-2n1l4c1t", Pretended: true}}}
	got := strings.Join(Verdicts(overFlat(ms), meta), "\n")
	want := "numa against flat: faster on fib 1.80x.\n" +
		"Times on pretended nodes mean nothing, so no arm is called faster than another.\n" +
		"Locality under numa (under flat): fib local 98 % (60 %)."
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestVerdictOnADisturbedMachineIsCalledNone(t *testing.T) {
	groups := overFlat(append(made("flat", 10, 11), made("numa", 1, 1)...))
	for flagged, want := range map[int]bool{0: false, 2: false, 3: true} {
		m := &Meta{Place: Host, Done: 4, Disturbed: Disturbance{Known: true, Flagged: flagged}}
		if got := strings.Contains(Verdicts(groups, m)[0], "is no verdict"); got != want {
			t.Errorf("%d of 4 repetitions disturbed: said to be no verdict: %v, want %v", flagged, got, want)
		}
		if got := strings.Contains(m.Label(), "DISTURBED"); got != want || m.Plain() == want {
			t.Errorf("%d of 4 repetitions disturbed: label %q, plain %v", flagged, m.Label(), m.Plain())
		}
	}
}

func TestFindingNeedsTestAndPairs(t *testing.T) {
	drift := []float64{100, 110, 130, 160, 200, 250, 310, 380}
	var little []float64 // less than the drift, in every pair
	for _, v := range drift {
		little = append(little, v/1.05)
	}
	for what, c := range map[string]struct {
		flat, arm []float64
		want      Finding
	}{
		"both":         {[]float64{10, 11, 12, 13, 14, 15}, []float64{20, 21, 22, 23, 24, 25}, Slower},
		"neither":      {[]float64{10, 11, 12, 13, 14, 15}, []float64{15, 14, 13, 12, 11, 10}, NoDifference},
		"pairs alone":  {drift, little, Undecided},
		"three each":   {[]float64{10, 11, 12}, []float64{800, 801, 802}, TooFew},
		"no intervals": {[]float64{10, 11, 12, 13}, []float64{1, 2, 3, 4}, Faster},
	} {
		s := rowOf(t, overFlat(append(made("flat", c.flat...), made("numa", c.arm...)...)), "numa").Speedup
		if got := s.Finding(); got != c.want {
			t.Errorf("%s: %v, want %v; %v .. %v, p=%v", what, got, c.want, s.Lo, s.Hi, s.P)
		}
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
	got := strings.Join(Verdicts(overFlat(ms), &Meta{Place: Host}), "\n")
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
		FormatOnNode(99.999): "99.99 %", FormatOnNode(100): "100.00 %",
		FormatP(0.0002): "p<0.001", FormatP(0.0491): "p=0.049",
		FormatRate(24.4e6): "24.40M/s",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func overFlat(ms []Measurement) []Group { return Summarize(ms, "flat") }

// An arm that moves more than it must is not nearer to the bound for that.
func TestTheArmsOfACellShareOneBound(t *testing.T) {
	m := func(arm string, ns, bound float64) Measurement {
		ms := Measurement{Cell: Cell{Workload: "triad", Arm: arm, Topo: "x", Procs: 4}, Runs: 1, Exact: true, Values: []Value{{Value: ns, Unit: "ns/chunk"}}}
		if bound > 0 {
			ms.Values = append(ms.Values, Value{Value: ns / bound, Unit: OverBound.Unit})
		}
		return ms
	}
	g := Summarize([]Measurement{m("flat", 40, 36), m("numa", 12, 10), m("gm", 50, 0)}, "flat")[0]
	for arm, want := range map[string]float64{"flat": 4, "numa": 1.2} {
		if got := g.Find(arm).Mid(OverBound); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: %v times the bound, want %v", arm, got, want)
		}
	}
	if got := g.Find("gm").Mid(OverBound); !math.IsNaN(got) {
		t.Errorf("an arm without a bound: %v", got)
	}
}

// Where arrivals decide how long a run takes, latencies are compared and times are not.
func TestOpenWorkloadsAreJudgedByLatency(t *testing.T) {
	ms := append(made("flat", 20, 21, 22, 23, 24, 25), made("numa", 10, 11, 12, 13, 14, 15)...)
	for i := range ms {
		ms[i].Workload = "kvserve"
		ms[i].Values = append(ms[i].Values, Value{map[string]float64{"flat": 5e6, "numa": 250_400}[ms[i].Arm], P99.Unit})
	}
	got := strings.Join(Verdicts(overFlat(ms), &Meta{Place: Host}), "\n")
	if want := "Latency under numa (under flat): kvserve p99 250us (5.00ms)."; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A service is judged by its latency: how long a run takes is the arrivals' affair.
func TestAServiceIsJudgedByItsLatency(t *testing.T) {
	var ms []Measurement
	for i := range 6 {
		for arm, p99 := range map[string]float64{"flat": 4e6, "numa": 1e6} {
			ms = append(ms, Measurement{Cell: Cell{"kvserve", "gap=20000", arm, "x", 2}, Runs: 1, Values: []Value{{5 + float64(i), "ns/request"}, {p99, P99.Unit}}})
		}
	}
	cells, times := Times(ms)
	if got := times[cells[0]]; len(cells) != 2 || got.Metric != P99.Unit || got.Unit != "request" || got.Sample.Values[0] < 1e6 {
		t.Errorf("%v: %+v, want p99", cells, got)
	}
	cells, ratios := Ratios(ms, "flat")
	if len(cells) != 1 || cells[0].Arm != "numa" || len(ratios[cells[0]].Sample.Values) != 6 || ratios[cells[0]].Sample.Values[0] != 4 {
		t.Errorf("%v: %+v, want numa four times as good", cells, ratios)
	}
	ms[0].Workload, ms[0].Values = "fib", []Value{{5, "ns/task"}, {1, P99.Unit}}
	if _, times := Times(ms[:1]); times[ms[0].Cell].Metric != "ns/task" {
		t.Errorf("%+v, want times", times[ms[0].Cell])
	}
}

// So it is in tables: "over flat" is of latencies there, and the head and the legend say so.
func TestTablesOfAServiceCompareLatencies(t *testing.T) {
	var ms []Measurement
	for range 6 {
		for arm, p99 := range map[string]float64{"flat": 4e6, "numa": 1e6} {
			ms = append(ms, Measurement{Cell: Cell{"kvserve", "gap=20000", arm, "x", 2}, Runs: 1, Values: []Value{{5, "ns/request"}, {p99, P99.Unit}}})
		}
	}
	groups := Summarize(ms, "flat")
	m := &Meta{Place: Host}
	table := groupTable(&groups[0], m)
	at := slices.Index(table.Head, "p99 over flat")
	if at < 0 || table.Rows[slices.IndexFunc(table.Rows, func(r []string) bool { return r[0] == "numa" })][at] != "4.00x" {
		t.Errorf("%v, want p99 over flat, 4.00x under numa", table)
	}
	if legend := strings.Join(Legend(groups, m), "\n"); !strings.Contains(legend, "p99 over flat: the p99 of flat over that of the arm") {
		t.Errorf("legend: %s", legend)
	}
}
