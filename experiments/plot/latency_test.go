package plot

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"numasched/experiments/harness"
	"numasched/experiments/histogram"
)

// served are results of a service under several loads. Under numa half of the requests
// take 1 us and one in a thousand 1 ms, at any load; flat takes twice as long.
func served(gaps ...int) *harness.Results {
	res := &harness.Results{Meta: harness.Meta{Place: harness.Host, Topologies: []harness.TopoMeta{{Label: "x", NodesWithCPUs: 1}}}}
	for _, gap := range gaps {
		for i, arm := range []string{"flat", "numa"} {
			h := new(histogram.Histogram)
			times := int64(2 - i)
			h.AddMany(1000*times, 500)
			h.AddMany(10_000*times, 490)
			h.AddMany(100_000*times, 9)
			h.AddMany(1_000_000*times, 1)
			res.Measurements = append(res.Measurements, harness.Measurement{
				Cell: harness.Cell{Workload: "kvserve", Params: fmt.Sprintf("gap=%d/n=10", gap), Arm: arm, Topo: "x", Procs: 2}, Runs: 1,
				Values: []harness.Value{{Value: 5, Unit: "ns/request"}, {Value: float64(h.Quantile(500, 1000)), Unit: harness.P50.Unit},
					{Value: float64(h.Quantile(990, 1000)), Unit: harness.P99.Unit}, {Value: float64(h.Quantile(999, 1000)), Unit: harness.P999.Unit}},
				Histograms: []harness.Histogram{{Unit: harness.Latency, Histogram: h}},
			})
		}
	}
	return res
}

func TestLatenciesAreDrawnFromHistograms(t *testing.T) {
	svg := map[string]string{}
	for _, f := range Figures(served(20000, 10000, 5000)) {
		var b bytes.Buffer
		if err := f.WriteSVG(&b); err != nil {
			t.Fatal(err)
		}
		svg[f.Name] = b.String()
	}
	for name, want := range map[string][]string{
		"latency": {"kvserve gap=5000", "kvserve under numa, x, P=2: 50 % take at most 1.01us", "kvserve under flat, x, P=2: 99.9 % take at most 201us",
			"99 % of all requests take at most 10.1us under numa, 20.2us under flat"},
		"speedup":      {"· p99", "2.00x over flat"},
		"latency-load": {"requests per second and P", "kvserve under numa, x, P=2, 50k requests per second and P: p50 1.01us", "200k requests per second and P: p99.9"},
	} {
		for _, text := range want {
			if !strings.Contains(svg[name], text) {
				t.Errorf("%s lacks %q", name, text)
			}
		}
	}
	for _, f := range Figures(served(20000)) {
		if f.Name == "latency-load" {
			t.Error("one load has a figure of several")
		}
	}
}
