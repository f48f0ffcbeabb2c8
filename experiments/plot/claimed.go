package plot

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg/draw"

	"numasched/experiments/claims"
	"numasched/experiments/harness"
)

// leadClaims is the lead of a run with a claim table. The claims are what it has found: its
// results.txt has one seed.
func leadClaims(r *claims.Report, m *harness.Meta, ls looks) (finding string, fig *Figure) {
	claimed := map[string]int{}
	for _, c := range r.Comparisons {
		claimed[c.Claim]++
	}
	finding = fmt.Sprintf("Simulated, over %s and other values of the assumed constants, numa is faster in %d of %s, not slower in %d and slower in %d; %d %s open",
		harness.Count(r.Seeds(), "seed", "seeds"), claimed[claims.Faster.Name], harness.Count(len(r.Comparisons), "comparison", "comparisons"),
		claimed[claims.NotSlower.Name], claimed[claims.Slower.Name], claimed[""], map[bool]string{true: "is", false: "are"}[claimed[""] == 1])
	var f forest
	var values []float64
	for _, over := range []string{"flat", "best flat", "static"} { // the others are in the tables
		first := len(f.rows)
		for _, c := range r.Comparisons {
			if c.Over != over {
				continue
			}
			if len(f.rows) == first {
				f.rows = append(f.rows, row{heading: true, name: "over " + over})
			}
			at := slices.IndexFunc(f.rows[first:], func(rw row) bool { return rw.name == c.Block.Name() })
			if at < 0 {
				at = len(f.rows) - first
				f.rows = append(f.rows, row{arm: harness.Subject, name: c.Block.Name(), color: ls[harness.Subject].color, lo: math.Inf(1), hi: math.Inf(-1)})
			}
			rw := &f.rows[first+at]
			lo, hi := c.Range()
			rw.lo, rw.hi = min(rw.lo, lo), max(rw.hi, hi)
			rw.dots = append(rw.dots, dot{c.Middle(), fillOfClaim(c)})
			said := c.Claim
			if said == "" {
				said = "open"
			}
			rw.tip = strings.TrimPrefix(fmt.Sprintf("%s; numa over %s, %s on %s: %s, %.2fx (%.2fx to %.2fx)", rw.tip, over, c.Block.Name(), c.Block.Topo, said, c.Middle(), lo, hi), "; ")
			values = append(values, lo, hi)
		}
	}
	for i := range f.rows {
		if rw := &f.rows[i]; !rw.heading {
			var middles []float64
			for _, d := range rw.dots {
				middles = append(middles, d.at)
			}
			rw.text = span(middles, harness.FormatRatio)
		}
	}
	if len(f.rows) == 0 {
		return finding, nil
	}
	f.panels = []panel{{ratios(values), "log scale · a dot for each machine · ring: not slower"}}
	f.marks = []guide{{at: 1, line: stroke(ls[harness.DefaultBaseline].color, 1)}}
	return finding, &Figure{
		Name:    "lead",
		Subject: "Speed-up of numa, over seeds and constants",
		Caption: "Right of the line numa is faster. A dot is the median over seeds of a machine. Bars reach over all seeds, constants and machines. A full dot may be called faster or slower, a ring not slower; of a half dot nothing is claimed.",
		height:  f.height(),
		draw:    func(c draw.Canvas) { f.draw(c, 0, 0) },
	}
}

func fillOfClaim(c *claims.Comparison) fill {
	switch c.Claim {
	case "":
		return half
	case claims.NotSlower.Name:
		return hollow
	}
	return solid
}
