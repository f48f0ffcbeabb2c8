package plot

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A forest is a plot with one line of text per row: the name on the left, the
// measurement in the middle on a common axis, and the numbers on the right. So the
// reader need not look up a legend or read numbers off an axis. If one axis cannot
// show everything, a second one beside it enlarges a part.
type forest struct {
	panels []panel
	rows   []row
	marks  []guide
}

// A panel is an axis that all rows are drawn on.
type panel struct {
	axis  axis
	label string
}

// A row is one line of a forest. The text of a row without bars and dots says why
// it has none.
type row struct {
	heading bool
	arm     string
	tip     string // what a page shows on hover
	name    string
	text    string
	color   color.NRGBA
	bars    []bar // from left to right
	dots    []dot
	lo, hi  float64 // interval; not drawn unless both are finite
}

// A dot is a value: a full dot, a ring, or a ring that is half full.
type dot struct {
	at   float64
	fill fill
}

type fill int

const (
	solid fill = iota
	half
	hollow
)

type bar struct {
	from, to float64
	color    color.NRGBA
}

// A guide is a vertical line over all rows, or over those of one group.
type guide struct {
	at    float64
	line  draw.LineStyle
	first int // row
	rows  int // 0: to the last
}

const (
	rowHeight  = vg.Length(14)
	headHeight = vg.Length(20)
	axisHeight = vg.Length(34)
	textSize   = vg.Length(9)
	smallSize  = vg.Length(8)
	lift       = vg.Length(1) // without it, centred text looks too low
)

func (f *forest) height() vg.Length {
	h := axisHeight
	for _, r := range f.rows {
		h += r.height()
	}
	return h
}

func (r *row) height() vg.Length {
	if r.heading {
		return headHeight
	}
	return rowHeight
}

// draw draws f from the top of c. Names and texts are the least widths of the
// columns to the left and right.
func (f *forest) draw(c draw.Canvas, names, texts vg.Length) {
	nameStyle, textStyle := style(textSize, ink), style(smallSize, faint)
	tops := make([]vg.Length, len(f.rows)+1)
	tops[0] = c.Max.Y
	for i, r := range f.rows {
		tops[i+1] = tops[i] - r.height()
		if r.name != "" && !r.heading {
			names = max(names, nameStyle.Width(r.name)+14)
		}
		if !r.heading {
			texts = max(texts, textStyle.Width(r.text)+8)
		}
	}
	left, right := c.Min.X+names, c.Max.X-max(texts, 12)
	const gap = 16
	width := (right - left + gap) / vg.Length(len(f.panels))
	for i := range f.panels {
		from := left + width*vg.Length(i)
		f.panels[i].draw(c, f, tops, from, from+width-gap)
	}
	for i, r := range f.rows {
		mid := (tops[i] + tops[i+1]) / 2
		if r.heading {
			c.FillPolygon(color.White, rectangle(c.Min.X-1, c.Max.X, tops[i+1]+2, tops[i]+1))
			c.FillText(bold(style(textSize, ink)), vg.Point{X: c.Min.X, Y: tops[i+1] + 9}, r.name)
			c.StrokeLine2(stroke(mark, 0.5), c.Min.X, tops[i+1]+1, c.Max.X, tops[i+1]+1)
			continue
		}
		tagged(c, r.arm, r.tip, func() {
			c.FillText(nameStyle, vg.Point{X: c.Min.X + 6, Y: mid + lift}, r.name)
			c.FillText(textStyle, vg.Point{X: right + 8, Y: mid + lift}, r.text)
		})
	}
}

