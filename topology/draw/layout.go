package draw

import (
	"math"
	"slices"

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

// layout gives a box and everything in it a size, and a place relative to the box.
func layout(b *box, d detail, allowed topology.CPUSet) *tile {
	t := &tile{box: b, framed: true}
	for _, p := range b.parts {
		if p.kind != core && p.kind != machine && (d == full || p.kind <= l3) {
			t.strips = append(t.strips, p)
		}
	}
	_, isCore := b.has(core)
	if len(b.children) == 0 || isCore {
		t.layThreads(b.cpus, d, isCore, allowed)
	} else {
		for _, c := range b.children {
			t.tiles = append(t.tiles, layout(c, d, allowed))
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
	top, pad := t.top(), t.pad(d)
	t.w, t.h = max(w+2*pad, t.labelWidth()), h+top+pad
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

// labelWidth is the width of the longest strip's text.
func (t *tile) labelWidth() vg.Length {
	var w vg.Length
	for _, p := range t.strips {
		need := textWidth(label(p), 8, isTitle(p)) + 4*gap
		w = max(w, need)
	}
	return w
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
	uneven := 0.1 // the penalty for a last row that is not full
	if n <= 12 {
		uneven = 2
	}
	best, bestScore := 1, math.Inf(1)
	for columns := 1; columns <= min(n, 64); columns++ {
		w, h := t.place(columns, space)
		score := math.Abs(math.Log(float64(w/h) / wanted))
		if n%columns != 0 {
			score += uneven * float64(columns-n%columns) / float64(columns)
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
