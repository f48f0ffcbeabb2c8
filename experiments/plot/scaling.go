package plot

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A chart draws lines, one per arm: over the number of Ps, or over what xlabel says.
type chart struct {
	title   string
	x, y    axis
	ylabel  string
	xlabel  string // "": Ps
	lines   []line
	ends    bool // lines have their names at their ends
	leaders bool // and a thin line leads from there to the name
	refs    []reference

	workload string // for tips
	format   func(float64) string
	tip      func(arm string, p point) string // nil: that of a number of Ps
}

// A reference is a dashed line to compare with.
type reference struct {
	name   string
	points []vgPoint
	level  bool
}

type vgPoint struct{ x, y float64 }

// addIdeal adds the line of perfect scaling through the first of points, as far as the
// axis goes. The points need not be in order.
func (ch *chart) addIdeal(points []point, ps []int) {
	if len(points) == 0 || len(ps) < 2 {
		return
	}
	first := slices.MinFunc(points, func(a, b point) int { return cmp.Compare(a.x, b.x) })
	if !(first.x > 0 && first.y > 0) || math.IsInf(first.y, 0) {
		return
	}
	ref := reference{name: "ideal"}
	const steps = 64 // the horizontal axis is logarithmic, so the line is curved
	end := min(float64(ps[len(ps)-1]), first.x*ch.y.hi/first.y)
	for i := range steps + 1 {
		x := first.x * math.Pow(end/first.x, float64(i)/steps)
		ref.points = append(ref.points, vgPoint{x, min(ch.y.hi, first.y*x/first.x)})
	}
	ch.refs = append(ch.refs, ref)
}

// addChance adds the share that is local by chance.
func (ch *chart) addChance(nodes int, ps []int) {
	y := 100 / float64(nodes)
	ch.refs = append(ch.refs, reference{"chance", []vgPoint{{float64(ps[0]), y}, {float64(ps[len(ps)-1]), y}}, true})
}

type line struct {
	name   string
	look   look
	points []point // by ascending x
	thin   bool    // less important than others
	alike  int     // how many other arms have the same points
}

// label is the name at the end of a line.
func (l *line) label() string {
	if l.alike > 0 {
		return fmt.Sprintf("%s +%d", l.name, l.alike)
	}
	return l.name
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
	for _, ref := range ch.refs {
		var path []vg.Point
		for _, p := range ref.points {
			path = append(path, vg.Point{X: x(p.x), Y: y(p.y)})
		}
		c.StrokeLines(dashed(faint, 0.8), path)
		if ref.level {
			at := style(smallSize-1, faint)
			c.FillText(at, ch.clearest(ref.name, at, path, bottom, top, x, y), ref.name)
			continue
		}
		last := path[len(path)-1]
		at := aligned(style(smallSize-1, faint), draw.XRight)
		if last.X < (left+right)/2 {
			at = style(smallSize-1, faint)
			last.X += 4
		} else if last.Y < top-10 {
			last.Y -= 7
		} else {
			last.X -= 10
		}
		c.FillText(at, vg.Point{X: last.X, Y: last.Y + lift}, ref.name)
	}
	c.StrokeLine2(stroke(mark, 0.7), left, bottom, right, bottom)
	drawTicks(c, ch.x, x, bottom, right)
	c.FillText(aligned(style(smallSize, faint), draw.XCenter), vg.Point{X: (left + right) / 2, Y: bottom - 22}, cmp.Or(ch.xlabel, "Ps"))
	for i, l := range ch.lines {
		tagged(c, l.name, "", func() { ch.drawLine(c, i, l, x, y) })
	}
	if ch.ends {
		if over := style(smallSize, faint).Width(ch.ylabel); c.Min.X+over > right {
			top -= belowLabel
		}
		ch.drawEnds(c, right+6, bottom, top, y)
	}
}

// belowLabel is how far below the top of the axes the highest name stands where the label of the
// axis is above it: the label's letters reach down, and the name's reach up.
const belowLabel = 5

// clearOfLines is how far from all lines a name should be: their glyphs have a radius of 3.
const clearOfLines = 4

