package draw

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot/vg"

	"numasched/topology"
)

// A heatmap is the matrix of distances between nodes, from row to column.
type heatmap struct {
	t          *topology.Topology
	x, y, w, h vg.Length
	side       vg.Length // of a cell
	labels     vg.Length // room for the nodes' numbers
	values     []int     // that occur, ascending
	keys       []int     // those that the key shows
}

const (
	heatTitle = "Distances between nodes"
	heatHint  = "from row to column; 10 is local"
	heatTop   = vg.Length(30)
	heatFoot  = vg.Length(30)
)

func newHeatmap(t *topology.Topology) *heatmap {
	n := len(t.Nodes)
	m := &heatmap{t: t, values: sortedDistances(t)}
	switch {
	case n <= 10:
		m.side = 27
	case n <= 20:
		m.side = 20
	case n <= 36:
		m.side = 15
	default:
		m.side = max(2.5, 480/vg.Length(n))
	}
	m.keys = m.values
	if n := len(m.values); n > 7 {
		m.keys = []int{m.values[0], m.values[n/4], m.values[n/2], m.values[n*3/4], m.values[n-1]}
	}
	m.labels = textWidth(fmt.Sprint(t.Nodes[n-1].ID), 8, false) + 6
	m.w = max(m.labels+vg.Length(n)*m.side, textWidth(heatTitle, 9, true), textWidth(heatHint, 7.5, false), 170)
	var keys vg.Length
	for _, d := range m.keys {
		keys += keyWidth(d)
	}
	m.w = max(m.w, m.labels+keys)
	m.h = heatTop + 12 + vg.Length(n)*m.side + heatFoot
	return m
}

func keyWidth(d int) vg.Length { return 12 + textWidth(fmt.Sprint(d), 7.5, false) + 8 }

// stops of the colour scale, from near to far.
var stops = [][3]float64{{0xff, 0xf9, 0xe0}, {0xfd, 0xcf, 0x82}, {0xf0, 0x8a, 0x5d}, {0xb8, 0x3b, 0x5e}, {0x4a, 0x1f, 0x5c}}

// heat is the colour of a share from 0, near, to 1, far; and whether text on
// it must be light.
func heat(share float64) (c color.Color, dark bool) {
	share = min(max(share, 0), 1) * float64(len(stops)-1)
	i := min(int(share), len(stops)-2)
	f := share - float64(i)
	var v [3]float64
	for k := range v {
		v[k] = stops[i][k]*(1-f) + stops[i+1][k]*f
	}
	luminance := 0.299*v[0] + 0.587*v[1] + 0.114*v[2]
	return color.RGBA{uint8(v[0]), uint8(v[1]), uint8(v[2]), 0xff}, luminance < 140
}

func (m *heatmap) share(d int) float64 {
	near, far := m.values[0], m.values[len(m.values)-1]
	if near == far {
		return 0
	}
	return float64(d-near) / float64(far-near)
}

func (m *heatmap) draw(p *picture) {
	p.text(m.x, m.y+9, heatTitle, 9, true, ink)
	p.text(m.x, m.y+20, heatHint, 7.5, false, faint)
	left, top := m.x+m.labels, m.y+heatTop+12
	every := 1 // label one node of this many
	for vg.Length(every)*m.side < max(9, m.labels) && every < len(m.t.Nodes) {
		every *= 2
	}
	fontSize := min(8.5, m.side*0.42)
	for i, n := range m.t.Nodes {
		at := vg.Length(i) * m.side
		if i%every == 0 {
			s := fmt.Sprint(n.ID)
			w := textWidth(s, 8, false)
			p.text(left-4-w, top+at+m.side/2+3, s, 8, false, ink)
			p.text(left+at+m.side/2-w/2, top-4, s, 8, false, ink)
		}
		row := m.t.Distances[i]
		for j := 0; j < len(row); {
			d, cells := row[j], 1
			fill, dark := heat(m.share(d))
			x, y := left+vg.Length(j)*m.side, top+at
			if m.side < 12 { // no numbers; equal cells are one piece, since there may be a million
				for j+cells < len(row) && row[j+cells] == d {
					cells++
				}
				p.rect(x, y, vg.Length(cells)*m.side, m.side, fill, fill, 0.2)
				j += cells
				continue
			}
			p.rect(x, y, m.side, m.side, fill, white, 1)
			s := fmt.Sprint(d)
			c := ink
			if dark {
				c = white
			}
			p.text(x+m.side/2-textWidth(s, fontSize, false)/2, y+m.side/2+fontSize*0.36, s, fontSize, false, c)
			j++
		}
	}
	x, y := left, top+vg.Length(len(m.t.Nodes))*m.side+10
	for _, d := range m.keys {
		fill, _ := heat(m.share(d))
		p.rect(x, y, 9, 9, fill, frame, 0.4)
		s := fmt.Sprint(d)
		p.text(x+12, y+7.5, s, 7.5, false, ink)
		x += keyWidth(d)
	}
}
