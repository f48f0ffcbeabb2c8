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
	"gonum.org/v1/plot/vg/vgsvg"

	"numasched/experiments/harness"
)

// A Figure is one picture.
type Figure struct {
	Name    string // of its file, without extension
	Title   string
	Caption string // how to read it

	labels []string // lines under the title: where the numbers are from
	warn   bool     // the first label is a warning: this is no plain measurement
	height vg.Length
	draw   func(c draw.Canvas)
}

const (
	width  = vg.Length(640) // points
	margin = vg.Length(12)
	pngDPI = 144
)

func (f *Figure) titleHeight() vg.Length { return 22 + 12*vg.Length(len(f.labels)) }

func (f *Figure) drawOn(c draw.Canvas) {
	c.FillPolygon(color.White, rectangle(c.Min.X, c.Max.X, c.Min.Y, c.Max.Y))
	c = draw.Crop(c, margin, -margin, margin, -margin)
	c.FillText(bold(style(12, ink)), vg.Point{X: c.Min.X, Y: c.Max.Y - 6}, f.Title)
	for i, l := range f.labels {
		s := style(smallSize, faint)
		if i == 0 && f.warn {
			s = bold(style(smallSize, warning))
		}
		c.FillText(s, vg.Point{X: c.Min.X, Y: c.Max.Y - 20 - 12*vg.Length(i)}, l)
	}
	f.draw(draw.Crop(c, 0, 0, 0, -f.titleHeight()))
}

func (f *Figure) size() (w, h vg.Length) { return width, f.height + f.titleHeight() + 2*margin }

// WriteSVG writes f as SVG.
func (f *Figure) WriteSVG(w io.Writer) error {
	c := vgsvg.New(f.size())
	f.drawOn(draw.New(c))
	var b strings.Builder
	if _, err := c.WriteTo(&b); err != nil {
		return err
	}
	// Name other fonts of the same widths, for computers without this one.
	_, err := io.WriteString(w, strings.ReplaceAll(b.String(), "font-family:Liberation Sans;", "font-family:'Liberation Sans',Arimo,Arial,Helvetica,sans-serif;"))
	return err
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
