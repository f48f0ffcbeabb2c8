package claims

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"numasched/experiments/harness"
)

// A Report is a claim table.
type Report struct {
	Comparisons []*Comparison
	Targets     []Target
	blocks      []Block
	nodes       map[string]int // of each machine
	groups      []harness.Group
	seeds       int
}

// Of judges blocks. Res are the runs of the machines as they are: what says how local an
// arm is and how near to the bound.
func Of(res *harness.Results, blocks []Block) *Report {
	r := &Report{blocks: blocks, nodes: map[string]int{}, groups: res.Groups()}
	for _, t := range res.Meta.Topologies {
		r.nodes[t.Label] = t.NodesWithCPUs
	}
	for i := range blocks {
		b := &blocks[i]
		for _, over := range baselines(b.Arms) {
			if c := b.compare(over); len(c.Runs) > 0 {
				r.Comparisons = append(r.Comparisons, c)
				r.seeds = max(r.seeds, len(c.seeds()))
			}
		}
	}
	decide(r.Comparisons)
	r.Targets = r.judge()
	return r
}

// Nodes returns how many nodes with CPUs a machine has.
func (r *Report) Nodes(machine string) int { return r.nodes[machine] }

// Seeds returns with how many seeds a comparison was made.
func (r *Report) Seeds() int { return r.seeds }

// baselines returns what numa is compared with, given the arms of a block.
func baselines(arms []string) []string {
	if !slices.Contains(arms, static()) {
		return []string{flat}
	}
	over := []string{flat}
	for _, rival := range rivals() {
		if rival == static() {
			over = append(over, bestFlat) // beside the other flat ones
		}
		over = append(over, rival)
	}
	return append(over, wrongMap())
}

// compare returns the ratios of all runs in which both arms ran.
func (b *Block) compare(over string) *Comparison {
	c := &Comparison{Block: b, Over: over}
	arms := []string{over}
	if over == bestFlat {
		arms = flats()
	}
	for _, row := range b.Rows {
		best := math.Inf(1)
		for _, arm := range arms {
			if i := b.arm(arm); i >= 0 && row.Values[i] > 0 {
				best = min(best, row.Values[i])
			}
		}
		if own := row.Values[0]; own > 0 && !math.IsInf(best, 1) {
			c.Runs = append(c.Runs, Sample{row.Variant, best / own, row.kind})
		}
	}
	return c
}

// group returns the runs of the block's machine as it is, or nil.
func (r *Report) group(b *Block) *harness.Group {
	for i := range r.groups {
		if r.groups[i].Cell == b.Cell {
			return &r.groups[i]
		}
	}
	return nil
}

// memoryBound reports whether memory is numa's limit there.
func (r *Report) memoryBound(b *Block) bool {
	g := r.group(b)
	if g == nil || !g.Homed() {
		return false
	}
	row := g.Find(subject)
	return row != nil && row.BoundByMemory()
}

// Name is the block's workload as tables have it.
func (b *Block) Name() string {
	switch {
	case b.Skewed():
		return b.Workload + " skewed"
	case b.Open():
		return b.Workload + " p99"
	}
	return b.Workload
}

// A Target is an aim and what became of it.
type Target struct {
	Aim   string
	Over  string
	Least float64
	Of    string // the aim bounds numa's time or latency as a share of this; "" for an aim such as 1.8x
	Cells []*Comparison
	Met   []*Comparison // in every run
	Usual []*Comparison // in the middle of the seeds, with the constants as they are
}

// Said is a ratio, above 1 where numa is faster, as the aim states it: "1.64x", or "0.71 of
// flat's".
func (t *Target) Said(ratio float64) string {
	if t.Of == "" {
		return fmt.Sprintf("%.2fx", ratio)
	}
	return fmt.Sprintf("%.2f of %s", 1/ratio, t.Of)
}

// WorstRun says the worst run in words, or "-" if there is no cell.
func (t *Target) WorstRun() string {
	c, ratio := t.Worst()
	if c == nil {
		return "-"
	}
	return fmt.Sprintf("%s, %s on %s", t.Said(ratio), c.Block.Name(), c.Block.Topo)
}

// Verdict is "met" or "missed".
func (t *Target) Verdict() string {
	switch {
	case len(t.Cells) == 0:
		return "not tried"
	case len(t.Met) == len(t.Cells):
		return "met"
	}
	return "missed"
}

// Worst returns the cell with the least ratio of all runs, and that ratio. It returns nil
// if there is no cell.
func (t *Target) Worst() (worst *Comparison, ratio float64) {
	ratio = math.Inf(1)
	for _, c := range t.Cells {
		if lo, _ := c.Range(); lo < ratio {
			worst, ratio = c, lo
		}
	}
	return worst, ratio
}

