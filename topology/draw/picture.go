package draw

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"strings"
	"sync"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"numasched/topology"
)

func rgb(hex uint32) color.Color {
	return color.RGBA{uint8(hex >> 16), uint8(hex >> 8), uint8(hex), 0xff}
}

var (
	ink      = rgb(0x1f2933)
	faint    = rgb(0x616e7c)
	white    = rgb(0xffffff)
	frame    = rgb(0x9aa5b1)
	ground   = rgb(0xf5f7fa)
	refused  = rgb(0xf3c1bb) // a CPU that is not allowed
	coreFill = rgb(0xd3d9e1)
	coreEdge = rgb(0x8793a3)
)

// look returns the fill and the edge of a part's strip or frame.
var look = map[kind][2]color.Color{
	pkg:     {rgb(0xe4eaf2), rgb(0x8596ae)},
	node:    {rgb(0xc9e6c3), rgb(0x6aa361)},
	die:     {rgb(0xece7f6), rgb(0x9684b8)},
	l3:      {rgb(0xfbdfa8), rgb(0xc9973a)},
	cluster: {rgb(0xece7f6), rgb(0x9684b8)},
	l2:      {rgb(0xfdecc8), rgb(0xd6b36d)},
	l1d:     {rgb(0xfef6e4), rgb(0xdcc596)},
}

// SVG draws the machine as an SVG file.
func SVG(w io.Writer, t *topology.Topology) error {
	p := compose(t)
	c := vgsvg.New(p.w, p.h)
	p.draw(c)
	_, err := c.WriteTo(w)
	return err
}

// PNG draws the machine as a PNG file of two pixels per point, or fewer if the picture
// would have more than about 50 million pixels.
func PNG(w io.Writer, t *topology.Topology) error {
	p := compose(t)
	const most = 50e6
	perPoint := min(2, math.Sqrt(most/float64(p.w*p.h)))
	c := vgimg.NewWith(vgimg.UseWH(p.w, p.h), vgimg.UseDPI(int(72*perPoint)))
	p.draw(c)
	_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(w)
	return err
}

// A picture holds the machine, the nodes beside it and the heat map, each in its
// place.
type picture struct {
	t     *topology.Topology
	w, h  vg.Length
	root  *tile
	lone  []*tile // nodes without CPUs
	heat  *heatmap
	notes []string

	c vg.Canvas
}

const margin vg.Length = 14

func compose(t *topology.Topology) *picture {
	root := boxes(t)
	p := &picture{t: t, root: newLayouter(root, detailFor(t), t.Allowed).layout(root)}
	p.root.even()
	if !t.Offline.Empty() {
		p.notes = append(p.notes, "Offline: CPUs "+t.Offline.String())
	}
	if t.Restricted() {
		note := "Allowed: " + allowed(t)
		if !t.Allowed.Equal(t.Online) {
			note += "; the other CPUs are red"
		}
		p.notes = append(p.notes, note)
	}
	if detailFor(t) == squares {
		p.notes = append(p.notes, "Each square is a core.")
	}
	for _, m := range t.Missing {
		p.notes = append(p.notes, "Note: "+m.String())
	}

	top := margin + 34 // below the title
	p.root.x, p.root.y = margin, top
	right, bottom := p.root.x+p.root.w, p.root.y+p.root.h
	var x, y, row vg.Length = margin, bottom + gap, 0
	for _, n := range nodesWithoutCPUs(t) {
		l := loneNode(t, n)
		if x > margin && x+l.w > max(right, margin+240) {
			x, y = margin, y+row+gap
		}
		l.x, l.y, row = x, y, l.h
		x += l.w + gap
		right, bottom = max(right, x-gap), y+row
		p.lone = append(p.lone, l)
	}
	if t.Distances != nil {
		p.heat = newHeatmap(t)
		// The heat map goes beside the machine or below it, whichever makes the better
		// page.
		used := right*bottom + p.heat.w*p.heat.h
		beside := page(right+3*margin+p.heat.w, max(bottom, top+p.heat.h)+margin, used)
		below := page(max(right, margin+p.heat.w)+margin, bottom+2*margin+p.heat.h, used)
		if beside <= below {
			p.heat.x, p.heat.y = right+2*margin, top
		} else {
			p.heat.x, p.heat.y = margin, bottom+margin
		}
		right, bottom = max(right, p.heat.x+p.heat.w), max(bottom, p.heat.y+p.heat.h)
	}
	right = max(right, margin+320, margin+textWidth(title(t), 13, true), margin+textWidth(summary(t), 9, false))
	p.w = right + margin
	p.notes = wrap(p.notes, p.w-2*margin, 7.5)
	p.h = bottom + margin
	if len(p.notes) > 0 {
		p.h += vg.Length(len(p.notes))*11 + 4
	}
	return p
}

// page says how far a page is from the best one, which has a screen's shape and is
// full.
func page(w, h, used vg.Length) float64 {
	return math.Abs(math.Log(float64(w/h)/1.8)) + float64(1-used/(w*h))
}

// wrap breaks lines at spaces so that they fit. A number keeps its unit.
func wrap(lines []string, w vg.Length, size vg.Length) []string {
	var out []string
	for _, l := range lines {
		line := ""
		for _, word := range words(l) {
			if line != "" && textWidth(line+" "+word, size, false) > w {
				out = append(out, line)
				line = "   "
			}
			if line != "" {
				line += " "
			}
			line += word
		}
		out = append(out, line)
	}
	return out
}

// words are the words of s, with a size as one word.
func words(s string) (ws []string) {
	for _, w := range strings.Fields(s) {
		if n := len(ws); n > 0 && len(w) >= 3 && w[1:3] == "iB" {
			ws[n-1] += " " + w
		} else {
			ws = append(ws, w)
		}
	}
	return ws
}

