package plot

import (
	"image/color"

	"golang.org/x/image/font"
	"gonum.org/v1/plot"
	gfont "gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Colours. Those of arms are Okabe and Ito's eight, which stay apart for all
// common kinds of colour blindness, and two greys. An arm has the same colour
// in every figure of every run.
var (
	ink   = color.NRGBA{0x22, 0x22, 0x22, 0xff}
	faint = color.NRGBA{0x6b, 0x6b, 0x6b, 0xff}
	rule  = color.NRGBA{0xdd, 0xdd, 0xdd, 0xff}
	mark  = color.NRGBA{0x9a, 0x9a, 0x9a, 0xff}

	warning = color.NRGBA{0xa8, 0x3f, 0x00, 0xff}

	armColors = map[string]color.NRGBA{
		"flat":          {0x00, 0x72, 0xb2, 0xff}, // blue
		"numa":          {0xd5, 0x5e, 0x00, 0xff}, // vermilion
		"gm":            {0x8c, 0x8c, 0x8c, 0xff}, // grey
		"goroutine":     {0x33, 0x33, 0x33, 0xff}, // near black
		"flat+pin":      {0x56, 0xb4, 0xe9, 0xff}, // sky blue
		"numa-pin":      {0xe6, 0x9f, 0x00, 0xff}, // orange
		"numa-wrongmap": {0xcc, 0x79, 0xa7, 0xff}, // reddish purple
		"numa-home":     {0x00, 0x9e, 0x73, 0xff}, // bluish green
		"numa-near":     {0xb8, 0xa6, 0x00, 0xff}, // yellow, darkened for white paper
		"numa-nodeq":    {0x00, 0x9e, 0x73, 0xff}, // as numa-home, told apart by its glyph
		"numa-cache":    {0xe6, 0x9f, 0x00, 0xff}, // as numa-pin
	}
	armShapes = map[string]draw.GlyphDrawer{
		"flat":          draw.CircleGlyph{},
		"numa":          draw.BoxGlyph{},
		"gm":            draw.CrossGlyph{},
		"goroutine":     draw.PlusGlyph{},
		"flat+pin":      draw.RingGlyph{},
		"numa-pin":      draw.PyramidGlyph{},
		"numa-wrongmap": draw.TriangleGlyph{},
		"numa-nodeq":    draw.TriangleGlyph{},
		"numa-cache":    draw.SquareGlyph{},
	}
)

func armColor(arm string) color.NRGBA {
	if c, ok := armColors[arm]; ok {
		return c
	}
	return color.NRGBA{0x5e, 0x3c, 0x99, 0xff} // violet: an arm that has no colour yet
}

func armShape(arm string) draw.GlyphDrawer {
	if s, ok := armShapes[arm]; ok {
		return s
	}
	return draw.CircleGlyph{}
}

// tint mixes c with white: share 1 is c itself.
func tint(c color.NRGBA, share float64) color.NRGBA {
	mix := func(v uint8) uint8 { return uint8(255 - share*(255-float64(v)) + 0.5) }
	return color.NRGBA{mix(c.R), mix(c.G), mix(c.B), 0xff}
}

// style returns a text style in Liberation Sans, whose widths are Arial's, so
// that a page looks the same where only Arial is installed.
func style(size vg.Length, c color.Color) draw.TextStyle {
	return draw.TextStyle{
		Color:   c,
		Font:    gfont.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		YAlign:  draw.YCenter,
		Handler: plot.DefaultTextHandler,
	}
}

func bold(s draw.TextStyle) draw.TextStyle {
	s.Font.Weight = font.WeightBold
	return s
}

func aligned(s draw.TextStyle, x draw.XAlignment) draw.TextStyle {
	s.XAlign = x
	return s
}

func stroke(c color.Color, width vg.Length) draw.LineStyle {
	return draw.LineStyle{Color: c, Width: width}
}

func dashed(c color.Color, width vg.Length) draw.LineStyle {
	return draw.LineStyle{Color: c, Width: width, Dashes: []vg.Length{3, 2}}
}
