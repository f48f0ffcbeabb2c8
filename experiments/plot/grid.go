package plot

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"numasched/experiments/harness"
)

// A grid is a forest for each machine, side by side: workloads are its rows and machines
// its columns. All share an axis and the names on the left.
type grid struct {
	titles  []string // of the columns
	columns []forest // with the same rows
}

// gridMax is how many machines fit beside each other.
const gridMax = 6

// newGrid makes a grid, or returns nil if groups are of one machine or of too many.
// rowOf makes a row of an arm's numbers. What was not run has an empty row.
func newGrid(groups []harness.Group, p panel, marks []guide, rowOf func(*harness.Group, *harness.Row) row) *grid {
	each, loads := jobsOf(groups)
	var topos []string
	arms := map[job][]string{}
	of := map[job]map[string]*harness.Group{}
	procs := map[string][]string{}
	for i := range groups {
		g := &groups[i]
		l := each[i]
		if of[l] == nil {
			of[l] = map[string]*harness.Group{}
		}
		of[l][g.Topo] = g
		if !slices.Contains(topos, g.Topo) {
			topos = append(topos, g.Topo)
		}
		if n := fmt.Sprint(g.Procs); !slices.Contains(procs[g.Topo], n) {
			procs[g.Topo] = append(procs[g.Topo], n)
		}
		for _, r := range g.Rows {
			if !slices.Contains(arms[l], r.Arm) {
				arms[l] = append(arms[l], r.Arm)
			}
		}
	}
	if len(topos) < 2 || len(topos) > gridMax {
		return nil
	}
	gr := new(grid)
	for k, topo := range topos {
		f := forest{panels: []panel{p}, marks: marks}
		for _, l := range loads {
			heading := row{heading: true}
			if k == 0 {
				heading.name = l.title()
			}
			f.rows = append(f.rows, heading)
			for _, arm := range arms[l] {
				rw := row{lo: math.NaN(), hi: math.NaN()}
				if g := of[l][topo]; g != nil {
					if r := g.Find(arm); r != nil {
						rw = rowOf(g, r)
					}
				}
				rw.arm = arm
				if rw.name = arm; k > 0 {
					rw.name = ""
				}
				f.rows = append(f.rows, rw)
			}
		}
		gr.titles = append(gr.titles, topo+"\nP="+strings.Join(procs[topo], ", "))
		gr.columns = append(gr.columns, f)
	}
	gr.dropEmptyRows()
	return gr
}

// dropEmptyRows takes out what has nothing to show on any machine: the baseline, where
// others are compared with it.
func (gr *grid) dropEmptyRows() {
	for i := len(gr.columns[0].rows) - 1; i >= 0; i-- {
		if !slices.ContainsFunc(gr.columns, func(f forest) bool { return f.rows[i].heading || f.rows[i].text != "" }) {
			for k := range gr.columns {
				gr.columns[k].rows = slices.Delete(gr.columns[k].rows, i, i+1)
			}
		}
	}
}

const gridTitles = vg.Length(26)

func (gr *grid) height() vg.Length { return gridTitles + gr.columns[0].height() }

func (gr *grid) draw(c draw.Canvas) {
	const gap = 6
	names, texts := vg.Length(0), vg.Length(0)
	for _, r := range gr.columns[0].rows {
		if !r.heading {
			names = max(names, style(textSize, ink).Width(r.name)+14)
		}
	}
	for _, f := range gr.columns {
		for _, r := range f.rows {
			texts = max(texts, style(smallSize, faint).Width(r.text)+8)
		}
	}
	width := (c.Max.X - c.Min.X - names + gap) / vg.Length(len(gr.columns))
	for k := range slices.Backward(gr.columns) { // a long heading of the first reaches over the others
		sub := c
		sub.Min.X = c.Min.X + names + width*vg.Length(k)
		sub.Max.X = sub.Min.X + width - gap
		for i, line := range strings.Split(gr.titles[k], "\n") {
			s := style(smallSize, faint)
			if i == 0 {
				s = bold(style(smallSize, ink))
			}
			c.FillText(s, vg.Point{X: sub.Min.X, Y: c.Max.Y - 6 - 10*vg.Length(i)}, line)
		}
		sub.Max.Y -= gridTitles
		if k == 0 {
			sub.Min.X = c.Min.X
		}
		gr.columns[k].draw(sub, 0, texts)
	}
}
