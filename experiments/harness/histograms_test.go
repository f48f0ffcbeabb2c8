package harness

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"numasched/experiments/histogram"
)

// latencyBench takes a second for each run; repetition i of an arm has 99 times of 1 us
// and one of i ms.
func latencyBench(c *PlanCell, rep Repetition) (Outcome, error) {
	h := new(histogram.Histogram)
	h.AddMany(1000, 99)
	h.Add(int64(rep.Seed-7+1) * 1e6)
	return Outcome{
		Values:     []Value{{50, "ns/task"}, {float64(h.Quantile(990, 1000)), P99.Unit}, {float64(h.Quantile(999, 1000)), P999.Unit}, {float64(rep.Seed), "hops"}},
		Histograms: []Histogram{{Latency, h}}, Elapsed: time.Duration(rep.Runs) * time.Second,
	}, nil
}

// Percentiles of several repetitions are of all their times. The median of percentiles
// is another number: of three repetitions that would be 2 ms here, and 1 us.
func TestHistogramsOfRepetitionsAddUp(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if err := Run(t.Context(), dir, plan(3, "kvserve", "flat numa"), false, latencyBench, quiet); err != nil {
		t.Fatal(err)
	}
	res, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	res.Meta.Topologies = []TopoMeta{{Label: "1n1l2c1t", Origin: "host", CPUs: 2, NodesWithCPUs: 1}}
	another := *res
	another.Meta.Command = []string{"another"}
	again := mustMerge(t, res, &another)
	for name, r := range map[string]*Results{"run": res, "merged with another": again} {
		row := r.Groups()[0].Find("numa")
		if n := int64(100 * row.N); len(row.Histograms) != 1 || row.Histograms[0].Unit != Latency || row.Histograms[0].Len() != n {
			t.Errorf("%s: histograms %+v, want one with %d times", name, row.Histograms, n)
		}
		if us, ms := row.Mid(P99), row.Mid(P999); !(us >= 1000 && us < 1020) || !(ms >= 3e6 && ms < 3.1e6) {
			t.Errorf("%s: p99 %v and p99.9 %v, want 1 us and 3 ms", name, us, ms)
		}
	}
	// If some repetitions lack histograms, the others do not speak for them.
	for i := range res.Measurements[:len(res.Measurements)-2] {
		res.Measurements[i].Histograms = nil
	}
	if ms := res.Groups()[0].Find("numa").Mid(P999); !(ms >= 2e6 && ms < 2.1e6) {
		t.Errorf("p99.9 is %v where two repetitions have no histogram, want the median of all, 2 ms", ms)
	}
}

// A process may be killed after it has written a histogram and before its repetition, or
// within a line. What it has left does not count.
func TestHistogramsOfAResumedRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	killed := func(c *PlanCell, rep Repetition) (Outcome, error) {
		if n++; n == 1+3 {
			cancel()
		}
		return latencyBench(c, rep)
	}
	if err := Run(ctx, dir, plan(4, "kvserve", "numa"), false, killed, quiet); !errors.Is(err, ErrInterrupted) {
		t.Fatal(err)
	}
	res, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	done := len(res.Measurements)
	cell := res.Measurements[0].Cell
	lost := &Measurement{Cell: cell, Histograms: []Histogram{{Latency, new(histogram.Histogram)}}}
	lost.Histograms[0].AddMany(5, 1e6)
	text := string(histogramLines(lost, done+1))
	if err := addHistograms(dir, []byte(text+text[:20])); err != nil {
		t.Fatal(err)
	}
	if res, err = Load(dir); err != nil {
		t.Fatal(err)
	}
	if n := res.Groups()[0].Rows[0].Histograms[0].Len(); n != int64(100*done) {
		t.Errorf("%d times after %d repetitions, want 100 each", n, done)
	}
	if err := Run(t.Context(), dir, plan(4, "kvserve", "numa"), true, latencyBench, quiet); err != nil {
		t.Fatal(err)
	}
	if res, err = Load(dir); err != nil {
		t.Fatal(err)
	}
	if n := res.Groups()[0].Rows[0].Histograms[0].Len(); n != 400 {
		t.Errorf("%d times after 4 repetitions, want 100 each", n)
	}
}

func TestHistogramsFileIsChecked(t *testing.T) {
	for want, line := range map[string]string{
		":1:48: \"Kvserve/arm=numa/topo=1n1l2c1t/P=2 1 latency-ns\": want a name, the number": "Kvserve/arm=numa/topo=1n1l2c1t/P=2 1 latency-ns",
		":1:1: benchmark name":                                              "Kvserve/arm=numa 1 latency-ns 5:1",
		":1:36: repetition \"3\": want 1 to 1":                              "Kvserve/arm=numa/topo=1n1l2c1t/P=2 3 latency-ns 5:1",
		":1:49: \"5:0\": want a time and how":                               "Kvserve/arm=numa/topo=1n1l2c1t/P=2 1 latency-ns 5:0",
		":1:49: \"1000:1\": want a time that a histogram has, such as 1007": "Kvserve/arm=numa/topo=1n1l2c1t/P=2 1 latency-ns 1000:1",
		":1:53: \"4:1\": want times in ascending order":                     "Kvserve/arm=numa/topo=1n1l2c1t/P=2 1 latency-ns 5:1 4:1",
	} {
		dir := filepath.Join(t.TempDir(), "run")
		if err := Run(t.Context(), dir, plan(1, "kvserve", "numa"), false, latencyBench, quiet); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, HistogramsFile)
		if err := os.WriteFile(path, []byte(line+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(dir); err == nil || !strings.HasPrefix(err.Error(), path+want) {
			t.Errorf("%q: %v, want the line and %q", line, err, want)
		}
	}
}

// A metric of a workload's own is found by whoever knows its unit.
func TestRowsHaveAWorkloadsOwnMetrics(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if err := Run(t.Context(), dir, plan(3, "kvserve", "numa"), false, latencyBench, quiet); err != nil {
		t.Fatal(err)
	}
	res, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	g := res.Groups()[0]
	own := metricOf("hops", g.Unit)
	if v := g.Rows[0].Mid(own); v != 8 {
		t.Errorf("%v hops, want 8, the median", v)
	}
	if g.Rows[0].set(own, 3); g.Rows[0].Mid(metricOf("hops", g.Unit)) != 3 {
		t.Errorf("set to 3 hops, has %v", g.Rows[0].Mid(own))
	}
}
