package plot

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A forest is a plot with one line of text per row: its name on the left, what
// was measured in the middle on a common axis, and the numbers on the right.
// So nothing has to be looked up in a legend, and nothing read off by eye.
type forest struct {
	axis  axis
	label string // of the axis
	rows  []row
	marks []guide
}

// A row is one line of a forest. A row without bars and dot is a heading, or
// says in text why it has nothing to show.
type row struct {
	heading bool
	name    string
	text    string
	color   color.NRGBA
	bars    []bar // from left to right
	dots    []dot
	lo, hi  float64 // interval; not drawn unless both are finite
}

// A dot is a value, or a ring around it.
type dot struct {
	at     float64
	hollow bool
}

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
	lift       = vg.Length(1) // centred text looks low: it has more above its middle than below
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

// draw fills c from its top. names and texts are the widths of the columns to
// the left and right; 0 means as wide as they need.
func (f *forest) draw(c draw.Canvas, names, texts vg.Length) {
	nameStyle, textStyle := style(textSize, ink), style(smallSize, faint)
	for _, r := range f.rows {
		if r.heading {
			continue
		}
		names = max(names, nameStyle.Width(r.name)+14)
		if len(r.bars) > 0 || len(r.dots) > 0 {
			texts = max(texts, textStyle.Width(r.text)+8)
		}
	}
	left, right := c.Min.X+names, c.Max.X-max(texts, 12)
	x := func(v float64) vg.Length { return left + (right-left)*vg.Length(f.axis.at(v)) }

	tops := make([]vg.Length, len(f.rows)+1)
	tops[0] = c.Max.Y
	for i := range f.rows {
		tops[i+1] = tops[i] - f.rows[i].height()
	}
	bottom := tops[len(f.rows)]

	// Grid first, so that everything lies on top of it.
	for _, t := range f.axis.ticks {
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
	for i, r := range f.rows {
		mid := (tops[i] + tops[i+1]) / 2
		if r.heading {
			c.FillPolygon(color.White, rectangle(c.Min.X, c.Max.X, tops[i+1]+2, tops[i]))
			c.FillText(bold(style(textSize, ink)), vg.Point{X: c.Min.X, Y: tops[i+1] + 7}, r.name)
			c.StrokeLine2(stroke(mark, 0.5), c.Min.X, tops[i+1]+1, c.Max.X, tops[i+1]+1)
			continue
		}
		c.FillText(nameStyle, vg.Point{X: c.Min.X + 6, Y: mid + lift}, r.name)
		for _, b := range r.bars {
			if b.to > b.from {
				c.FillPolygon(b.color, rectangle(x(b.from), x(b.to), mid-4, mid+4))
			}
		}
		whisker := r.color
		if len(r.bars) > 0 {
			whisker = ink
		}
		if !math.IsInf(r.lo, 0) && !math.IsInf(r.hi, 0) && !math.IsNaN(r.lo+r.hi) {
			line := stroke(whisker, 1.2)
			c.StrokeLine2(line, x(r.lo), mid, x(r.hi), mid)
			c.StrokeLine2(line, x(r.lo), mid-2.5, x(r.lo), mid+2.5)
			c.StrokeLine2(line, x(r.hi), mid-2.5, x(r.hi), mid+2.5)
		}
		for _, d := range r.dots {
			pt := vg.Point{X: x(d.at), Y: mid}
			edge := r.color
			if len(r.bars) > 0 {
				edge = ink // a dot on a bar
			}
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: edge, Radius: 3.4, Shape: draw.CircleGlyph{}}, pt)
			if d.hollow {
				c.DrawGlyphNoClip(draw.GlyphStyle{Color: color.White, Radius: 2, Shape: draw.CircleGlyph{}}, pt)
			}
		}
		at := right + 8
		if len(r.bars) == 0 && len(r.dots) == 0 {
			at = left + 4
		}
		c.FillText(textStyle, vg.Point{X: at, Y: mid + lift}, r.text)
	}
	c.StrokeLine2(stroke(mark, 0.7), left, bottom, right, bottom)
	drawTicks(c, f.axis, x, bottom, right)
	c.FillText(aligned(style(smallSize, faint), draw.XCenter), vg.Point{X: (left + right) / 2, Y: bottom - 25}, f.label)
}

// drawTicks draws the ticks of a horizontal axis at height y. A label that
// would run into the one before is left out.
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
