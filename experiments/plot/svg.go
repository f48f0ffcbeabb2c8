package plot

import (
	"fmt"
	"html"
	"image"
	"image/color"
	"io"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// An svgCanvas writes SVG that a page can work with: what belongs to an arm is a group
// that names it, with the values as a title that browsers show on hover. Colours are
// attributes, so that a page may replace them where it is dark.
type svgCanvas struct {
	w, h  vg.Length
	body  strings.Builder
	stack []svgState
}

type svgState struct {
	color  color.Color
	width  vg.Length
	dashes []vg.Length
	at     vg.Point // the origin
}

func newSVG(w, h vg.Length) *svgCanvas {
	return &svgCanvas{w: w, h: h, stack: []svgState{{color: ink, width: 1}}}
}

// tagged shows what belongs to an arm. tip says its values; it may be empty.
func tagged(c draw.Canvas, arm, tip string, show func()) {
	var to vg.Canvas = c
	for part, ok := to.(draw.Canvas); ok; part, ok = to.(draw.Canvas) {
		to = part.Canvas // a part of a canvas holds the whole
	}
	s, ok := to.(*svgCanvas)
	if !ok || arm == "" {
		show()
		return
	}
	fmt.Fprintf(&s.body, `<g data-arm="%s">`, html.EscapeString(arm))
	if tip != "" {
		fmt.Fprintf(&s.body, "<title>%s</title>", html.EscapeString(tip))
	}
	s.body.WriteByte('\n')
	show()
	s.body.WriteString("</g>\n")
}

// writeTo writes the picture, whose name for those who cannot see it is label.
func (c *svgCanvas) writeTo(w io.Writer, label string) error {
	// The next three fonts have the same widths, for computers without the first.
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%spt" height="%spt" viewBox="0 0 %[1]s %[2]s" role="img" aria-label="%[3]s" font-family="'Liberation Sans',Arimo,Arial,Helvetica,sans-serif">
%[4]s</svg>
`, num(c.w), num(c.h), html.EscapeString(label), c.body.String())
	return err
}

func (c *svgCanvas) top() *svgState { return &c.stack[len(c.stack)-1] }

func (c *svgCanvas) Size() (w, h vg.Length)                 { return c.w, c.h }
func (c *svgCanvas) SetLineWidth(w vg.Length)               { c.top().width = w }
func (c *svgCanvas) SetLineDash(d []vg.Length, _ vg.Length) { c.top().dashes = d }
func (c *svgCanvas) SetColor(clr color.Color)               { c.top().color = clr }
func (c *svgCanvas) Push()                                  { c.stack = append(c.stack, *c.top()) }
func (c *svgCanvas) Pop()                                   { c.stack = c.stack[:len(c.stack)-1] }

func (c *svgCanvas) Translate(by vg.Point) {
	s := c.top()
	s.at = vg.Point{X: s.at.X + by.X, Y: s.at.Y + by.Y}
}

// No figure turns, stretches, or holds an image.
func (c *svgCanvas) Rotate(float64)                      { panic("plot: rotation is not drawn in SVG") }
func (c *svgCanvas) Scale(x, y float64)                  { panic("plot: scaling is not drawn in SVG") }
func (c *svgCanvas) DrawImage(vg.Rectangle, image.Image) { panic("plot: images are not drawn in SVG") }

func (c *svgCanvas) Fill(p vg.Path) { c.shape(p, ` fill="`+hex(c.top().color)+`"`) }

func (c *svgCanvas) Stroke(p vg.Path) {
	s := c.top()
	if s.width <= 0 {
		return
	}
	style := ` fill="none" stroke="` + hex(s.color) + `"`
	if s.width != 1 {
		style += ` stroke-width="` + num(s.width) + `"`
	}
	var dashes []string
	for _, d := range s.dashes {
		dashes = append(dashes, num(d))
	}
	if dashes != nil {
		style += ` stroke-dasharray="` + strings.Join(dashes, " ") + `"`
	}
	c.shape(p, style)
}

func (c *svgCanvas) shape(p vg.Path, style string) {
	if len(p) >= 2 && p[1].Type == vg.ArcComp && math.Abs(p[1].Angle) >= 2*math.Pi {
		x, y := c.place(p[1].Pos)
		fmt.Fprintf(&c.body, "<circle cx=\"%s\" cy=\"%s\" r=\"%s\"%s/>\n", x, y, num(p[1].Radius), style)
		return
	}
	var d strings.Builder
	for _, s := range p {
		switch s.Type {
		case vg.CloseComp:
			d.WriteByte('Z')
			continue
		case vg.MoveComp:
			d.WriteByte('M')
		case vg.LineComp:
			d.WriteByte('L')
		default:
			panic("plot: curves are not drawn in SVG")
		}
		x, y := c.place(s.Pos)
		d.WriteString(x + " " + y)
	}
	fmt.Fprintf(&c.body, "<path d=\"%s\"%s/>\n", d.String(), style)
}

func (c *svgCanvas) FillString(f font.Face, at vg.Point, text string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	x, y := c.place(at)
	weight := ""
	if f.Font.Weight > 0 {
		weight = ` font-weight="bold"`
	}
	// A viewer without any of the figure's fonts draws another one as wide as this. Else it would cut
	// long lines.
	fmt.Fprintf(&c.body, "<text x=\"%s\" y=\"%s\" font-size=\"%s\"%s textLength=\"%s\" lengthAdjust=\"spacingAndGlyphs\" fill=\"%s\">%s</text>\n",
		x, y, num(f.Font.Size), weight, num(f.Width(text)), hex(c.top().color), html.EscapeString(text))
}

// place returns where a point is in SVG, whose y grows downwards.
func (c *svgCanvas) place(p vg.Point) (x, y string) {
	at := c.top().at
	return num(at.X + p.X), num(c.h - at.Y - p.Y)
}

func num(v vg.Length) string {
	return strconv.FormatFloat(math.Round(float64(v)*100)/100+0, 'f', -1, 64)
}

// hex panics on a colour that is not opaque: a figure that has one has forgotten to set
// it.
func hex(c color.Color) string {
	r, g, b, a := c.RGBA()
	if a != 0xffff {
		panic(fmt.Sprintf("plot: colour %v is not opaque", c))
	}
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}
