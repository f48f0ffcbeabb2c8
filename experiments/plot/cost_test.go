package plot

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"numasched/experiments/harness"
	"numasched/sched/policy"
)

// The figure of costs is of machines that were simulated with one P and with several more.
// It shows the time of all Ps for a unit, and says how that rises.
func TestCosts(t *testing.T) {
	var all []harness.Measurement
	add := func(topo, arm string, procs int, ns float64) {
		all = append(all, harness.Measurement{Cell: harness.Cell{Workload: "fib", Params: "n=24", Arm: arm, Topo: topo, Procs: procs}, Runs: 1, Exact: true,
			Values: []harness.Value{{Value: ns, Unit: "ns/task"}}})
	}
	for i, ps := range []int{1, 4, 16, 64} {
		add("big", "gm", ps, 50*float64(int(1)<<i))
		add("big", "flat", ps, 20)
		add("big", "numa", ps, 20/float64(ps))
		add("big", "interleave", ps, 20) // as flat
		add("big", "numa-pin", ps, 21)
		if ps > 1 {
			add("part", "flat", ps, 20)
			add("part", "numa", ps, 20)
		}
	}
	ls := looksOf([]string{"gm", "flat", "numa", "interleave", "numa-pin"})
	figures := costs(harness.Summarize(all, "flat"), ls)
	if len(figures) != 1 || figures[0].Name != "cost-big" {
		t.Fatalf("figures %+v, want one of the machine with one P", figures)
	}
	if want := "On 64 Ps of big a unit of work takes more CPU time than on one: 1.0 times under numa, 64 times under flat, 512 times under gm"; figures[0].Title != want {
		t.Errorf("title %q, want %q", figures[0].Title, want)
	}
	var svg bytes.Buffer
	if err := figures[0].WriteSVG(&svg); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"flat +1", "fib under gm, P=16: 3.20us of CPU time for a task", "fib under numa, P=64: 20.0ns of CPU time for a task", "numa-pin"} {
		if !strings.Contains(svg.String(), want) {
			t.Errorf("the figure lacks %q", want)
		}
	}
	if strings.Contains(svg.String(), "interleave") {
		t.Error("an arm with the values of another has a line of its own")
	}
}

// Where many lines end near the top, the highest name stands clear of the label of the axis, which
// ends above it.
func TestNamesAreClearOfTheLabel(t *testing.T) {
	var all []harness.Measurement
	var arms, quoted []string
	for i, arm := range policy.Arms {
		arms, quoted = append(arms, arm.Name), append(quoted, regexp.QuoteMeta(arm.Name))
		for _, ps := range []int{1, 4, 16, 64} {
			all = append(all, harness.Measurement{Cell: harness.Cell{Workload: "fib", Params: "n=24", Arm: arm.Name, Topo: "big", Procs: ps}, Runs: 1, Exact: true,
				Values: []harness.Value{{Value: 100 + float64(i), Unit: "ns/task"}}})
		}
	}
	figures := costs(harness.Summarize(all, "flat"), looksOf(arms))
	var svg bytes.Buffer
	if err := figures[0].WriteSVG(&svg); err != nil {
		t.Fatal(err)
	}
	height := func(of string) (all []float64) {
		for _, found := range regexp.MustCompile(`y="([0-9.]+)"[^>]*>`+of).FindAllStringSubmatch(svg.String(), -1) {
			y, err := strconv.ParseFloat(found[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, y)
		}
		return all
	}
	label, names := height("CPU time of all Ps for a task, log"), height("("+strings.Join(quoted, "|")+")</text>")
	if len(label) != 1 || len(names) != len(arms) {
		t.Fatalf("labels at %v, names at %v, want one and %d", label, names, len(arms))
	}
	if below := slices.Min(names) - label[0]; below < 1.4*float64(smallSize) {
		t.Errorf("the highest name is %.1f below the label, with letters of size %v", below, smallSize)
	}
}
