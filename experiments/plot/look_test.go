package plot

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image/color"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"gonum.org/v1/plot/vg"

	"numasched/experiments/harness"
	"numasched/sched/policy"
)

func someArms(strangers int) []string {
	arms := []string{harness.Goroutine}
	for _, a := range policy.Arms {
		arms = append(arms, a.Name)
	}
	for i := range strangers {
		arms = append(arms, fmt.Sprintf("arm-of-tomorrow-%d", i))
	}
	return arms
}

func TestNoTwoArmsLookAlike(t *testing.T) {
	arms := someArms(40)
	ls := looksOf(arms)
	type seen struct {
		color color.NRGBA
		glyph glyph
	}
	by := map[seen]string{}
	for _, arm := range arms {
		l, has := ls[arm]
		if !has || l.color.A != 0xff {
			t.Fatalf("%s has no look", arm)
		}
		if other, taken := by[seen{l.color, l.glyph}]; taken {
			t.Errorf("%s looks like %s", arm, other)
		}
		by[seen{l.color, l.glyph}] = arm
	}
}

func TestAnArmThatIsNewHasAColourOfItsOwn(t *testing.T) {
	for i := range 20 {
		arm := fmt.Sprintf("new-%d", i)
		ls := looksOf([]string{"flat", "numa", "numa-wrongmap", "gm", arm})
		for _, other := range []string{"flat", "numa", "numa-wrongmap", "gm"} {
			if ls[arm].color == ls[other].color {
				t.Errorf("%s has the colour of %s", arm, other)
			}
		}
		if again := looksOf([]string{arm, "gm", "numa-wrongmap", "numa", "flat"}); again[arm].color != ls[arm].color {
			t.Errorf("%s changes its colour with the order of arms", arm)
		}
	}
}

func TestLooksOfKnownArmsDoNotDependOnTheRun(t *testing.T) {
	few, all := looksOf([]string{"numa"}), looksOf(someArms(5))
	for _, a := range policy.Arms {
		if few[a.Name].color != all[a.Name].color || few[a.Name].glyph != all[a.Name].glyph {
			t.Errorf("%s has two looks", a.Name)
		}
	}
}

// Colours as people see them who lack one kind of cone: Viénot, Brettel and
// Mollon, "Digital video colourmaps for checking the legibility of displays by
// dichromats" (1999), on linear RGB.
var dichromacies = map[string][3][3]float64{
	"protanopia":   {{0.11238, 0.88762, 0}, {0.11238, 0.88762, 0}, {0.00401, -0.00401, 1}},
	"deuteranopia": {{0.29275, 0.70725, 0}, {0.29275, 0.70725, 0}, {-0.02234, 0.02234, 1}},
}

// linear is a colour without gamma, from 0 to 1.
func linear(c color.NRGBA) (rgb [3]float64) {
	for i, v := range []uint8{c.R, c.G, c.B} {
		rgb[i] = math.Pow(float64(v)/255, 2.2)
	}
	return rgb
}

func TestTheColourBlindTellArmsApart(t *testing.T) {
	arms := someArms(0)
	ls := looksOf(arms)
	for name, m := range dichromacies {
		see := func(arm string) (out [3]float64) {
			in := linear(ls[arm].color)
			for i := range m {
				for j := range m[i] {
					out[i] += m[i][j] * in[j]
				}
				out[i] = math.Pow(max(0, out[i]), 1/2.2) * 255
			}
			return out
		}
		for i, a := range arms {
			for _, b := range arms[:i] {
				x, y := see(a), see(b)
				distance := math.Hypot(math.Hypot(x[0]-y[0], x[1]-y[1]), x[2]-y[2])
				if distance < 40 && ls[a].glyph == ls[b].glyph {
					t.Errorf("%s: %s and %s are %.0f apart in colour and have the same glyph", name, a, b, distance)
				}
			}
		}
		for _, pair := range [][2]string{{"flat", "numa"}, {"numa", "numa-near"}, {"numa", "numa-wrongmap"}, {"numa-near", "numa-wrongmap"}, {"flat", "numa-wrongmap"}, {"flat", "numa-near"},
			{"numa", "static"}, {"numa", "interleave"}, {"static", "interleave"}, {"flat", "static"}, {"flat", "interleave"}, {"numa", "numaws"}, {"numa", "process-per-node"}, {"flat", "confine"}, {"flat", "flat+onenode"}, {"flat", "flat+firsttouch"}} {
			x, y := see(pair[0]), see(pair[1])
			if distance := math.Hypot(math.Hypot(x[0]-y[0], x[1]-y[1]), x[2]-y[2]); distance < 40 {
				t.Errorf("%s: %v are %.0f apart, want 40 of 442", name, pair, distance)
			}
		}
	}
}

