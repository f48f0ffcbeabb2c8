package plot

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"numasched/experiments/harness"
)

// A Track is what one M did: when it ran Gs, and when it stole. Times are in
// microseconds.
type Track struct {
	Node   string
	Name   string
	Busy   [][2]float64 // apart, in order of time
	Steals []Steal
}

// A Steal is a theft by an M.
type Steal struct {
	At     float64
	Remote bool // from another node
	Gs     int
}

// Timeline draws the tracks of a run under an arm, a line for each, by nodes. It returns
// nil if nothing ran.
func Timeline(name, subject, arm string, tracks []Track) *Figure {
	tracks = slices.DeleteFunc(slices.Clone(tracks), func(t Track) bool { return len(t.Busy) == 0 })
	end, busy, near, far := 0.0, 0.0, 0, 0
	for _, t := range tracks {
		for _, b := range t.Busy {
			end = max(end, b[1])
			busy += b[1] - b[0]
		}
		for _, s := range t.Steals {
			if s.Remote {
				far++
			} else {
				near++
			}
		}
	}
	if end == 0 {
		return nil
	}
	look, known := looksOf([]string{arm})[arm]
	if !known {
		look.color = ink
	}
	const gap = 5 // between nodes
	line := vg.Length(math.Max(4, math.Min(10, 320/float64(len(tracks)))))
	height := axisHeight + line*vg.Length(len(tracks))
	for i := range tracks {
		if i > 0 && tracks[i].Node != tracks[i-1].Node {
			height += gap
		}
	}
	x := fromZero([]float64{end / 1.04}, siMicros)
	x.hi = end
	return &Figure{
		Name: name,
		Title: fmt.Sprintf("%s: %s; threads run Gs in %.0f %% of their time, and %d of %s come from another node",
			arm, siMicros(end), 100*busy/(end*float64(len(tracks))), far, harness.Count(near+far, "steal", "steals")),
		Subject: subject,
		Caption: "A line for each thread (M), by nodes. Bars: it runs Gs. Black ticks: it steals from another node. Short grey ticks: it steals from its own node. Threads that never run a G have no line and do not count.",
		height:  height,
		draw: func(c draw.Canvas) {
			left, right := c.Min.X+52, c.Max.X-8
			at := func(us float64) vg.Length { return left + (right-left)*vg.Length(x.at(us)) }
			bottom := c.Min.Y + axisHeight
			for _, t := range x.ticks {
				c.StrokeLine2(stroke(rule, 0.5), at(t.at), bottom, at(t.at), c.Max.Y)
			}
			y := c.Max.Y
			for i, t := range tracks {
				if i == 0 || t.Node != tracks[i-1].Node {
					if i > 0 {
						y -= gap
					}
					c.FillText(style(smallSize, ink), vg.Point{X: c.Min.X, Y: y - 5}, t.Node)
				}
				tagged(c, arm, t.says(end), func() { t.draw(c, at, y, line, look.color) })
				y -= line
			}
			c.StrokeLine2(stroke(mark, 0.7), left, bottom, right, bottom)
			drawTicks(c, x, at, bottom, right)
		},
	}
}

func (t *Track) says(end float64) string {
	busy, far := 0.0, 0
	for _, b := range t.Busy {
		busy += b[1] - b[0]
	}
	for _, s := range t.Steals {
		if s.Remote {
			far++
		}
	}
	return fmt.Sprintf("%s, %s: runs Gs in %.0f %% of the time; %s, %d from another node", t.Node, t.Name, 100*busy/end,
		harness.Count(len(t.Steals), "steal", "steals"), far)
}

// draw draws a track below y. What lies closer together than a quarter of a point is one
// bar.
func (t *Track) draw(c draw.Canvas, at func(float64) vg.Length, y, line vg.Length, fill color.Color) {
	top, low := y-line*0.12, y-line*0.88
	for i := 0; i < len(t.Busy); {
		from, to := at(t.Busy[i][0]), at(t.Busy[i][1])
		for i++; i < len(t.Busy) && at(t.Busy[i][0])-to < 0.25; i++ {
			to = at(t.Busy[i][1])
		}
		c.FillPolygon(fill, rectangle(from, max(to, from+0.2), low, top))
	}
	last := vg.Length(math.Inf(-1))
	for _, s := range t.Steals {
		switch x := at(s.At); {
		case s.Remote:
			c.StrokeLine2(stroke(ink, 0.8), x, y, x, y-line)
		case x-last > 0.5: // many at one place look like one
			c.StrokeLine2(stroke(mark, 0.6), x, low, x, (low+top)/2)
			last = x
		}
	}
}

// siMicros writes a time in microseconds with its unit.
func siMicros(us float64) string {
	if us == 0 {
		return "0"
	}
	return strings.TrimSpace(fmt.Sprintf("%.4g %s", scaleMicros(us), unitMicros(us)))
}

func scaleMicros(us float64) float64 {
	if us >= 1000 {
		return us / 1000
	}
	return us
}

func unitMicros(us float64) string {
	if us >= 1000 {
		return "ms"
	}
	return "us"
}
