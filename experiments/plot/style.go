package plot

import (
	"image/color"

	"golang.org/x/image/font"
	"gonum.org/v1/plot"
	gfont "gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Colours of everything but arms.
var (
	ink   = color.NRGBA{0x22, 0x22, 0x22, 0xff}
	faint = color.NRGBA{0x6b, 0x6b, 0x6b, 0xff}
	rule  = color.NRGBA{0xdd, 0xdd, 0xdd, 0xff}
	mark  = color.NRGBA{0x9a, 0x9a, 0x9a, 0xff}

	warning = color.NRGBA{0xa8, 0x3f, 0x00, 0xff}
)

// tint mixes c with white. With a share of 1 it returns c itself.
func tint(c color.NRGBA, share float64) color.NRGBA {
	mix := func(v uint8) uint8 { return uint8(255 - share*(255-float64(v)) + 0.5) }
	return color.NRGBA{mix(c.R), mix(c.G), mix(c.B), 0xff}
}

// style returns a text style in Liberation Sans. It has the widths of Arial, so a
// page looks the same on a computer that has only Arial.
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
