// Package plot draws the figures of a run. They depend on nothing but its results:
// the same results give the same bytes of SVG.
//
//	figures := plot.Figures(results)
//	err := plot.Write(results.Dir, figures) // throughput.svg, throughput.png, ...
package plot

import (
	"fmt"
	"image/color"
	"io"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"numasched/experiments/harness"
)

// A Figure is one picture.
type Figure struct {
	Name    string // of its file, without extension
	Title   string // what is found, in a sentence
	Subject string // what is drawn
	Caption string // how to read it

	labels []string  // lines under the title: where the numbers are from
	warn   bool      // the first label is a warning: this is no plain measurement
	bare   bool      // without title and subject, which a page says beside it
	width  vg.Length // 0: pageWidth
	height vg.Length
	draw   func(c draw.Canvas)
}

const (
	pageWidth = vg.Length(640) // points
	margin    = vg.Length(12)
	pngDPI    = 144
)

// titleLines is the title, broken where the figure ends.
func (f *Figure) titleLines() []string {
	if f.bare {
		return nil
	}
	title := f.Title
	if title == "" {
		title = f.Subject
	}
	return wrap(title, bold(style(12, ink)), f.across()-2*margin)
}

// under are the lines under the title.
func (f *Figure) under() []string {
	if f.bare || f.Title == "" || f.Subject == "" {
		return f.labels
	}
	return append([]string{f.Subject}, f.labels...)
}

func (f *Figure) titleHeight() vg.Length {
	return 7 + 15*vg.Length(len(f.titleLines())) + 12*vg.Length(len(f.under()))
}

func (f *Figure) drawOn(c draw.Canvas) {
	c.FillPolygon(color.White, rectangle(c.Min.X, c.Max.X, c.Min.Y, c.Max.Y))
	c = draw.Crop(c, margin, -margin, margin, -margin)
	y := c.Max.Y - 6
	for _, l := range f.titleLines() {
		c.FillText(bold(style(12, ink)), vg.Point{X: c.Min.X, Y: y}, l)
		y -= 15
	}
	under := f.under()
	for i, l := range under {
		s := style(smallSize, faint)
		if f.warn && i == len(under)-len(f.labels) {
			s = bold(style(smallSize, warning))
		}
		c.FillText(s, vg.Point{X: c.Min.X, Y: y + 1 - 12*vg.Length(i)}, l)
	}
	f.draw(draw.Crop(c, 0, 0, 0, -f.titleHeight()))
}

// wrap breaks text at spaces into lines that are no wider than w.
func wrap(text string, s draw.TextStyle, w vg.Length) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if longer := line + " " + word; line == "" {
			line = word
		} else if s.Width(longer) <= w {
			line = longer
		} else {
			lines, line = append(lines, line), word
		}
	}
	return append(lines, line)
}

func (f *Figure) across() vg.Length {
	if f.width > 0 {
		return f.width
	}
	return pageWidth
}

func (f *Figure) size() (w, h vg.Length) { return f.across(), f.height + f.titleHeight() + 2*margin }

// Heading is the title, or where nothing was found, what is drawn.
func (f *Figure) Heading() string { return strings.Join(f.titleLines(), " ") }

// WriteSVG writes f as SVG.
func (f *Figure) WriteSVG(w io.Writer) error {
	c := newSVG(f.size())
	f.drawOn(draw.New(c))
	return c.writeTo(w, f.Heading())
}

// WriteUntitled writes f as SVG without its title and what is drawn, for a page that has both
// beside it as text. Text in a picture that is scrolled sideways would be cut.
func (f *Figure) WriteUntitled(w io.Writer) error {
	bare := *f
	bare.bare = true
	c := newSVG(bare.size())
	bare.drawOn(draw.New(c))
	return c.writeTo(w, f.Heading())
}

// WritePNG writes f as PNG.
func (f *Figure) WritePNG(w io.Writer) error {
	wd, h := f.size()
	c := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(wd, h), vgimg.UseDPI(pngDPI))}
	f.drawOn(draw.New(c))
	_, err := c.WriteTo(w)
	return err
}

// Write writes all figures into dir, as SVG and as PNG.
func Write(dir string, figures []Figure) error {
	for i := range figures {
		f := &figures[i]
		for ext, write := range map[string]func(io.Writer) error{"svg": f.WriteSVG, "png": f.WritePNG} {
			if err := harness.WriteFile(filepath.Join(dir, f.Name+"."+ext), write); err != nil {
				return fmt.Errorf("figure %s: %w", f.Name, err)
			}
		}
	}
	return nil
}