// clearest returns where the name of a level reference line stands: below or above it, where
// it is clear of all lines, or else where it is farthest from them.
func (ch *chart) clearest(name string, at draw.TextStyle, path []vg.Point, bottom, top vg.Length, x, y func(float64) vg.Length) (place vg.Point) {
	from, to, height := path[0].X, path[len(path)-1].X, path[0].Y
	width, half := at.Width(name), at.FontExtents().Ascent/2
	room := vg.Length(math.Inf(-1))
	const steps = 8
	for _, off := range []vg.Length{-7, 7, 11, -11, 16, 22} {
		middle := height + off
		if middle-half < bottom || middle+half > top {
			continue
		}
		for i := steps; i >= 0; i-- { // from the right
			start := from + (to-from-width)*vg.Length(i)/steps
			d := ch.distance(start, start+width, middle, x, y) - half
			if d > room {
				room, place = d, vg.Point{X: start, Y: middle + lift}
			}
			if room >= clearOfLines {
				return place
			}
		}
	}
	return place
}

// distance is how far the lines of ch are from a level line there, up or down.
func (ch *chart) distance(from, to, height vg.Length, x, y func(float64) vg.Length) vg.Length {
	least := vg.Length(math.Inf(1))
	for _, l := range ch.lines {
		for i := range max(0, len(l.points)-1) {
			ax, ay, bx, by := x(l.points[i].x), y(l.points[i].y), x(l.points[i+1].x), y(l.points[i+1].y)
			lo, hi := max(ax, from-3), min(bx, to+3) // 3 for the glyphs at its ends
			if lo > hi {
				continue
			}
			first, last := ay+(by-ay)*(lo-ax)/(bx-ax), ay+(by-ay)*(hi-ax)/(bx-ax)
			if (first-height)*(last-height) <= 0 {
				return 0
			}
			least = min(least, max(first-height, height-first), max(last-height, height-last))
		}
	}
	return least
}

func (ch *chart) drawLine(c draw.Canvas, i int, l line, x, y func(float64) vg.Length) {
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
	width, radius := vg.Length(1.4), vg.Length(3)
	if l.thin {
		width, radius = 0.7, 1.6
	}
	if len(path) > 1 {
		c.StrokeLines(l.look.stroke(width), path)
	}
	for k, pt := range path {
		tip := fmt.Sprintf("%s under %s, P=%.0f: %s %s", ch.workload, l.name, l.points[k].x, ch.text(l.points[k].y), ch.ylabel)
		if ch.tip != nil {
			tip = ch.tip(l.name, l.points[k])
		}
		tagged(c, l.name, tip, func() {
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: color, Radius: radius, Shape: l.look.glyph}, pt)
		})
	}
}

func (ch *chart) text(v float64) string {
	if ch.format != nil {
		return ch.format(v)
	}
	return si(v)
}

func (ch *chart) nameWidth() (w vg.Length) {
	for _, l := range ch.lines {
		w = max(w, style(smallSize, ink).Width(l.label()))
	}
	if ch.leaders {
		w += leader
	}
	return w
}

// leader is how wide the lines to the names are.
const leader = vg.Length(14)

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
		tagged(c, l.name, "", func() {
			s, x := style(smallSize, l.look.color), x
			if ch.leaders {
				c.StrokeLine2(stroke(tint(l.look.color, 0.6), 0.5), x-5, y(end(l)), x+leader-2, at[i])
				x += leader
				if !l.thin {
					s = bold(s)
				}
			}
			c.FillText(s, vg.Point{X: x, Y: at[i] + lift}, l.label())
		})
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
		tagged(c, arm, "", func() {
			c.StrokeLine2(ls[arm].stroke(1.4), at, y, at+20, y)
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: ls[arm].color, Radius: 3, Shape: ls[arm].glyph}, vg.Point{X: at + 10, Y: y})
			c.FillText(s, vg.Point{X: at + 26, Y: y + lift}, arm)
		})
		at += width
	}
	return c.Max.Y - y + 9
}
