package micro

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
)

// Tolerance is the error up to which a cell counts as reproduced.
const Tolerance = 0.05

// errors.txt is the table of all presets, cell by cell. A test compares it.
//
//go:generate sh -c "go run numasched/experiments sim --microbench > errors.txt"

// Print writes tables, one for each preset: first a line for each, then every cell.
func Print(w io.Writer, tables [][]Cell) error {
	fmt.Fprintf(w, "measured by others, and simulated\n\n")
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "preset\tcells\twithin %.0f %%\tworst\n", 100*Tolerance)
	all, good := 0, 0
	for _, cells := range tables {
		if len(cells) == 0 {
			continue
		}
		worst, within := cells[0], 0
		for _, c := range cells {
			if math.Abs(c.Error()) <= Tolerance {
				within++
			}
			if math.Abs(c.Error()) > math.Abs(worst.Error()) {
				worst = c
			}
		}
		fmt.Fprintf(tw, "%s\t%d\t%d\t%+.1f %%, %s, %s\n", worst.Preset, len(cells), within, 100*worst.Error(), worst.Table, worst.Row)
		all += len(cells)
		good += within
	}
	fmt.Fprintf(tw, "all\t%d\t%d\t\n", all, good)
	tw.Flush()
	fmt.Fprintln(w)
	fmt.Fprintf(tw, "preset\ttable\tcell\tmeasured\tsimulated\tunit\terror\n")
	for _, cells := range tables {
		for _, c := range cells {
			want := fmt.Sprintf("%.5g", c.Lo)
			if c.Hi != c.Lo {
				want += fmt.Sprintf(" to %.5g", c.Hi)
			}
			over := ""
			if math.Abs(c.Error()) > Tolerance {
				over = "  over"
			}
			fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%.5g\t%s\t%+.1f %%%s\n", c.Preset, c.Table, c.Row, want, c.Simulated, c.Unit, 100*c.Error(), over)
		}
	}
	return tw.Flush()
}