// A Shortfall is a run that misses an aim.
type Shortfall struct {
	Of     *Comparison
	Ratio  float64 // numa's
	Static float64 // static's over the same arm in the same run
}

// Short returns the runs of a target that miss it, of cells in which static ran, and how
// many runs there are.
func (r *Report) Short(t *Target) (short []Shortfall, all int) {
	for _, c := range t.Cells {
		at := slices.IndexFunc(r.Comparisons, func(o *Comparison) bool { return o.Block == c.Block && o.Over == static() })
		if at < 0 {
			continue
		}
		all += len(c.Runs)
		for _, run := range c.Runs {
			i := slices.IndexFunc(r.Comparisons[at].Runs, func(s Sample) bool { return s.Variant == run.Variant })
			if run.Ratio < t.Least && i >= 0 {
				short = append(short, Shortfall{c, run.Ratio, run.Ratio / r.Comparisons[at].Runs[i].Ratio})
			}
		}
	}
	return short, all
}

// judge compares with the aims.
func (r *Report) judge() []Target {
	homed := func(c *Comparison) bool {
		return r.nodes[c.Block.Topo] >= harness.HomedNodes && r.memoryBound(c.Block)
	}
	targets := []struct {
		aim, over string
		least     float64
		of        string
		in        func(*Comparison) bool
	}{
		{fmt.Sprintf("bound by memory, %d nodes and more: 1.8x flat", harness.HomedNodes), flat, 1.8, "", homed},
		{"the same: 1.8x the best flat", bestFlat, 1.8, "", homed},
		{"balanced loops: within 1.05 of static's time", static(), 1 / 1.05, "static's time", func(c *Comparison) bool { return !c.Block.Skewed() }},
		{"skewed loops: 1.2x static", static(), 1.2, "", func(c *Comparison) bool { return c.Block.Skewed() }},
		{"all that is judged by time: 0.98x flat", flat, harness.AtLeast, "", func(c *Comparison) bool { return !c.Block.Open() }},
		{fmt.Sprintf("p99 at %.0f %% load: at most 0.8 of flat's", 100*Load), flat, 1 / 0.8, "flat's", func(c *Comparison) bool { return c.Block.Open() }},
	}
	var all []Target
	for _, x := range targets {
		t := Target{Aim: x.aim, Over: x.over, Least: x.least, Of: x.of}
		for _, c := range r.Comparisons {
			if c.Over != x.over || !x.in(c) {
				continue
			}
			t.Cells = append(t.Cells, c)
			if lo, _ := c.Range(); lo >= x.least {
				t.Met = append(t.Met, c)
			}
			if c.Middle() >= x.least {
				t.Usual = append(t.Usual, c)
			}
		}
		all = append(all, t)
	}
	return all
}

// Tables returns the claim table and what stands beside it.
func (r *Report) Tables() []harness.Table {
	return []harness.Table{r.targetTable(), r.claimTable(), r.openTable(), r.mechanismTable()}
}

func (r *Report) targetTable() harness.Table {
	t := harness.Table{Title: "simulated: aims, over all seeds and constants", Head: []string{"aim", "verdict", "cells", "met in every run", "met by the median", "worst run"}, Break: 5}
	for i := range r.Targets {
		x := &r.Targets[i]
		t.Rows = append(t.Rows, []string{x.Aim, x.Verdict(), fmt.Sprint(len(x.Cells)), fmt.Sprint(len(x.Met)), fmt.Sprint(len(x.Usual)), x.WorstRun()})
	}
	return t
}

func (r *Report) claimTable() harness.Table {
	t := harness.Table{Title: "simulated: what is claimed of numa, all CPUs", Head: []string{"numa over", "claim", "median", "seeds", "all runs"}}
	for _, c := range r.Comparisons {
		seeds := c.seeds()
		lo, hi := c.Range()
		claim := c.Claim
		if claim == "" {
			claim = "-"
		}
		t.Rows = append(t.Rows, []string{c.name(), claim, harness.FormatRatio(c.Middle()), span(seeds[0], seeds[len(seeds)-1]), span(lo, hi)})
	}
	return t
}

// openTable says what is not claimed although the middle of the seeds suggests it, and on
// what it depends.
func (r *Report) openTable() harness.Table {
	t := harness.Table{Title: "simulated: what is not claimed of numa, and why", Head: []string{"numa over", "not claimed"}}
	for _, c := range r.Comparisons {
		if c.But != "" {
			t.Rows = append(t.Rows, []string{c.name(), c.Strong.Name + ": " + c.But})
		}
	}
	return t
}

// name is the comparison as tables have it.
func (c *Comparison) name() string {
	return fmt.Sprintf("%s, on %s, %s", c.Over, c.Block.Topo, c.Block.Name())
}

