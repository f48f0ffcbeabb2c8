package metrics

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"numasched/sched"
	"numasched/sched/policy"
	"numasched/sched/sim"
	"numasched/sched/trace"
)

// Every field of Stats has one metric, and names and texts are as runtime/metrics has them.
func TestEveryCountIsAMetric(t *testing.T) {
	count := make(map[string]int)
	for i := range reflect.TypeFor[sched.Stats]().NumField() {
		var st sched.Stats
		reflect.ValueOf(&st).Elem().Field(i).SetInt(1)
		for _, d := range all {
			count[d.Name] += int(d.of(&st))
		}
		if n := slices.IndexFunc(all, func(d Description) bool { return d.of(&st) == 1 }); n < 0 {
			t.Errorf("no metric for Stats.%s", reflect.TypeFor[sched.Stats]().Field(i).Name)
		}
	}
	for _, d := range all {
		if count[d.Name] != 1 {
			t.Errorf("%s counts %d fields of Stats, want one", d.Name, count[d.Name])
		}
		if !regexp.MustCompile(`^(/[a-z][a-z0-9-]*)+:[a-z]+$`).MatchString(d.Name) || d.Text == "" {
			t.Errorf("%q, %q: want a path and a unit, and a text", d.Name, d.Text)
		}
	}
	if !slices.IsSortedFunc(all, func(a, b Description) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the names are not in order")
	}
}

// The nodes add up to what Stats says, and each has its own.
func TestNodesAddUp(t *testing.T) {
	p, err := sim.LoadPreset("synthetic:2x4")
	if err != nil {
		t.Fatal(err)
	}
	m, err := sim.New(sim.Config{Preset: p})
	if err != nil {
		t.Fatal(err)
	}
	arm, _ := policy.ByName("numa")
	s, err := sched.New(sched.Config{Machine: m, Arm: arm, Seed: 1, Events: trace.Checked(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Run(func(g *sched.G) {
		var gr sched.Group
		for i := range 100 {
			gr.GoAt(g, sched.OnNode(s.NodeIDs()[i%2]), func(g *sched.G) {
				g.Work(sched.Work{Ops: 100_000}, nil)
				g.Yield()
			})
		}
		gr.Wait(g)
	}); err != nil {
		t.Fatal(err)
	}
	s.Quiesce()
	st, sums, nodes := s.Stats(), make(map[string]int64), make(map[int]int64)
	for _, v := range Read(s) {
		sums[v.Name] += v.Value
		if v.Name == "/sched/gs/executed:gs" {
			nodes[v.Node] = v.Value
		}
	}
	for _, d := range all {
		if got, want := sums[d.Name], d.of(&st); got != want {
			t.Errorf("%s: the nodes have %d together, want %d", d.Name, got, want)
		}
	}
	for _, id := range s.NodeIDs() {
		if nodes[id] < 20 {
			t.Errorf("%d Gs ran on node %d, of 50 that were sent there", nodes[id], id)
		}
	}
}
