package plot

import (
	"cmp"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A chart draws lines over the number of Ps, one per arm.
type chart struct {
	title  string
	x, y   axis
	ylabel string
	lines  []line
	ends   bool // lines have their names at their ends
}

type line struct {
	name   string
	look   look
	points []point // by ascending x
}

type point struct{ x, y, lo, hi float64 }

func (p point) hasInterval() bool { return len(finite([]float64{p.lo, p.hi})) == 2 }

func (ch *chart) intervals() bool {
	return slices.ContainsFunc(ch.lines, func(l line) bool { return slices.ContainsFunc(l.points, point.hasInterval) })
}

func (ch *chart) draw(c draw.Canvas) {
	c.FillText(bold(style(textSize, ink)), vg.Point{X: c.Min.X, Y: c.Max.Y - 6}, ch.title)
	c.FillText(style(smallSize, faint), vg.Point{X: c.Min.X, Y: c.Max.Y - 18}, ch.ylabel)
	if len(ch.x.ticks) == 0 {
		return
	}
	tickStyle := aligned(style(smallSize, ink), draw.XRight)
	names := vg.Length(0)
	for _, t := range ch.y.ticks {
		names = max(names, tickStyle.Width(t.label))
	}
	left, right := c.Min.X+names+8, c.Max.X-8
	if ch.ends {
		right -= ch.nameWidth()
	}
	bottom, top := c.Min.Y+axisHeight-6, c.Max.Y-28
	x := func(v float64) vg.Length { return left + (right-left)*vg.Length(ch.x.at(v)) }
	y := func(v float64) vg.Length { return bottom + (top-bottom)*vg.Length(ch.y.at(v)) }
	for _, t := range ch.y.ticks {
		if t.label != "" {
			c.StrokeLine2(stroke(rule, 0.5), left, y(t.at), right, y(t.at))
			c.FillText(tickStyle, vg.Point{X: left - 4, Y: y(t.at) + lift}, t.label)
		}
	}
	c.StrokeLine2(stroke(mark, 0.7), left, bottom, right, bottom)
	drawTicks(c, ch.x, x, bottom, right)
	c.FillText(aligned(style(smallSize, faint), draw.XCenter), vg.Point{X: (left + right) / 2, Y: bottom - 22}, "Ps")
	for i, l := range ch.lines {
		color := l.look.color
		aside := vg.Length(0) // moves intervals at the same x apart
		if ch.intervals() {
			aside = 3.5 * (vg.Length(i) - vg.Length(len(ch.lines)-1)/2)
		}
		var path []vg.Point
		for _, p := range l.points {
			pt := vg.Point{X: x(p.x) + aside, Y: y(p.y)}
			path = append(path, pt)
			if p.hasInterval() {
				c.StrokeLine2(stroke(color, 1), pt.X, y(p.lo), pt.X, y(p.hi))
				c.StrokeLine2(stroke(color, 1), pt.X-2, y(p.lo), pt.X+2, y(p.lo))
				c.StrokeLine2(stroke(color, 1), pt.X-2, y(p.hi), pt.X+2, y(p.hi))
			}
		}
		if len(path) > 1 {
			c.StrokeLines(l.look.stroke(1.4), path)
		}
		for _, pt := range path {
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: color, Radius: 3, Shape: l.look.glyph}, pt)
		}
	}
	if ch.ends {
		ch.drawEnds(c, right+6, bottom, top, y)
	}
}

func (ch *chart) nameWidth() (w vg.Length) {
	for _, l := range ch.lines {
		w = max(w, style(smallSize, ink).Width(l.name))
	}
	return w
}

// drawEnds draws the names of the lines at x, each near the height of its line's end:
// as far above as the name below it needs, but not above top.
func (ch *chart) drawEnds(c draw.Canvas, x, bottom, top vg.Length, y func(float64) vg.Length) {
	const apart = 9
	lines := slices.Clone(ch.lines)
	end := func(l line) float64 { return l.points[len(l.points)-1].y }
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(end(a), end(b)) })
	at := make([]vg.Length, len(lines))
	free := bottom
	for i, l := range lines {
		at[i] = max(free, y(end(l)))
		free = at[i] + apart
	}
	free = top
	for i := len(at) - 1; i >= 0; i-- {
		at[i] = min(free, at[i])
		free = at[i] - apart
	}
	for i, l := range lines {
		c.FillText(style(smallSize, l.look.color), vg.Point{X: x, Y: at[i] + lift}, l.name)
	}
}

// drawLegend draws the arms in a row and returns its height.
func drawLegend(c draw.Canvas, arms []string, ls looks) vg.Length {
	s := style(textSize, ink)
	at, y := c.Min.X, c.Max.Y-7
	for _, arm := range arms {
		width := 26 + s.Width(arm) + 16
		if at+width > c.Max.X && at > c.Min.X {
			at, y = c.Min.X, y-14
		}
		c.StrokeLine2(ls[arm].stroke(1.4), at, y, at+20, y)
		c.DrawGlyphNoClip(draw.GlyphStyle{Color: ls[arm].color, Radius: 3, Shape: ls[arm].glyph}, vg.Point{X: at + 10, Y: y})
		c.FillText(s, vg.Point{X: at + 26, Y: y + lift}, arm)
		at += width
	}
	return c.Max.Y - y + 9
}
