package page

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"numasched/experiments/claims"
	"numasched/experiments/harness"
)

// Arms are rows and workloads columns. A cell says what the test and the interval say, and
// over several machines, whether they agree.
func TestTheVerdictsAtAGlance(t *testing.T) {
	res, err := harness.Load(filepath.Join("..", "testdata", "onenode"))
	if err != nil {
		t.Fatal(err)
	}
	mx := verdictMatrix(res.Groups(), &res.Meta)
	if got := strings.Join(mx.Head, " "); got != "fib spawn triad ping-pong" {
		t.Errorf("columns %s", got)
	}
	for _, row := range mx.Rows {
		for i, c := range row.Cells {
			want := res.Groups()[i].Find(row.Arm).Speedup.Finding()
			if c.Class != strings.ReplaceAll(want.String(), " ", "-") || !strings.Contains(c.Text, "x") {
				t.Errorf("%s on %s: %+v, want %s", row.Arm, mx.Head[i], c, want)
			}
		}
	}
	of := func(centers ...float64) matrixCell {
		var rows []harness.Row
		for _, v := range centers {
			s := &harness.Speedup{}
			s.Center, s.Lo, s.Hi = v, v, v
			rows = append(rows, harness.Row{Speedup: s})
		}
		return speedCell(rows, false)
	}
	for _, c := range []struct {
		got         matrixCell
		class, text string
	}{
		{of(1.5, 2.5), "faster", "▲ 1.50x to 2.50x"},
		{of(0.5, 0.25), "slower", "▼ 0.25x to 0.50x"},
		{of(0.9, 1.5), "undecided", "? 0.90x to 1.50x"},
		{of(), "", "-"},
	} {
		if c.got.Class != c.class || c.got.Text != c.text {
			t.Errorf("%+v, want %s, %s", c.got, c.class, c.text)
		}
	}
	few := harness.Row{Speedup: &harness.Speedup{Few: true}}
	few.Speedup.Center = 0.015
	fast := harness.Row{Speedup: &harness.Speedup{}}
	fast.Speedup.Center, fast.Speedup.Lo, fast.Speedup.Hi = 1.5, 1.4, 1.6
	for _, got := range []matrixCell{speedCell([]harness.Row{few}, false), speedCell([]harness.Row{fast}, true)} {
		if got.Class != "undecided" || !strings.HasPrefix(got.Text, "? ") {
			t.Errorf("too few repetitions or a disturbed run: %+v, want no verdict", got)
		}
	}
	virtual, err := harness.Load(filepath.Join("..", "testdata", "virtual"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range verdictMatrix(virtual.Groups(), &virtual.Meta).Rows {
		for _, c := range row.Cells {
			if !strings.HasSuffix(c.Text, " %") {
				t.Errorf("%s on a virtual machine: %q, want a share that is local", row.Arm, c.Text)
			}
		}
	}
}

// Where there is a claim table, the headline, the first picture and the verdicts are its
// claims, and what else is there says that it is of one seed.
func TestTheClaimsAreTheFinding(t *testing.T) {
	from := filepath.Join("..", "..", "results", "reference-sim-claims")
	if _, err := os.Stat(from); err != nil {
		t.Skip("no claim table in results/")
	}
	dir := copyOf(t, from)
	var made strings.Builder
	for _, cell := range []string{"Triad/arm=numa/topo=snb-4s-ring/P=64/n=8", "Heat/arm=numa/topo=snb-4s-ring/P=64/n=8"} {
		fmt.Fprintf(&made, "block %s ns/chunk\narms numa flat\n", cell)
		for seed := range 12 {
			flat := 20
			if strings.HasPrefix(cell, "Heat") {
				flat = 15 - 6*(seed/11) // slower with the last
			}
			fmt.Fprintf(&made, "seed=%d 10 %d\n", seed+1, flat)
		}
		made.WriteString("\n")
	}
	if err := os.WriteFile(filepath.Join(dir, claims.File), []byte("# made up\n\n"+made.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	text := written(t, dir)
	for _, want := range []string{
		"<h1>Simulated, over 12 seeds and other values of the assumed constants, numa is faster in 1 of 2 comparisons, not slower in 0 and slower in 0; 1 is open.</h1>",
		"What is claimed of numa, over all seeds and constants",
		`<td class="faster">▲ 2.00x</td><td class="undecided">? 1.50x</td>`,
		"All other tables and figures are of one seed",
		"With one seed, numa is faster than flat in ",
		"numa over flat, triad on snb-4s-ring: faster, 2.00x",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
}

// Of several machines a cell says what holds on all of them.
func TestAClaimHoldsOnEveryMachine(t *testing.T) {
	of := func(said ...string) string {
		var cs []*claims.Comparison
		for _, s := range said {
			cs = append(cs, &claims.Comparison{Claim: s, Runs: []claims.Sample{{Ratio: 1.5, Kind: claims.Seed}}})
		}
		return claimCell(cs).Text
	}
	for _, c := range []struct{ got, want string }{
		{of("faster", "faster"), "▲ 1.50x"},
		{of("faster", "not slower", "faster"), "≥ 1.50x"},
		{of("faster", ""), "? 1.50x"},
		{of("", "faster"), "? 1.50x"},
		{of("not slower", "slower"), "? 1.50x"},
		{of("slower"), "▼ 1.50x"},
		{of(), "-"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