func TestColoursInFiguresAreColours(t *testing.T) {
	value := regexp.MustCompile(`(?:fill|stroke)="([^"]*)"`)
	valid := regexp.MustCompile(`^(?:#[0-9a-f]{6}|none)$`)
	for name, res := range allResults(t) {
		figures := Figures(res)
		for i := range figures {
			var svg bytes.Buffer
			if err := figures[i].WriteSVG(&svg); err != nil {
				t.Fatal(err)
			}
			for _, m := range value.FindAllSubmatch(svg.Bytes(), -1) {
				if !valid.Match(m[1]) {
					t.Errorf("%s, %s: colour %q", name, figures[i].Name, m[1])
					break
				}
			}
			for d := xml.NewDecoder(&svg); ; {
				if _, err := d.Token(); err == io.EOF {
					break
				} else if err != nil {
					t.Errorf("%s, %s: %v", name, figures[i].Name, err)
					break
				}
			}
		}
	}
}

// allResults are the made-up results and the reference runs.
func allResults(t *testing.T) map[string]*harness.Results {
	all := map[string]*harness.Results{}
	for name := range cases {
		all[name] = load(t, name)
	}
	dirs, err := filepath.Glob(filepath.Join("..", "..", "results", "reference-*"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no reference runs: %v", err)
	}
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, harness.MetaFile)); err != nil {
			continue // a calibration
		}
		res, err := harness.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(dir)] = res
	}
	return all
}

// The name of a level reference line keeps clear of all lines if there is room, and else is
// as far from them as it can be.
func TestNamesKeepClearOfLines(t *testing.T) {
	same := func(v float64) vg.Length { return vg.Length(v) }
	at := style(smallSize-1, faint)
	half := at.FontExtents().Ascent / 2
	path := []vg.Point{{X: 0, Y: 30}, {X: 100, Y: 30}}
	level := func(heights ...float64) (ch chart) {
		for _, h := range heights {
			ch.lines = append(ch.lines, line{points: []point{{x: 0, y: h}, {x: 100, y: h}}})
		}
		return ch
	}
	steep := chart{lines: []line{{points: []point{{x: 0, y: 100}, {x: 100, y: 28}}}}}
	for name, c := range map[string]struct {
		ch    chart
		clear bool
	}{
		"nothing":     {chart{}, true},
		"on the line": {level(30), true},
		"just below":  {level(30, 22, 12), true},
		"just above":  {level(36, 42), true},
		"from above":  {steep, true},
		"everywhere":  {level(10, 14, 18, 22, 26, 30, 34, 38, 42, 46, 50, 54), false},
	} {
		place := c.ch.clearest("chance", at, path, 0, 100, same, same)
		room := c.ch.distance(place.X, place.X+at.Width("chance"), place.Y-lift, same, same) - half
		if (room >= clearOfLines) != c.clear || place == (vg.Point{}) {
			t.Errorf("%s: at %v, %v from the nearest line; clear of lines should be %v", name, place, room, c.clear)
		}
	}
}
