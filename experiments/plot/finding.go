package plot

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"golang.org/x/perf/benchmath"

	"numasched/experiments/harness"
	"numasched/sched/policy"
)

// The title of a figure says what is found in it, in a sentence. Findings are about one
// arm: numa where it ran, else the first that is compared with the baseline.
type finder struct {
	groups    []harness.Group
	arm       string
	baseline  string
	timed     bool // times mean something: they are not of pretended nodes
	disturbed bool // too much for a verdict
}

func newFinder(groups []harness.Group, m *harness.Meta) finder {
	f := finder{groups: groups, baseline: groups[0].Baseline, disturbed: m.NoVerdict()}
	f.timed = !slices.ContainsFunc(m.Topologies, func(t harness.TopoMeta) bool { return t.Pretended }) || m.Place == harness.Simulated
	for _, g := range groups {
		for _, r := range g.Rows {
			if r.Arm != f.baseline && (f.arm == "" || r.Arm == harness.Subject) {
				f.arm = r.Arm
			}
		}
	}
	return f
}

// of collects a value of an arm from all groups that have it.
func (f *finder) of(arm string, value func(*harness.Row) float64) (vs []float64) {
	for i := range f.groups {
		if r := f.groups[i].Find(arm); r != nil {
			if v := value(r); len(finite([]float64{v})) == 1 {
				vs = append(vs, v)
			}
		}
	}
	return vs
}

// span is "1.1 to 3.9", or one value where both ends look the same.
func span(vs []float64, format func(float64) string) string {
	lo, hi := format(slices.Min(vs)), format(slices.Max(vs))
	if lo == hi {
		return lo
	}
	return lo + " to " + hi
}

func wholePercent(v float64) string { return fmt.Sprintf("%.0f", v) }

func tenths(v float64) string { return fmt.Sprintf("%.1f", v) }

// speed says how the arm compares with the baseline. on begins the sentence.
func (f *finder) speed(on string) string {
	if !f.timed {
		return "Times on pretended nodes mean nothing: no arm is called faster"
	}
	var all []float64
	counts := map[harness.Finding]int{}
	for i := range f.groups {
		if r := f.groups[i].Find(f.arm); r != nil && r.Speedup != nil {
			all = append(all, r.Speedup.Center)
			counts[r.Speedup.Finding()]++
		}
	}
	switch {
	case len(all) == 0:
		return ""
	case exact(f.groups):
		faster := 0
		for _, v := range all {
			if v > 1 {
				faster++
			}
		}
		return fmt.Sprintf("%s%s is faster than %s in %d of %s: %s", on, f.arm, f.baseline, faster, harness.Count(len(all), "cell", "cells"), span(all, harness.FormatRatio)) + f.overOthers()
	}
	if f.disturbed {
		return "No verdict: other processes disturbed most repetitions"
	}
	var parts []string
	for _, k := range []harness.Finding{harness.Faster, harness.Slower, harness.NoDifference, harness.Undecided, harness.TooFew} {
		if counts[k] > 0 {
			parts = append(parts, fmt.Sprintf("%s on %d", k, counts[k]))
		}
	}
	return fmt.Sprintf("%s%s against %s: %s of %s", on, f.arm, f.baseline, strings.Join(parts, ", "), harness.Count(len(all), "workload", "workloads"))
}

// fill is the look of a comparison: full for a verdict, a ring for no difference.
func (f *finder) fill(s *harness.Speedup) fill {
	switch found := s.Finding(); {
	case f.disturbed, found == harness.Undecided, found == harness.TooFew:
		return half
	case found == harness.NoDifference:
		return hollow
	}
	return solid
}

// ofBest says how near the arm comes to the fastest of each group.
func (f *finder) ofBest() string {
	if !f.timed {
		return "Times on pretended nodes mean nothing: no arm is called faster"
	}
	arm := f.arm
	if arm == "" {
		arm = f.baseline
	}
	var shares []float64
	for i := range f.groups {
		if r := f.groups[i].Find(arm); r != nil {
			if v := 100 * r.Throughput.Center / fastest(&f.groups[i]); len(finite([]float64{v})) == 1 {
				shares = append(shares, v)
			}
		}
	}
	if len(shares) == 0 {
		return ""
	}
	return fmt.Sprintf("%s reaches %s %% of the throughput of the fastest arm", arm, span(shares, wholePercent))
}