func span(lo, hi float64) string { return fmt.Sprintf("%.2f to %.2f", lo, hi) }

// mechanismTable says how local numa is, how near to the bound, and what it loses without
// each of its mechanisms.
func (r *Report) mechanismTable() harness.Table {
	t := harness.Table{Title: "simulated: locality, lower bound, and numa over numa without one of its mechanisms", Head: []string{"workload", "local", "over bound", "wrongmap"}}
	for _, arm := range ablations() {
		t.Head = append(t.Head, strings.TrimPrefix(arm, subject))
	}
	t.Head = append(t.Head, "earned by")
	t.Break = len(t.Head) - 1
	for i := range r.blocks {
		b := &r.blocks[i]
		row := []string{b.Name() + ", on " + b.Topo, "-", "-"}
		if g := r.group(b); g != nil {
			if numa := g.Find(subject); numa != nil {
				row[1] = harness.FormatPercent(numa.Mid(harness.MemoryLocal))
				if bound := numa.Mid(harness.OverBound); bound > 0 && !b.Open() {
					row[2] = harness.FormatRatio(bound)
				}
			}
		}
		for _, arm := range append([]string{wrongMap()}, ablations()...) {
			c := b.compare(arm)
			if len(c.Runs) == 0 {
				row = append(row, "-")
				continue
			}
			row = append(row, harness.FormatRatio(c.Middle()))
		}
		t.Rows = append(t.Rows, append(row, b.earned()))
	}
	return t
}

// earned names the mechanisms without which numa is slower with every seed that was tried,
// the one that counts most first, and those without which it is faster.
func (b *Block) earned() string {
	type part struct {
		name string
		by   float64
	}
	var won, lost []part
	for _, arm := range ablations() {
		c := b.compare(arm)
		if len(c.Runs) == 0 {
			continue
		}
		lo, hi := c.Range()
		p := part{strings.TrimPrefix(arm, subject+"-"), c.Middle()}
		switch {
		case Faster.holds(lo):
			won = append(won, p)
		case hi < NotSlower.Least:
			lost = append(lost, p)
		}
	}
	slices.SortStableFunc(won, func(x, y part) int {
		switch {
		case x.by > y.by:
			return -1
		case x.by < y.by:
			return 1
		}
		return 0
	})
	var texts []string
	for _, p := range won {
		texts = append(texts, p.name)
	}
	for _, p := range lost {
		texts = append(texts, "better without "+p.name)
	}
	if texts == nil {
		return "none of them"
	}
	return strings.Join(texts, ", ")
}

// Lines says in sentences what the tables show, and how they were made.
func (r *Report) Lines() []string {
	if len(r.Comparisons) == 0 {
		return nil
	}
	claimed := map[string]int{}
	for _, c := range r.Comparisons {
		claimed[c.Claim]++
	}
	lines := []string{fmt.Sprintf("Of %d comparisons on all CPUs, numa is faster in %d, not slower in %d more, slower in %d, and nothing is claimed in %d.",
		len(r.Comparisons), claimed[Faster.Name], claimed[NotSlower.Name], claimed[Slower.Name], claimed[""])}
	for i := range r.Targets {
		t := &r.Targets[i]
		if len(t.Cells) == 0 {
			continue
		}
		line := fmt.Sprintf("Aim, %s: %s, in %d of %d cells in every run, in %d by the median over seeds.", t.Aim, t.Verdict(), len(t.Met), len(t.Cells), len(t.Usual))
		if t.Verdict() == "missed" {
			line += " The worst run is " + t.WorstRun() + "."
		}
		lines = append(lines, line)
	}
	return append(lines, r.Method())
}

// Method says how the table was made.
func (r *Report) Method() string {
	each, draws := 0, 0
	for i := range r.blocks {
		if slices.ContainsFunc(r.blocks[i].Rows, func(row Row) bool { return row.kind == Single }) {
			each++
		}
		if slices.ContainsFunc(r.blocks[i].Rows, func(row Row) bool { return row.kind == Draw }) {
			draws++
		}
	}
	alone := ""
	if each > 0 {
		alone = fmt.Sprintf(", and with each alone at 0.7 and at 1.3 times (in %d of them: those of times, on machines of which it is assumed how far memory is)", each)
	}
	return fmt.Sprintf("A ratio is the other arm's time, or its latency, over numa's: above 1 numa is faster. Faster is at least %.2fx, slower less than %.2fx. A claim holds with every one of %d seeds (sign test, p at most %.2g after Holm's correction for %d statements), and with all assumed constants drawn at once between 0.7 and 1.3 times their value (%d draws, in %d of %d blocks)%s. Constants that were measured are not changed.",
		Faster.Least, NotSlower.Least, r.seeds, alpha, hypotheses*len(r.Comparisons), Draws, draws, len(r.blocks), alone)
}
