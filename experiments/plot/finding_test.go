package plot

import (
	"regexp"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg/draw"

	"numasched/experiments/harness"
)

func TestTitlesSayWhatIsFound(t *testing.T) {
	for name, want := range map[string][]string{
		"onenode":   {"numa against flat: no difference shown on 4 of 4 workloads", "numa reaches ", "Steals that come from another node: 0 % under numa, 0 % under flat"},
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
