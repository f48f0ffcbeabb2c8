package plot

import (
	"fmt"
	"image/color"
	"regexp"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg/draw"

	"numasched/experiments/harness"
)

func TestTitlesSayWhatIsFound(t *testing.T) {
	for name, want := range map[string][]string{
		"onenode":   {"numa against flat: no difference shown on 4 of 4 workloads", "numa reaches "},
		"fournodes": {"Times on pretended nodes mean nothing: no arm is called faster", "Times on pretended nodes mean nothing: no arm is called faster", "Tasks on their home node: ", "Steals that come from another node: 4 % under numa, 73 to 74 % under flat"},
		"virtual":   {"Page visits on the page's own node, by the kernel's count: ", "Steals that come from another node: "},
	} {
		figures := Figures(load(t, name))
		for i := range figures {
			if got := figures[i].Heading(); i >= len(want) || !strings.HasPrefix(got, want[i]) {
				t.Errorf("%s, %s: the title is %q, want %q", name, figures[i].Name, got, want[min(i, len(want)-1)])
			}
		}
	}
}

// The sentence stands where a figure of nothing but full bars would.
func TestOneNodeHasASentenceForLocality(t *testing.T) {
	for name, one := range map[string]bool{"onenode": true, "fournodes": false, "virtual": false} {
		res := load(t, name)
		if got := OneNode(res); (got != "") != one {
			t.Errorf("%s: the sentence is %q", name, got)
		}
	}
}

// What was decided by one criterion alone looks neither like a verdict nor like no
// difference.
func TestUndecidedHasALookOfItsOwn(t *testing.T) {
	row := func(fill fill) string {
		f := forest{panels: []panel{{axis: percent()}}, rows: []row{{arm: "numa", name: "numa", color: ink, dots: []dot{{50, fill}}}}}
		fig := Figure{Subject: "x", height: f.height(), draw: func(c draw.Canvas) { f.draw(c, 0, 0) }}
		var svg strings.Builder
		if err := fig.WriteSVG(&svg); err != nil {
			t.Fatal(err)
		}
		return svg.String()
	}
	if a, b, c := row(solid), row(half), row(hollow); a == b || b == c || a == c {
		t.Error("two kinds of dot look alike")
	}
}

// Every panel of a machine's figure has lines, and the lines to compare them with.
func TestAMachinesFigureHasNoEmptyPanel(t *testing.T) {
	res, err := harness.Load("../../results/reference-sim-findings")
	if err != nil {
		t.Fatal(err)
	}
	loads := map[string]bool{}
	for _, m := range res.Measurements {
		loads[m.Workload] = true
	}
	figures := Figures(res)
	machines := 0
	for i := range figures {
		if !strings.HasPrefix(figures[i].Name, machinePrefix) {
			continue
		}
		machines++
		var svg strings.Builder
		if err := figures[i].WriteSVG(&svg); err != nil {
			t.Fatal(err)
		}
		for line, want := range map[string]int{"ideal": len(loads), "chance": len(loads), "Ps": 3 * len(loads)} {
			if got := strings.Count(svg.String(), ">"+line+"</text>"); got != want {
				t.Errorf("%s: %d panels with %s, want %d", figures[i].Name, got, line, want)
			}
		}
	}
	if machines < 2 {
		t.Errorf("%d machines", machines)
	}
}

// An arm can be switched off in a page, and its values are read on hover.
func TestWhatBelongsToAnArmIsAGroup(t *testing.T) {
	res := load(t, "scaling")
	group := regexp.MustCompile(`<g data-arm="([^"]*)"><title>[^<]*[0-9]`)
	figures := Figures(res)
	for i := range figures {
		var svg strings.Builder
		if err := figures[i].WriteSVG(&svg); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, m := range group.FindAllStringSubmatch(svg.String(), -1) {
			seen[m[1]] = true
		}
		for _, arm := range res.Arms() {
			if !seen[arm] && !(figures[i].Name == "speedup" && arm == "flat") {
				t.Errorf("%s: no group of %s with its values", figures[i].Name, arm)
			}
		}
	}
}

