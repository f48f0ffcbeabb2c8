// Package findings says in tables and sentences what simulated results show.
package findings

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"

	"numasched/experiments/claims"
	"numasched/experiments/harness"
)

// The aims by which simulated results are judged. The first three are for memory-bound
// work whose data has homes (harness.Homed), on all CPUs. Everywhere else numa must lose
// nothing to flat.
const (
	aimSpeedup = 1.80 // throughput over flat's, at least
	aimLocal   = 95.0 // percent of bytes from memory that are local, at least
	aimBound   = 1.15 // makespan over the lower bound, at most
	aimElse    = harness.AtLeast
)

// A judgement says how numa compares with flat in one cell.
type judgement struct {
	harness.Cell
	nodes   int
	over    float64 // throughput over flat's
	local   float64 // percent; NaN if next to nothing came from memory
	bound   float64 // makespan over the lower bound; NaN if there is none
	homed   bool    // judged by the first three aims
	shorts  []string
	note    string  // why the first three aims do not count although its data has homes
	overMap float64 // throughput over numa-wrongmap's; NaN if that did not run
	mapped  float64 // percent of numa-wrongmap's bytes from memory that are local
	split   string  // of the Ps' time
}

// judge judges every cell in which both numa and flat ran.
func judge(res *harness.Results) (fs []judgement) {
	groups := harness.Summarize(res.Measurements, harness.DefaultBaseline)
	nodes, most := map[string]int{}, map[string]int{}
	for _, t := range res.Meta.Topologies {
		nodes[t.Label] = t.NodesWithCPUs
		most[t.Label] = t.CPUs
	}
	for i := range groups {
		g := &groups[i]
		numa := g.Find(harness.Subject)
		if numa == nil || numa.Speedup == nil || g.Open() {
			continue
		}
		f := judgement{Cell: g.Cell, nodes: nodes[g.Topo], over: numa.Speedup.Center, local: numa.Mid(harness.MemoryLocal), bound: numa.Mid(harness.OverBound), overMap: math.NaN(), mapped: math.NaN(),
			split: fmt.Sprintf("%.0f %% work, %.0f %% scheduling, %.0f %% idle", numa.Mid(harness.Work), numa.Mid(harness.Scheduling), numa.Mid(harness.Idle))}
		if w := g.Find("numa-wrongmap"); w != nil {
			f.overMap = numa.Throughput.Center / w.Throughput.Center
			f.mapped = w.Mid(harness.MemoryLocal)
		}
		short := func(what string, got, aim float64, format string) {
			f.shorts = append(f.shorts, fmt.Sprintf("%s "+format+", aim "+format, what, got, aim))
		}
		if g.Homed() && f.nodes >= harness.HomedNodes && g.Procs == most[g.Topo] {
			f.homed = numa.BoundByMemory()
			if !f.homed {
				f.note = "bound by arithmetic here: its data fits the caches"
			}
		}
		if !f.homed {
			if f.over < aimElse {
				short("over flat", f.over, aimElse, "%.3fx")
			}
			fs = append(fs, f)
			continue
		}
		if f.over < aimSpeedup {
			short("over flat", f.over, aimSpeedup, "%.3fx")
		}
		if !(f.local >= aimLocal) {
			short("local", f.local, aimLocal, "%.1f %%")
		}
		if !(f.bound <= aimBound) {
			short("over the bound", f.bound, aimBound, "%.3fx")
		}
		fs = append(fs, f)
	}
	return fs
}

// Claims returns the claim table of simulated results. The error is fs.ErrNotExist where they
// have none.
func Claims(res *harness.Results) (*claims.Report, error) {
	blocks, err := claims.Read(res.Dir)
	if err != nil {
		return nil, err
	}
	return claims.Of(res, blocks), nil
}

// Of returns tables and sentences about what simulated results show: the claim table if
// they have one.
func Of(res *harness.Results) (tables []harness.Table, lines []string) {
	if r, err := Claims(res); err == nil {
		return r.Tables(), r.Lines()
	} else if !errors.Is(err, fs.ErrNotExist) {
		lines = append(lines, fmt.Sprintf("There is no claim table: %v.", err))
	}
	fs, groups := judge(res), res.Groups()
	if len(fs) == 0 {
		return nil, append(lines, harness.Verdicts(groups, &res.Meta)...)
	}
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	homed := harness.Table{
		Title: fmt.Sprintf("simulated: memory-bound work whose data has homes, %d nodes and more, all CPUs", harness.HomedNodes),
		Head:  []string{"machine", "nodes", "Ps", "workload", "numa over flat", "over wrongmap", "local", "over bound", "aims"},
	}
	short := harness.Table{
		Title: fmt.Sprintf("simulated: all else, where numa falls short of %.2fx flat", aimElse),
		Head:  []string{"machine", "nodes", "Ps", "workload", "numa over flat"},
	}
	met, all, rest, fine := 0, 0, 0, 0
	var worst, best *judgement
	for i := range fs {
		f := &fs[i]
		where := []string{f.Topo, fmt.Sprint(f.nodes), fmt.Sprint(f.Procs), f.Workload}
		if f.homed {
			all++
			verdict := "met"
			if len(f.shorts) > 0 {
				verdict = "missed"
				say("%s on %s falls short (%s): its Ps' time is %s%s.", f.Workload, f.Topo, strings.Join(f.shorts, "; "), f.split, fewerPs(groups, f))
			} else {
				met++
			}
			homed.Rows = append(homed.Rows, append(where, harness.FormatRatio(f.over), harness.FormatRatio(f.overMap),
				fmt.Sprintf("%.1f %%", f.local), fmt.Sprintf("%.3fx", f.bound), verdict))
			continue
		}
		if f.note != "" {
			say("%s on %s: %s, so it counts with all else.", f.Workload, f.Topo, f.note)
		}
		rest++
		if len(f.shorts) == 0 {
			fine++
		} else {
			short.Rows = append(short.Rows, append(where, fmt.Sprintf("%.3fx", f.over)))
		}
		if worst == nil || f.over < worst.over {
			worst = f
		}
		if best == nil || f.over > best.over {
			best = f
		}
	}
	if all > 0 {
		tables = append(tables, homed)
		say("Simulated, memory-bound work whose data has homes, %d nodes and more, all CPUs: aim numa at least %.1fx flat, %.0f %% local, within %.2fx of the bound: %s.",
			harness.HomedNodes, aimSpeedup, aimLocal, aimBound, ofAll(met, all))
		if line := aboutWrongmap(fs); line != "" {
			say("%s", line)
		}
	}
	if rest > 0 {
		if len(short.Rows) > 0 {
			tables = append(tables, short)
		}
		say("Simulated, all else, every number of Ps: aim numa at least %.2fx flat: %s; the worst is %s, the best %s.",
			aimElse, ofAll(fine, rest), worst.brief(), best.brief())
	}
	if slices.ContainsFunc(fs, func(f judgement) bool { return f.Homed() }) {
		say(aboutFlat)
	}
	return tables, append(append(lines, ranges(res)...), harness.LatencyVerdicts(groups)...)
}

