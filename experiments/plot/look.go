package plot

import (
	"hash/fnv"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"numasched/experiments/harness"
	"numasched/sched/policy"
)

// A look is how an arm is drawn: no two arms of a run share it. Colours alone do
// not tell arms apart for everybody, so neighbours in the table of arms also
// differ in glyph and dashes.
type look struct {
	color  color.NRGBA
	glyph  glyph
	dashes []vg.Length
}

func (l look) stroke(width vg.Length) draw.LineStyle {
	return draw.LineStyle{Color: l.color, Width: width, Dashes: l.dashes}
}

// Colours of arms, in the order of policy.Arms. The second to the seventh and the
// tenth are Okabe and Ito's, with two of them changed for white paper. The others
// differ from them in lightness, which the colour-blind see. The last of them are far,
// for the colour-blind as well, from flat, numa and their controls.
var palette = []color.NRGBA{
	{0x8c, 0x8c, 0x8c, 0xff}, // grey
	{0x00, 0x72, 0xb2, 0xff}, // blue
	{0xd5, 0x5e, 0x00, 0xff}, // vermilion
	{0x56, 0xb4, 0xe9, 0xff}, // sky blue
	{0xe6, 0x9f, 0x00, 0xff}, // orange
	{0x00, 0x9e, 0x73, 0xff}, // bluish green
	{0xb8, 0xa6, 0x00, 0xff}, // yellow, darkened
	{0x33, 0x22, 0x88, 0xff}, // indigo
	{0x88, 0x22, 0x55, 0xff}, // wine
	{0xd9, 0x8c, 0xb8, 0xff}, // reddish purple, lighter, to differ from grey
	{0x66, 0x45, 0x1d, 0xff}, // brown
	{0x55, 0x1f, 0x07, 0xff}, // dark brown
	{0x86, 0x6b, 0x52, 0xff}, // beige, darkened
	{0xc4, 0x2d, 0xff, 0xff}, // violet
	{0x0b, 0x16, 0xf9, 0xff}, // bright blue
	{0x44, 0x2d, 0xc6, 0xff}, // blue violet
	{0x25, 0xc2, 0x4b, 0xff}, // bright green
	{0x60, 0x04, 0x41, 0xff}, // plum
	{0x00, 0x5f, 0x5f, 0xff}, // dark teal
}

// paletteDark is the palette on a dark page, where that needs other colours.
var paletteDark = [...]string{"", "#4aa3e0", "#f0803c", "", "", "#2fc497", "#d2c032", "#9d90ff", "#e0709f", "", "#c09a63",
	"#d08a6a", "#b39a82", "", "#7a85ff", "#b7a3ff", "", "#d96bb5", "#35a3a3"}

var glyphs = []glyph{
	{corners: 4, hollow: true},                    // diamond
	{corners: 0},                                  // circle
	{corners: 4, turn: math.Pi / 4},               // box
	{corners: 3, hollow: true},                    // triangle
	{corners: 3},                                  //
	{corners: 0, hollow: true},                    // ring
	{corners: 4},                                  // diamond
	{corners: 3, turn: math.Pi, hollow: true},     // triangle, upside down
	{corners: 3, turn: math.Pi},                   //
	{corners: 4, turn: math.Pi / 4, hollow: true}, // box
}

var dashes = [][]vg.Length{{5, 2}, nil, nil, {2, 2}, {7, 2, 2, 2}, {3, 1}}

// lookAt returns look number i. There are 190 in colour and glyph,
// since their numbers have no divisor in common.
func lookAt(i int) look {
	return look{palette[i%len(palette)], glyphs[i%len(glyphs)], dashes[i%len(dashes)]}
}

// looks are the looks of the arms of a run.
type looks map[string]look

// looksOf gives every arm its look. One of policy.Arms has the look of its place
// there, in every figure of every run. Another one has the look that its name
// hashes to, or the next one whose colour no arm of this run has.
func looksOf(arms []string) looks {
	ls := looks{harness.Goroutine: {color.NRGBA{0x22, 0x22, 0x22, 0xff}, glyph{corners: 4, turn: math.Pi / 4, hollow: true}, []vg.Length{1, 2}}}
	for i, a := range policy.Arms {
		ls[a.Name] = lookAt(i)
	}
	used := map[int]bool{} // numbers of looks
	colors := map[color.NRGBA]bool{}
	var strangers []string
	for _, arm := range arms {
		if l, known := ls[arm]; known {
			colors[l.color] = true
		} else {
			strangers = append(strangers, arm)
		}
	}
	slices.Sort(strangers) // an order that does not depend on the run
	free := len(palette)*len(glyphs) - len(policy.Arms)
	for _, arm := range strangers {
		h := fnv.New32a()
		h.Write([]byte(arm))
		first := int(h.Sum32() % uint32(free))
		at := -1
		for i := range free {
			n := len(policy.Arms) + (first+i)%free
			if used[n] {
				continue
			}
			if !colors[lookAt(n).color] {
				at = n
				break
			}
			if at < 0 {
				at = n
			}
		}
		at = max(at, 0) // if there are more arms than looks
		used[at], colors[lookAt(at).color] = true, true
		ls[arm] = lookAt(at)
	}
	return ls
}

// A glyph is a filled or hollow polygon, or a circle.
type glyph struct {
	corners int     // 0: a circle
	turn    float64 // radians
	hollow  bool
}

// DrawGlyph draws g about a point.
func (g glyph) DrawGlyph(c *draw.Canvas, sty draw.GlyphStyle, at vg.Point) {
	c.SetColor(sty.Color)
	c.Fill(g.path(at, sty.Radius))
	if g.hollow {
		c.SetColor(color.White)
		c.Fill(g.path(at, sty.Radius*0.5))
	}
}

func (g glyph) path(at vg.Point, radius vg.Length) vg.Path {
	var p vg.Path
	if g.corners == 0 {
		p.Move(vg.Point{X: at.X + radius, Y: at.Y})
		p.Arc(at, radius, 0, 2*math.Pi)
		p.Close()
		return p
	}
	if g.corners == 3 {
		radius *= 1.25 // to look as large as the others
	}
	for i := range g.corners {
		sin, cos := math.Sincos(math.Pi/2 + g.turn + 2*math.Pi*float64(i)/float64(g.corners))
		corner := vg.Point{X: at.X + radius*vg.Length(cos), Y: at.Y + radius*vg.Length(sin)}
		if i == 0 {
			p.Move(corner)
		} else {
			p.Line(corner)
		}
	}
	p.Close()
	return p
}