func TestTheLeadIsNarrowAndSaysTheFinding(t *testing.T) {
	for name, want := range map[string]string{
		"onenode":   "numa against flat: no difference shown on 4 of 4 workloads.",
		"virtual":   "Page visits on the page's own node, by the kernel's count: ",
		"fournodes": "Tasks on their home node: ", // whose times mean nothing
	} {
		finding, f := Lead(load(t, name), nil)
		if !strings.HasPrefix(finding, want) || !strings.HasSuffix(finding, ".") {
			t.Errorf("%s: the finding is %q, want %q", name, finding, want)
		}
		if f == nil {
			t.Fatalf("%s: no picture", name)
		}
		if w, h := f.size(); w > 320 || h > 500 {
			t.Errorf("%s: %v x %v points", name, w, h)
		}
	}
	if finding, f := Lead(&harness.Results{}, nil); finding != "" || f != nil {
		t.Errorf("of nothing: %q", finding)
	}
}

func TestTimeline(t *testing.T) {
	tracks := []Track{
		{Node: "node 0", Name: "M0", Busy: [][2]float64{{0, 50}, {60, 100}}, Steals: []Steal{{At: 55, Gs: 1}}},
		{Node: "node 1", Name: "M1", Busy: [][2]float64{{50, 60}}, Steals: []Steal{{At: 49, Remote: true, Gs: 2}}},
		{Node: "node 1", Name: "M2"},
	}
	f := Timeline("timeline-numa", "x", "numa", tracks)
	if want := "numa: 100 us; threads run Gs in 50 % of their time, and 1 of 2 steals come from another node"; f.Title != want {
		t.Errorf("the title is %q, want %q", f.Title, want)
	}
	var svg strings.Builder
	if err := f.WriteSVG(&svg); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{">node 0</text>", ">node 1</text>", "node 1, M1: runs Gs in 10 % of the time; 1 steal, 1 from another node"} {
		if !strings.Contains(svg.String(), want) {
			t.Errorf("no %q", want)
		}
	}
	if Timeline("x", "x", "numa", tracks[2:]) != nil {
		t.Error("a picture of nothing")
	}
}

// On a dark page, every colour of a figure is replaced or is light enough.
func TestColoursOnADarkPage(t *testing.T) {
	css := DarkCSS()
	ground := linear(color.NRGBA{0x16, 0x19, 0x1d, 0xff})
	light := func(rgb [3]float64) float64 { return 0.2126*rgb[0] + 0.7152*rgb[1] + 0.0722*rgb[2] }
	for i, c := range palette {
		if to := paletteDark[i]; to != "" {
			if !strings.Contains(css, `[fill="`+hex(c)+`"]{fill:`+to+"}") {
				t.Errorf("%s is not replaced by %s", hex(c), to)
			}
			fmt.Sscanf(to, "#%02x%02x%02x", &c.R, &c.G, &c.B)
		}
		if contrast := (light(linear(c)) + 0.05) / (light(ground) + 0.05); contrast < 3 {
			t.Errorf("%s has a contrast of %.1f, want 3", hex(c), contrast)
		}
	}
}

// A gain over flat is shown beside what static and interleave gain.
func TestTheFindingNamesRivals(t *testing.T) {
	var all []harness.Measurement
	for arm, ns := range map[string]float64{"flat": 30, "numa": 10, "static": 9, "interleave": 15} {
		all = append(all, harness.Measurement{
			Cell: harness.Cell{Workload: "triad", Arm: arm, Topo: "x", Procs: 4}, Runs: 1, Exact: true,
			Values: []harness.Value{{Value: ns, Unit: "ns/task"}},
		})
	}
	found := newFinder(harness.Summarize(all, "flat"), &harness.Meta{Place: harness.Simulated})
	if got, want := found.speed(""), "numa is faster than flat in 1 of 1 cell: 3.00x; 1.50x over interleave, 0.90x over static"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A run of few repetitions, or of disturbed ones, is not said to show no difference.
func TestWhatIsNoVerdict(t *testing.T) {
	var all []harness.Measurement
	for rep := range 2 {
		for arm, ns := range map[string]float64{"flat": 10, "numa": 660} {
			all = append(all, harness.Measurement{
				Cell: harness.Cell{Workload: "fib", Arm: arm, Topo: "x", Procs: 2}, Runs: 1,
				Values: []harness.Value{{Value: ns + float64(rep), Unit: "ns/task"}},
			})
		}
	}
	groups, m := harness.Summarize(all, "flat"), &harness.Meta{Place: harness.Host, Done: 4}
	found := newFinder(groups, m)
	if got, want := found.speed(""), "numa against flat: too few repetitions on 1 of 1 workload"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := found.fill(groups[0].Find("numa").Speedup); got != half {
		t.Errorf("its dot is %v, want half a dot", got)
	}
	m.Disturbed.Known, m.Disturbed.Flagged = true, 3
	found = newFinder(groups, m)
	if got, want := found.speed(""), "No verdict: other processes disturbed most repetitions"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