// aboutFlat stands beside ratios to flat on data with homes.
const aboutFlat = "On triad and heat flat is not what a Go program gets: its arrays lie in blocks on all nodes, because the workload placed them there, and its tasks start chunk after chunk in order of address. The ratios to flat hold for that program."

// controlLocal is the most of its bytes, in percent, that a control without locality may
// have local: thieves bring some tasks home, by chance.
const controlLocal = 10

// aboutWrongmap says how numa compares with numa-wrongmap in the homed cells, and
// what that does not show. It returns "" if no such cell ran both.
func aboutWrongmap(fs []judgement) string {
	lo, hi, least, most := math.Inf(1), 0.0, math.Inf(1), 0.0
	for _, f := range fs {
		if f.homed && !math.IsNaN(f.overMap) {
			lo, hi = min(lo, f.overMap), max(hi, f.overMap)
			least, most = min(least, f.mapped), max(most, f.mapped)
		}
	}
	if hi == 0 {
		return ""
	}
	if most <= controlLocal {
		return fmt.Sprintf("In these cells numa has %s to %s the throughput of numa-wrongmap, which has the same queues, homes and thieves, but %.0f to %.0f %% of its bytes local. So that much is locality.",
			harness.FormatRatio(lo), harness.FormatRatio(hi), least, most)
	}
	return fmt.Sprintf("In these cells numa has %s to %s the throughput of numa-wrongmap. That arm is not sharding without locality here: %.0f to %.0f %% of its bytes are local. How much of numa's gain over flat is sharding and how much is locality is not known from it.",
		harness.FormatRatio(lo), harness.FormatRatio(hi), least, most)
}

// fewerPs says with how many Ps numa is faster than with all of them, if there are any.
func fewerPs(groups []harness.Group, f *judgement) string {
	all, best, ps := 0.0, 0.0, 0
	for i := range groups {
		g := &groups[i]
		if r := g.Find(harness.Subject); r != nil && g.Topo == f.Topo && g.Workload == f.Workload && g.Params == f.Params {
			v := r.Throughput.Center
			if g.Procs == f.Procs {
				all = v
			}
			if v > best {
				best, ps = v, g.Procs
			}
		}
	}
	if best <= all {
		return ""
	}
	return fmt.Sprintf("; with P=%d it is %s as fast", ps, harness.FormatRatio(best/all))
}

func (f *judgement) brief() string {
	return fmt.Sprintf("%.2fx (%s, %s, P=%d)", f.over, f.Workload, f.Topo, f.Procs)
}

func ofAll(n, all int) string {
	if n == all {
		return "all of " + harness.Count(all, "cell", "cells") + " meet it"
	}
	return fmt.Sprintf("%d of %d cells meet it, %s short", n, all, harness.Count(all-n, "falls", "fall"))
}

// ranges says for every arm in which range its ratios to flat lie, by workload, over all
// machines with all CPUs.
func ranges(res *harness.Results) (lines []string) {
	type span struct{ lo, hi float64 }
	spans := map[string]map[string]*span{}
	most := map[string]int{}
	for _, t := range res.Meta.Topologies {
		most[t.Label] = t.CPUs
	}
	var arms, loads []string
	baseline := ""
	for _, g := range res.Groups() {
		baseline = g.Baseline
		if g.Procs != most[g.Topo] || g.Open() {
			continue
		}
		if !slices.Contains(loads, g.Workload) {
			loads = append(loads, g.Workload)
		}
		for _, r := range g.Rows {
			if r.Speedup == nil {
				continue
			}
			if spans[r.Arm] == nil {
				spans[r.Arm] = map[string]*span{}
				arms = append(arms, r.Arm)
			}
			v := r.Speedup.Center
			if s := spans[r.Arm][g.Workload]; s == nil {
				spans[r.Arm][g.Workload] = &span{v, v}
			} else {
				s.lo, s.hi = min(s.lo, v), max(s.hi, v)
			}
		}
	}
	for _, arm := range arms {
		var parts []string
		for _, l := range loads {
			if s := spans[arm][l]; s != nil {
				text := harness.FormatRatio(s.lo)
				if s.hi != s.lo {
					text += " to " + harness.FormatRatio(s.hi)
				}
				parts = append(parts, l+" "+text)
			}
		}
		lines = append(lines, fmt.Sprintf("Simulated, all CPUs, %s over %s: %s.", arm, baseline, strings.Join(parts, ", ")))
	}
	return lines
}