// draw draws the rows of f, whose edges are at the heights tops, between left
// and right, and the axis below them.
func (p *panel) draw(c draw.Canvas, f *forest, tops []vg.Length, left, right vg.Length) {
	x := func(v float64) vg.Length { return left + (right-left)*vg.Length(p.axis.at(v)) }
	bottom := tops[len(f.rows)]
	for _, t := range p.axis.ticks { // first, so that everything else lies on top of them
		if t.label != "" {
			c.StrokeLine2(stroke(rule, 0.5), x(t.at), bottom, x(t.at), tops[0])
		}
	}
	for _, m := range f.marks {
		end := len(f.rows)
		if m.rows > 0 {
			end = m.first + m.rows
		}
		c.StrokeLine2(m.line, x(m.at), tops[end], x(m.at), tops[m.first])
	}
	for i := range f.rows {
		if r := &f.rows[i]; !r.heading && len(r.bars)+len(r.dots) > 0 {
			tagged(c, r.arm, r.tip, func() { r.draw(c, &p.axis, x, (tops[i]+tops[i+1])/2) })
		}
	}
	c.StrokeLine2(stroke(mark, 0.7), left, bottom, right, bottom)
	drawTicks(c, p.axis, x, bottom, right)
	c.FillText(aligned(style(smallSize, faint), draw.XCenter), vg.Point{X: (left + right) / 2, Y: bottom - 25}, p.label)
}

// draw draws what r shows on an axis, at height y.
func (r *row) draw(c draw.Canvas, a *axis, x func(float64) vg.Length, y vg.Length) {
	for _, b := range r.bars {
		if b.to > b.from {
			c.FillPolygon(b.color, rectangle(x(b.from), x(b.to), y-4, y+4))
		}
	}
	onBar := len(r.bars) > 0
	edge := r.color
	if onBar {
		edge = ink
	}
	if len(finite([]float64{r.lo, r.hi})) == 2 && r.lo <= a.hi && r.hi >= a.lo {
		lines := []draw.LineStyle{stroke(edge, 1.2)}
		if onBar { // a light edge makes it visible on a dark bar
			lines = []draw.LineStyle{stroke(color.White, 2.4), lines[0]}
		}
		for _, line := range lines {
			c.StrokeLine2(line, x(r.lo), y, x(r.hi), y)
			for _, end := range []float64{r.lo, r.hi} {
				if a.holds(end) {
					c.StrokeLine2(line, x(end), y-2.5, x(end), y+2.5)
				}
			}
		}
	}
	for _, d := range r.dots {
		at := x(d.at)
		if !a.holds(d.at) { // draw an arrow that points to it
			tip := vg.Length(4)
			if d.at < a.lo {
				tip = -tip
			}
			c.FillPolygon(edge, []vg.Point{{X: at, Y: y - 3.4}, {X: at, Y: y + 3.4}, {X: at + tip, Y: y}})
			continue
		}
		c.DrawGlyphNoClip(draw.GlyphStyle{Color: edge, Radius: 3.4, Shape: draw.CircleGlyph{}}, vg.Point{X: at, Y: y})
		if d.fill != solid {
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: color.White, Radius: 2, Shape: draw.CircleGlyph{}}, vg.Point{X: at, Y: y})
		}
		if d.fill == half {
			c.FillPolygon(edge, rectangle(at-2.2, at, y-2, y+2))
		}
	}
}

// drawTicks draws the ticks of a horizontal axis at height y. It leaves out a label
// that would overlap the one before.
func drawTicks(c draw.Canvas, a axis, x func(float64) vg.Length, y, right vg.Length) {
	s := aligned(style(smallSize, ink), draw.XCenter)
	free := vg.Length(math.Inf(-1))
	for _, t := range a.ticks {
		length := vg.Length(2)
		if t.label != "" {
			length = 4
			half := s.Width(t.label) / 2
			if at := x(t.at); at-half > free {
				c.FillText(s, vg.Point{X: at, Y: y - 11}, t.label)
				free = at + half + 4
			}
		}
		c.StrokeLine2(stroke(mark, 0.7), x(t.at), y, x(t.at), y-length)
	}
}

func rectangle(x0, x1, y0, y1 vg.Length) []vg.Point {
	return []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}}
}
