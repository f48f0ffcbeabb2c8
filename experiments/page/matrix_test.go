package page

import (
	"path/filepath"
	"strings"
	"testing"

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
		return speedCell(rows)
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