// overOthers says how numa compares with its rivals (policy.Arm.Rival), where they ran.
func (f *finder) overOthers() string {
	var parts []string
	for _, a := range policy.Arms {
		if !a.Rival {
			continue
		}
		rival := a.Name
		var ratios []float64
		for i := range f.groups {
			a, b := f.groups[i].Find(f.arm), f.groups[i].Find(rival)
			if a != nil && b != nil && rival != f.arm && rival != f.baseline {
				ratios = append(ratios, finite([]float64{a.Throughput.Center / b.Throughput.Center})...)
			}
		}
		if len(ratios) > 0 {
			parts = append(parts, span(ratios, harness.FormatRatio)+" over "+rival)
		}
	}
	if parts == nil {
		return ""
	}
	return "; " + strings.Join(parts, ", ")
}

func fastest(g *harness.Group) (best float64) {
	for i := range g.Rows {
		if v := g.Rows[i].Throughput.Center; v > best {
			best = v
		}
	}
	return best
}

// local says how local the arm and the baseline are. is, in plain words, is what is
// counted.
func (f *finder) local(is string, value func(*harness.Row) benchmath.Summary) string {
	center := func(r *harness.Row) float64 { return value(r).Center }
	var parts []string
	for _, arm := range []string{f.arm, f.baseline} {
		if vs := f.of(arm, center); len(vs) > 0 {
			parts = append(parts, span(vs, tenths)+" % under "+arm)
		}
	}
	if parts == nil {
		return ""
	}
	return is + ": " + strings.Join(parts, ", ")
}

// locality returns what is counted, in plain words, and the count. Where the kernel has
// said where pages are, that is what counts: the scheduler's own books are right only if
// its map of the machine is.
func (f *finder) locality() (is string, value func(*harness.Row) benchmath.Summary) {
	for _, g := range f.groups {
		for _, r := range g.Rows {
			if !math.IsNaN(r.Mid(harness.Pages)) {
				return "Page visits on the page's own node, by the kernel's count", func(r *harness.Row) benchmath.Summary { return r.Of(harness.Pages) }
			}
		}
	}
	return "Tasks on their home node", func(r *harness.Row) benchmath.Summary { return r.Of(harness.Local) }
}

// thefts says what share of the steals came from other nodes.
func (f *finder) thefts() string {
	share := func(r *harness.Row) float64 {
		if r.Mid(harness.StealsNear)+r.Mid(harness.StealsFar) <= 0 {
			return math.NaN()
		}
		return remoteShare(r)
	}
	var parts []string
	for _, arm := range []string{f.arm, f.baseline} {
		if vs := f.of(arm, share); len(vs) > 0 {
			parts = append(parts, span(vs, wholePercent)+" % under "+arm)
		}
	}
	if parts == nil {
		return ""
	}
	return "Steals that come from another node: " + strings.Join(parts, ", ")
}

// remoteShare is the percentage of a row's steals that came from other nodes; NaN where
// there were none.
func remoteShare(r *harness.Row) float64 {
	return 100 * r.Mid(harness.StealsFar) / (r.Mid(harness.StealsNear) + r.Mid(harness.StealsFar))
}

// OneNode says in a sentence what figures of locality and of steals would show where every
// topology of a run has one node. It returns "" for other runs.
func OneNode(r *harness.Results) string {
	for _, t := range r.Meta.Topologies {
		if t.NodesWithCPUs != 1 {
			return ""
		}
	}
	if len(r.Meta.Topologies) == 0 {
		return ""
	}
	return "One node: every task and every byte is local, whatever the arm does. No steal comes from another node. So there is no figure of locality or of steals; the tables say how many steals there were."
}
