package plot

import (
	"fmt"
	"image/color"
	"strings"

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

// plain are the colours of everything but arms, and what they are on a dark page.
var plain = []struct {
	light color.NRGBA
	dark  string
}{
	{color.NRGBA{0xff, 0xff, 0xff, 0xff}, "var(--paper)"},
	{ink, "var(--ink)"}, // that of goroutine as well
	{faint, "var(--faint)"},
	{rule, "var(--rule)"},
	{mark, "#6f7880"},
	{warning, "#ff9d5c"},
}

// DarkCSS returns the style rules that make figures readable on a dark page. They replace
// the colours of the SVG.
func DarkCSS() string {
	var b strings.Builder
	replace := func(from color.NRGBA, to string) {
		fmt.Fprintf(&b, "svg [fill=\"%[1]s\"]{fill:%[2]s}svg [stroke=\"%[1]s\"]{stroke:%[2]s}\n", hex(from), to)
	}
	for i, c := range palette {
		if dark := paletteDark[i]; dark != "" {
			replace(c, dark)
		}
	}
	for _, p := range plain {
		replace(p.light, p.dark)
	}
	return b.String()
}
