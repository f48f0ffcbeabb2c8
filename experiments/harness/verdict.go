package harness

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"golang.org/x/perf/benchmath"
)

// A Finding is the result of a comparison with the baseline.
type Finding int

const (
	NoDifference Finding = iota // neither the test nor the interval shows one
	Undecided                   // only one of the two shows one
	Faster
	Slower
	TooFew // repetitions for the test to show any difference
)

// String returns the finding as tables and JSON have it.
func (f Finding) String() string {
	return map[Finding]string{NoDifference: "no difference shown", Undecided: "undecided", Faster: "faster", Slower: "slower", TooFew: "too few repetitions"}[f]
}

// Finding judges s by two criteria at the 5 % level: the Mann-Whitney test, which
// ignores that repetitions are paired, and the interval of the pairs' ratios. They
// disagree if the machine's speed drifts more than the arms differ, or if a few
// pairs are unlike the rest. If there are too few repetitions for an interval, the
// test alone decides. With three of each even the test cannot show a difference.
func (s *Speedup) Finding() Finding {
	test := s.P < benchmath.DefaultThresholds.CompareAlpha
	pairs := s.Lo > 1 || s.Hi < 1
	if math.IsInf(s.Lo, 0) || math.IsInf(s.Hi, 0) {
		pairs = test
	}
	switch {
	case s.Few:
		return TooFew
	case !test && !pairs:
		return NoDifference
	case test != pairs:
		return Undecided
	case s.Center > 1:
		return Faster
	}
	return Slower
}

// Verdicts compares every arm with the baseline, in a sentence for each: in speed
// if times mean something, otherwise in locality.
func Verdicts(groups []Group, m *Meta) []string {
	var timed, open, counted []Group
	for _, g := range groups {
		pretended := m.topoPretended(g.Topo)
		switch {
		case m.Place.HasSpeed() && !pretended && g.Open():
			open = append(open, g)
		case m.Place.HasSpeed() && !pretended:
			timed = append(timed, g)
		default:
			counted = append(counted, g)
		}
	}
	var lines []string
	if len(timed)+len(open) > 0 && m.NoVerdict() {
		lines = append(lines, "Other processes disturbed most repetitions. What follows is no verdict.")
	}
	lines = append(append(lines, speedVerdicts(timed)...), LatencyVerdicts(open)...)
	if len(counted) > 0 {
		what := "a virtual NUMA machine"
		if m.Place.HasSpeed() {
			what = "pretended nodes"
		}
		lines = append(lines, "Times on "+what+" mean nothing, so no arm is called faster than another.")
		lines = append(lines, countVerdicts("Locality", counted, Pages, Touched, Local)...)
	}
	return lines
}

// speedVerdicts is "numa against flat: faster on triad 1.53x; slower on ...".
func speedVerdicts(groups []Group) (lines []string) {
	found := map[string]map[Finding][]string{}
	arms := eachSpeedup(groups, func(g *Group, r *Row) {
		if found[r.Arm] == nil {
			found[r.Arm] = map[Finding][]string{}
		}
		f := r.Speedup.Finding()
		found[r.Arm][f] = append(found[r.Arm][f], briefTitle(groups, g)+" "+FormatRatio(r.Speedup.Center))
	})
	for _, arm := range arms {
		var parts []string
		for _, f := range []Finding{Faster, Slower, Undecided, NoDifference, TooFew} {
			if on := found[arm][f]; on != nil {
				parts = append(parts, f.String()+" on "+strings.Join(on, ", "))
			}
		}
		lines = append(lines, fmt.Sprintf("%s against %s: %s.", arm, groups[0].Baseline, strings.Join(parts, "; ")))
	}
	return lines
}

// LatencyVerdicts says what latencies the groups have in which arrivals decide how long a
// run takes.
func LatencyVerdicts(groups []Group) []string {
	open := slices.DeleteFunc(slices.Clone(groups), func(g Group) bool { return !g.Open() })
	return append(countVerdicts("Latency", open, P99), countVerdicts("From wake-up to run", open, Start999)...)
}

// countVerdicts is "Locality under numa (under flat): triad pages 98 % (60 %), ...". It
// uses the first of the metrics that a workload has. The kernel's count of pages is better
// than the scheduler's count of pages, and that is better than a count of tasks.
func countVerdicts(what string, groups []Group, metrics ...*Metric) (lines []string) {
	found := map[string][]string{}
	arms := eachSpeedup(groups, func(g *Group, r *Row) {
		base := g.Find(g.Baseline)
		for _, m := range metrics {
			if of, under := r.Mid(m), base.Mid(m); !math.IsNaN(of + under) {
				found[r.Arm] = append(found[r.Arm], fmt.Sprintf("%s %s %s (%s)", briefTitle(groups, g), m.Name, m.Format(of), m.Format(under)))
				return
			}
		}
	})
	for _, arm := range arms {
		if on := found[arm]; on != nil {
			lines = append(lines, fmt.Sprintf("%s under %s (under %s): %s.", what, arm, groups[0].Baseline, strings.Join(on, ", ")))
		}
	}
	return lines
}

// eachSpeedup calls do for every row that is compared with the baseline. It returns
// the arms of these rows, in the order of first appearance.
func eachSpeedup(groups []Group, do func(*Group, *Row)) (arms []string) {
	for i := range groups {
		g := &groups[i]
		for j := range g.Rows {
			if r := &g.Rows[j]; r.Speedup != nil {
				if !slices.Contains(arms, r.Arm) {
					arms = append(arms, r.Arm)
				}
				do(g, r)
			}
		}
	}
	return arms
}

// briefTitle is the name of the workload if no other group has the same workload.
// Otherwise it is the short title.
func briefTitle(groups []Group, g *Group) string {
	same := 0
	for i := range groups {
		if groups[i].Workload == g.Workload {
			same++
		}
	}
	if same == 1 {
		return g.Workload
	}
	return ShortTitle(groups, g)
}
