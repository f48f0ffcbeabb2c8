package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"numasched/experiments/harness"
	"numasched/experiments/peers"
)

// PrintBesidePublished prints [BesidePublished], and where the table is from, if there is anything.
func PrintBesidePublished(w io.Writer, res *harness.Results) {
	if t := BesidePublished(res.Groups()); len(t.Rows) > 0 {
		fmt.Fprintln(w)
		t.Print(w)
		fmt.Fprintln(w, harness.Wrap("published: "+peers.PublishedSource+".", "  "))
	}
}

// BesidePublished lays what was measured at the sizes of a public table beside the table: the
// CPU time for a task, and that over oneTBB's on the same machine. It has no rows if nothing
// was.
func BesidePublished(groups []harness.Group) harness.Table {
	t := harness.Table{Title: "beside a public table: nanoseconds of CPU time for a task, over oneTBB's", Head: []string{"runtime"}}
	type cpuTime map[string]float64 // of a runtime
	var loads []cpuTime
	var arms []string
	for _, row := range peers.PublishedRows {
		for i := range groups {
			g := &groups[i]
			if g.Workload != row.Load || g.Params != row.Params {
				continue
			}
			own := cpuTime{}
			for _, r := range g.Rows {
				own[r.Arm] = r.NsPerUnit.Center * float64(g.Procs)
				if !slices.Contains(arms, r.Arm) {
					arms = append(arms, r.Arm)
				}
			}
			for name, us := range row.Micros {
				own["published "+name] = us * 1000 * peers.PublishedThreads / float64(row.Tasks)
			}
			loads = append(loads, own)
			t.Head = append(t.Head, fmt.Sprintf("%s P=%d", row.Load, g.Procs), "over")
		}
	}
	if len(loads) == 0 {
		return t
	}
	const tbb = "onetbb"
	for _, name := range peers.PublishedRuntimes {
		arms = append(arms, "published "+name)
	}
	for _, arm := range arms {
		base := tbb
		if strings.HasPrefix(arm, "published ") {
			base = "published " + tbb
		}
		line := []string{arm}
		for _, own := range loads {
			ns, over := "-", "-"
			if v := own[arm]; v > 0 {
				ns = harness.FormatNumber(v)
				if of := own[base]; of > 0 {
					over = harness.FormatRatio(v / of)
				}
			}
			line = append(line, ns, over)
		}
		t.Rows = append(t.Rows, line)
	}
	return t
}
