package page

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"numasched/experiments/claims"
	"numasched/experiments/harness"
	"numasched/experiments/plot"
)

// A matrix is the verdicts at a glance: arms are rows, workloads columns.
type matrix struct {
	Title, Legend string
	First         string // what the rows are
	Head          []string
	Rows          []matrixRow
}

type matrixRow struct {
	Arm   string
	Cells []matrixCell
}

type matrixCell struct{ Class, Text string }

// verdictMatrix returns the verdicts of a run, or nil where there is nothing to compare.
func verdictMatrix(groups []harness.Group, m *harness.Meta) *matrix {
	if len(groups) == 0 {
		return nil
	}
	which := "all machines and numbers of Ps of the run"
	if m.Place == harness.Simulated {
		groups, which = plot.AtMostPs(groups), "all machines, each with the most Ps"
	}
	timed := m.Place.HasSpeed()
	for _, t := range m.Topologies {
		timed = timed && (!t.Pretended || m.Place == harness.Simulated)
	}
	mx := &matrix{First: "arm"}
	rows := map[string][][]harness.Row{} // by arm and workload
	var arms []string
	jobs := plot.JobNames(groups)
	for i := range groups {
		g := &groups[i]
		head := jobs[i]
		if by := g.JudgedBy(); timed && by != harness.Time {
			head += ", " + by.Name
		}
		w := slices.Index(mx.Head, head)
		if w < 0 {
			w = len(mx.Head)
			mx.Head = append(mx.Head, head)
		}
		for _, r := range g.Rows {
			if timed && r.Speedup == nil {
				continue
			}
			if rows[r.Arm] == nil {
				arms = append(arms, r.Arm)
			}
			for len(rows[r.Arm]) <= w {
				rows[r.Arm] = append(rows[r.Arm], nil)
			}
			rows[r.Arm][w] = append(rows[r.Arm][w], r)
		}
	}
	for _, arm := range arms {
		row := matrixRow{Arm: arm}
		for w := range mx.Head {
			var of []harness.Row
			if w < len(rows[arm]) {
				of = rows[arm][w]
			}
			if timed {
				row.Cells = append(row.Cells, speedCell(of, m.NoVerdict()))
			} else {
				row.Cells = append(row.Cells, localCell(of))
			}
		}
		mx.Rows = append(mx.Rows, row)
	}
	if len(mx.Rows) == 0 {
		return nil
	}
	if mx.Title = "Locality: share of what is local"; timed {
		mx.Title = "Speed over " + groups[0].Baseline
		mx.Legend = "▲ faster, ▼ slower, = no difference shown, ? undecided, too few repetitions, or not the same everywhere. A range is over " + which + "."
		if m.NoVerdict() {
			mx.Legend = "? no verdict: other processes disturbed most repetitions. A range is over " + which + "."
		}
	}
	return mx
}

// speedCell sums up the speed-ups of an arm on one workload. Of a disturbed run it has no
// verdict.
func speedCell(rows []harness.Row, disturbed bool) matrixCell {
	if len(rows) == 0 {
		return matrixCell{Text: "-"}
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	found := rows[0].Speedup.Finding()
	for _, r := range rows {
		lo, hi = min(lo, r.Speedup.Center), max(hi, r.Speedup.Center)
		if r.Speedup.Finding() != found || disturbed || found == harness.TooFew {
			found = harness.Undecided
		}
	}
	text := harness.FormatRatio(lo)
	if h := harness.FormatRatio(hi); h != text {
		text += " to " + h
	}
	sign := map[harness.Finding]string{harness.Faster: "▲", harness.Slower: "▼", harness.NoDifference: "=", harness.Undecided: "?"}[found]
	return matrixCell{strings.ReplaceAll(found.String(), " ", "-"), sign + " " + text}
}

// localCell sums up the locality of an arm on one workload, by the best count there is.
func localCell(rows []harness.Row) matrixCell {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, r := range rows {
		for _, v := range []float64{r.Mid(harness.Pages), r.Mid(harness.Touched), r.Mid(harness.Local)} {
			if !math.IsNaN(v) {
				lo, hi = min(lo, v), max(hi, v)
				break
			}
		}
	}
	if lo > hi {
		return matrixCell{Text: "-"}
	}
	if a, b := fmt.Sprintf("%.1f", lo), fmt.Sprintf("%.1f", hi); a != b {
		return matrixCell{Text: a + " to " + b + " %"}
	}
	return matrixCell{Text: fmt.Sprintf("%.1f %%", lo)}
}

// claimMatrix is what is claimed of numa at a glance, or nil where nothing was compared.
func claimMatrix(r *claims.Report) *matrix {
	mx := &matrix{
		First: "numa over", Title: "What is claimed of numa, over all seeds and constants",
		Legend: "▲ faster, ≥ not slower, ▼ slower, on every machine; ? nothing is claimed on some machine, or one has another claim. Numbers are the medians over seeds, from machine to machine.",
	}
	var overs []string
	cells := map[[2]string][]*claims.Comparison{}
	for _, c := range r.Comparisons {
		at := [2]string{c.Over, c.Block.Name()}
		cells[at] = append(cells[at], c)
		if !slices.Contains(overs, c.Over) {
			overs = append(overs, c.Over)
		}
		if !slices.Contains(mx.Head, at[1]) {
			mx.Head = append(mx.Head, at[1])
		}
	}
	for _, over := range overs {
		row := matrixRow{Arm: over}
		for _, name := range mx.Head {
			row.Cells = append(row.Cells, claimCell(cells[[2]string{over, name}]))
		}
		mx.Rows = append(mx.Rows, row)
	}
	if len(mx.Rows) == 0 {
		return nil
	}
	return mx
}

// claimCell sums up what is claimed on several machines: the weakest claim. Faster is not
// slower, too.
func claimCell(cs []*claims.Comparison) matrixCell {
	if len(cs) == 0 {
		return matrixCell{Text: "-"}
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	claim := cs[0].Claim
	for _, c := range cs {
		lo, hi = min(lo, c.Middle()), max(hi, c.Middle())
		switch {
		case c.Claim == claim:
		case claim == claims.Faster.Name && c.Claim == claims.NotSlower.Name, claim == claims.NotSlower.Name && c.Claim == claims.Faster.Name:
			claim = claims.NotSlower.Name
		default:
			claim = ""
		}
	}
	text := harness.FormatRatio(lo)
	if h := harness.FormatRatio(hi); h != text {
		text += " to " + h
	}
	switch claim {
	case claims.Faster.Name:
		return matrixCell{"faster", "▲ " + text}
	case claims.NotSlower.Name:
		return matrixCell{"no-difference", "≥ " + text}
	case claims.Slower.Name:
		return matrixCell{"slower", "▼ " + text}
	}
	return matrixCell{"undecided", "? " + text}
}
