package draw

import (
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"

	"numasched/topology"
)

// A detail is how much of a core a picture shows. A machine with few cores is drawn
// as lstopo draws it, and one with a thousand cores as a map of small squares.
type detail int

const (
	full    detail = iota // caches of the core as strips, threads as boxes
	numbers               // threads as boxes
	squares               // the core as one square
)

func detailFor(t *topology.Topology) detail {
	switch n := max(len(t.Cores), t.Online.Len()/4); {
	case n <= 96:
		return full
	case n <= 640:
		return numbers
	}
	return squares
}

// Measures, in points. Coordinates grow to the right and down.
const (
	gap        vg.Length = 5  // between boxes
	tightGap   vg.Length = 2  // between cores without room for more
	stripH     vg.Length = 13 // a cache or a node's memory
	titleH     vg.Length = 14
	captionH   vg.Length = 10
	threadW    vg.Length = 21
	threadH    vg.Length = 14
	smallW     vg.Length = 18
	smallH     vg.Length = 11
	squareSide vg.Length = 8
)

// A tile is a box and its place in the picture.
type tile struct {
	x, y, w, h vg.Length
	box        *box
	strips     []part   // strips above the content, in order
	captions   []string // words about the content
	tiles      []*tile
	threads    []thread // of a core, or CPUs without one
	framed     bool
}

type thread struct {
	x, y, w, h vg.Length
	cpu        int // -1: a square that stands for a core
	allowed    bool
}

// A layouter gives boxes sizes and places. Boxes of the same kinds have room for the
// longest of their labels, so that node 9 is as wide as node 10.
type layouter struct {
	d       detail
	allowed topology.CPUSet
	labels  map[string]vg.Length // by kinds
}

func newLayouter(root *box, d detail, allowed topology.CPUSet) *layouter {
	l := &layouter{d, allowed, map[string]vg.Length{}}
	var measure func(b *box)
	measure = func(b *box) {
		t := l.tile(b)
		l.labels[t.kinds()] = max(l.labels[t.kinds()], t.labelWidth())
		for _, c := range b.children {
			measure(c)
		}
	}
	measure(root)
	return l
}

// tile returns a tile for b with its strips.
func (l *layouter) tile(b *box) *tile {
	t := &tile{box: b, framed: true}
	for _, p := range b.parts {
		if p.kind != core && p.kind != machine && (l.d == full || p.kind <= l3) {
			t.strips = append(t.strips, p)
		}
	}
	return t
}

func (t *tile) kinds() string {
	var s strings.Builder
	for _, p := range t.strips {
		s.WriteString(kindNames[p.kind] + " ")
	}
	return s.String()
}

// layout gives a box and everything in it a size, and a place relative to the box.
func (l *layouter) layout(b *box) *tile {
	t, d, allowed := l.tile(b), l.d, l.allowed
	_, isCore := b.has(core)
	if len(b.children) == 0 || isCore {
		t.layThreads(b.cpus, d, isCore, allowed)
	} else {
		for _, c := range b.children {
			t.tiles = append(t.tiles, l.layout(c))
		}
		if rest := b.threads(); !rest.Empty() {
			loose := &tile{box: &box{cpus: rest}}
			loose.layThreads(rest, d, false, allowed)
			loose.w, loose.h = loose.content()
			t.tiles = append(t.tiles, loose)
		}
		if d != full && b.worthALine() && !b.children[0].worthALine() {
			for _, run := range b.runs() {
				t.captions = append(t.captions, together(run))
			}
		}
		if !slices.ContainsFunc(b.children, (*box).worthALine) {
			t.tiles = alike(t.tiles, d)
		}
		t.grid(d)
	}
	_, isRoot := b.has(machine)
	t.framed = isRoot || len(t.strips) > 0 || d == full || isCore && d == numbers || len(t.tiles) > 0 && d == numbers
	w, h := t.content()
	pad := t.pad(d)
	// What the content is made of is said in as many lines as it needs.
	wide := max(w+2*pad, l.labels[t.kinds()])
	t.captions = wrap(t.captions, wide-2*gap, 7)
	top := t.top()
	t.w, t.h = wide, h+top+pad
	if top == 0 {
		t.h += pad
		top = pad
	}
	// Centre content that is narrower than the strips above it.
	dx := (t.w - w) / 2
	for _, c := range t.tiles {
		c.x += dx
		c.y += top
	}
	for i := range t.threads {
		t.threads[i].x += dx
		t.threads[i].y += top
	}
	return t
}

func (t *tile) pad(d detail) vg.Length {
	switch {
	case !t.framed:
		return 0
	case len(t.strips) == 0 && d != full && t.box.parts[0].kind != machine:
		return 1.5
	}
	return gap
}

// top is the room that strips and captions take.
func (t *tile) top() vg.Length {
	var h vg.Length
	for _, p := range t.strips {
		h += partHeight(p)
	}
	if h > 0 {
		h += gap
	}
	return h + vg.Length(len(t.captions))*captionH
}

func partHeight(p part) vg.Length {
	if isTitle(p) {
		return titleH
	}
	return stripH + 2
}

// isTitle reports whether a part is named in plain text, not in a strip.
func isTitle(p part) bool { return p.kind == pkg || p.kind == die || p.kind == cluster }

// labelWidth is the width of the longest strip's text, with the CPUs beside it where they
// are one range.
func (t *tile) labelWidth() vg.Length {
	var w vg.Length
	for i, p := range t.strips {
		need := textWidth(label(p), 8, isTitle(p)) + 4*gap
		if list := t.box.cpus.String(); i == 0 && p.kind <= l3 && list != "" && !strings.Contains(list, ",") {
			need += cpusApart + textWidth("CPUs "+list, 7, false)
		}
		w = max(w, need)
	}
	return w
}