func loneNode(t *topology.Topology, n topology.Node) *tile {
	l := &tile{
		box:      &box{},
		strips:   []part{nodePart(n)},
		captions: []string{withoutCPUs(t, n)},
		framed:   true,
	}
	l.w = max(textWidth(l.captions[0], 7, false), textWidth(label(l.strips[0]), 8, false)) + 4*gap
	l.h = l.top() + gap
	return l
}

func (p *picture) draw(c vg.Canvas) {
	p.c = c
	p.rect(0, 0, p.w, p.h, white, nil, 0)
	p.text(margin, margin+11, title(p.t), 13, true, ink)
	p.text(margin, margin+25, summary(p.t), 9, false, faint)
	p.tile(p.root, 0, 0)
	for _, l := range p.lone {
		p.tile(l, 0, 0)
	}
	if p.heat != nil {
		p.heat.draw(p)
	}
	y := p.h - margin - vg.Length(len(p.notes))*11 + 8
	for _, n := range p.notes {
		indent := vg.Length(len(n)-len(strings.TrimLeft(n, " "))) * 2
		p.text(margin+indent, y, strings.TrimLeft(n, " "), 7.5, false, faint)
		y += 11
	}
}

// tile draws a tile and everything in it, at its place relative to x and y.
func (p *picture) tile(t *tile, x, y vg.Length) {
	x, y = x+t.x, y+t.y
	if t.framed {
		fill, edge := ground, frame
		if _, ok := t.box.has(core); ok {
			fill, edge = coreFill, coreEdge
		}
		for i, s := range t.strips {
			if isTitle(s) {
				fill, edge = look[s.kind][0], look[s.kind][1]
				break
			}
			if i == 0 {
				fill, edge = white, look[s.kind][1]
			}
		}
		if len(t.strips) == 0 && len(t.threads) > 0 {
			edge = nil
		}
		p.rect(x, y, t.w, t.h, fill, edge, 0.7)
	}
	at := y + gap/2
	for i, s := range t.strips {
		words := label(s)
		if isTitle(s) {
			p.text(x+gap, at+10, words, 8, true, ink)
		} else {
			p.rect(x+gap/2, at, t.w-gap, stripH, look[s.kind][0], look[s.kind][1], 0.5)
			p.text(x+gap, at+9.5, words, 8, false, ink)
		}
		// If there is room, the CPUs stand on the first line that is about them.
		if i == 0 && s.kind <= l3 && !t.box.cpus.Empty() {
			list := t.cpusIn(t.w - 2*gap - textWidth(words, 8, isTitle(s)) - cpusApart)
			p.text(x+t.w-gap-textWidth(list, 7, false), at+9.5, list, 7, false, faint)
		}
		at += partHeight(s)
	}
	if len(t.strips) > 0 {
		at += gap / 2
	}
	for _, s := range t.captions {
		p.text(x+gap, at+7, s, 7, false, faint)
		at += captionH
	}
	for _, c := range t.tiles {
		p.tile(c, x, y)
	}
	for _, th := range t.threads {
		fill := white
		if !th.allowed {
			fill = refused
		} else if th.cpu < 0 {
			fill = coreFill
		}
		p.rect(x+th.x, y+th.y, th.w, th.h, fill, coreEdge, 0.5)
		if th.cpu >= 0 {
			s := fmt.Sprint(th.cpu)
			size := vg.Length(8)
			if th.h < threadH {
				size = 7
			}
			for textWidth(s, size, false) > th.w-1 {
				size -= 0.5
			}
			p.text(x+th.x+(th.w-textWidth(s, size, false))/2, y+th.y+th.h/2+size*0.36, s, size, false, ink)
		}
	}
}

func label(p part) string {
	s := kindNames[p.kind]
	switch {
	case p.kind == node:
		s = nodeName(p, "  ")
	case p.kind == pkg || p.kind == die:
		s += fmt.Sprintf(" %d", p.id)
	case p.bytes > 0:
		s += "  " + size(p.bytes)
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// rect draws a rectangle. It leaves out the fill or the edge if its colour is nil.
func (p *picture) rect(x, y, w, h vg.Length, fill, edge color.Color, line vg.Length) {
	var path vg.Path
	y = p.h - y
	path.Move(vg.Point{X: x, Y: y})
	path.Line(vg.Point{X: x + w, Y: y})
	path.Line(vg.Point{X: x + w, Y: y - h})
	path.Line(vg.Point{X: x, Y: y - h})
	path.Close()
	if fill != nil {
		p.c.SetColor(fill)
		p.c.Fill(path)
	}
	if edge != nil {
		p.c.SetColor(edge)
		p.c.SetLineWidth(line)
		p.c.Stroke(path)
	}
}

// text writes s with its base line at y.
func (p *picture) text(x, y vg.Length, s string, size vg.Length, bold bool, c color.Color) {
	if s == "" {
		return
	}
	p.c.SetColor(c)
	p.c.FillString(face(size, bold), vg.Point{X: x, Y: p.h - y}, s)
}

var fonts = sync.OnceValue(func() *font.Cache { return font.NewCache(liberation.Collection()) })

func face(size vg.Length, bold bool) font.Face {
	f := font.Font{Typeface: "Liberation", Variant: "Sans"}
	if bold {
		f.Weight = 3 // x/image/font.WeightBold
	}
	return fonts().Lookup(f, size)
}

func textWidth(s string, size vg.Length, bold bool) vg.Length {
	f := face(size, bold)
	return f.Width(s)
}