// cpusApart is the room between a strip's text and its CPUs.
const cpusApart vg.Length = 8

// cpusIn names the CPUs of a tile in so much room: by a list, by their number, or not at
// all. A list that is cut would be read as whole.
func (t *tile) cpusIn(room vg.Length) string {
	for _, s := range []string{"CPUs " + t.box.cpus.String(), plural(t.box.cpus.Len(), "CPU")} {
		if textWidth(s, 7, false) <= room {
			return s
		}
	}
	return ""
}

// content is the size of what is inside.
func (t *tile) content() (w, h vg.Length) {
	for _, c := range t.tiles {
		w, h = max(w, c.x+c.w), max(h, c.y+c.h)
	}
	for _, th := range t.threads {
		w, h = max(w, th.x+th.w), max(h, th.y+th.h)
	}
	return w, h
}

// layThreads puts the threads of a core side by side. CPUs whose cores are unknown go
// into a grid.
func (t *tile) layThreads(cpus topology.CPUSet, d detail, isCore bool, allowed topology.CPUSet) {
	list := cpus.List()
	w, h, space := threadW, threadH, vg.Length(2)
	switch {
	case d == numbers:
		w, h, space = smallW, smallH, 1
	case d == squares && isCore:
		some := !cpus.And(allowed).Empty()
		t.threads = []thread{{w: squareSide, h: squareSide, cpu: -1, allowed: some}}
		return
	case d == squares:
		w, h, space = squareSide, squareSide, 1
	}
	columns := len(list)
	if columns > 2 {
		columns = int(math.Ceil(math.Sqrt(float64(len(list)) * float64(h/w) * 1.6)))
		columns = max(2, columns+columns%2)
	}
	for i, c := range list {
		th := thread{
			x: vg.Length(i%columns) * (w + space), y: vg.Length(i/columns) * (h + space),
			w: w, h: h, cpu: c, allowed: allowed.Contains(c),
		}
		if d == squares {
			th.cpu = -1
		}
		t.threads = append(t.threads, th)
	}
}

// alike groups neighbours of about the same size, so that each group can be a grid of
// its own: the large cores of a hybrid machine, and the small ones.
func alike(tiles []*tile, d detail) []*tile {
	similar := func(a, b vg.Length) bool { return a < b*1.15 && b < a*1.15 }
	var groups [][]*tile
	for _, c := range tiles {
		if n := len(groups); n > 0 {
			if first := groups[n-1][0]; similar(first.w, c.w) && similar(first.h, c.h) {
				groups[n-1] = append(groups[n-1], c)
				continue
			}
		}
		groups = append(groups, []*tile{c})
	}
	if len(groups) == 1 || len(groups) == len(tiles) {
		return tiles
	}
	out := make([]*tile, len(groups))
	for i, g := range groups {
		if len(g) == 1 {
			out[i] = g[0]
			continue
		}
		out[i] = &tile{box: &box{}, tiles: g}
		out[i].grid(d)
		out[i].w, out[i].h = out[i].content()
	}
	return out
}

// grid lays tiles in rows of equal length, such that the whole has the shape of a
// page. Tiles of a column have the same width, and tiles of a row the same height.
func (t *tile) grid(d detail) {
	space := gap
	if d != full && !t.tiles[0].framed || len(t.tiles[0].strips) == 0 && d != full {
		space = tightGap
	}
	const wanted = 1.5 // width over height
	n := len(t.tiles)
	best, bestScore := 1, math.Inf(1)
	for columns := 1; columns <= min(n, 64); columns++ {
		if n <= 4 && n%columns != 0 {
			continue
		}
		w, h := t.place(columns, space)
		score := math.Abs(math.Log(float64(w/h) / wanted))
		if n%columns != 0 {
			// The last row is not full: 8 x 8 is better than 11 to a row, but a row
			// of 13 is not.
			score += 0.7 + 0.3*float64(columns-n%columns)/float64(columns)
		}
		if score < bestScore-1e-9 {
			best, bestScore = columns, score
		}
	}
	t.place(best, space)
}

func (t *tile) place(columns int, space vg.Length) (w, h vg.Length) {
	widths := make([]vg.Length, columns)
	for i, c := range t.tiles {
		widths[i%columns] = max(widths[i%columns], c.w)
	}
	for i := 0; i < len(t.tiles); i += columns {
		row := t.tiles[i:min(i+columns, len(t.tiles))]
		var x, tallest vg.Length
		for k, c := range row {
			c.x, c.y = x, h
			x += widths[k] + space
			tallest = max(tallest, c.h)
		}
		w = max(w, x-space)
		h += tallest + space
	}
	return w, h - space
}

// even makes frames line up. Tiles in one row get the height of the tallest. Tiles in
// one column get the width of the widest if they differ by a digit or two.
func (t *tile) even() {
	rows, columns := map[vg.Length]vg.Length{}, map[vg.Length]vg.Length{}
	for _, c := range t.tiles {
		rows[c.y] = max(rows[c.y], c.h)
		columns[c.x] = max(columns[c.x], c.w)
	}
	for _, c := range t.tiles {
		if c.framed && len(c.strips) > 0 {
			c.h = rows[c.y]
			if widest := columns[c.x]; c.w > widest*4/5 {
				c.w = widest
			}
		}
		c.even()
	}
}

// sortedDistances returns the distances that occur, each once.
func sortedDistances(t *topology.Topology) []int {
	var all []int
	for _, row := range t.Distances {
		all = append(all, row...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
