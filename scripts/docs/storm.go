package main

import (
	"fmt"
	"math"
	"strings"

	"numasched/experiments/harness"
)

// storm sets what the run sim-storm says: what the one lock of Go's scheduler does on large
// machines.
func (b *book) storm() {
	var over, yields []float64
	var lost []string
	for _, c := range b.cells("sim-storm") {
		if !c.Open() {
			over = append(over, c.over(c.flat))
			yields = append(yields, millions(c.flat))
		} else if c.numa.Mid(harness.P99) > c.flat.Mid(harness.P99) {
			lost = append(lost, fmt.Sprintf("%d Ps of %s (gap=%d)", c.Procs, c.Topo, c.gap()))
		}
	}
	b.holds(least(over) > 1, "numa does more yields than flat in a storm, on every machine and with every number of Ps")
	b.setRange("storm", over, "%.1f")
	b.holds(most(yields) < 2*least(yields), "flat does as many yields with few Ps as with many")
	b.setRange("stormFlat", yields, "%.2f")
	if b.set("stormLost", "none"); len(lost) > 0 {
		b.set("stormLost", "%s", list(lost))
	}
	b.set("stormCommand", "%s", strings.Join(b.runs["sim-storm"].Meta.Command, " "))
}

// gap is the mean time between two arrivals for each P.
func (c *cell) gap() (ns int) {
	for part := range strings.SplitSeq(c.Params, "/") {
		fmt.Sscanf(part, "gap=%d", &ns)
	}
	return ns
}

// yields is the table of the storm.
func (b *book) yields() string {
	var out strings.Builder
	out.WriteString("| machine | P | `gm` | `flat` | `numa` | `numa` over `flat` |\n|---|---|---|---|---|---|\n")
	for _, c := range b.cells("sim-storm") {
		if !c.Open() {
			fmt.Fprintf(&out, "| %s | %d | %.2f M/s | %.2f M/s | %.2f M/s | %.1fx |\n", c.Topo, c.Procs,
				millions(c.Find("gm")), millions(c.flat), millions(c.numa), c.over(c.flat))
		}
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func millions(r *harness.Row) float64 {
	if r == nil {
		return math.NaN()
	}
	return r.Throughput.Center / 1e6
}

// wakes is the table of the short wake-ups.
func (b *book) wakes() string {
	var out strings.Builder
	out.WriteString("| machine | P | messages come | `flat` p50 | `numa` p50 | `flat` p99 | `numa` p99 |\n|---|---|---|---|---|---|---|\n")
	for _, c := range b.cells("sim-storm") {
		if c.Open() {
			fmt.Fprintf(&out, "| %s | %d | %.2g M/s |", c.Topo, c.Procs, float64(c.Procs)/float64(c.gap())*1e3)
			for _, m := range []*harness.Metric{harness.P50, harness.P99} {
				fmt.Fprintf(&out, " %s | %s |", harness.FormatNs(c.flat.Mid(m)), harness.FormatNs(c.numa.Mid(m)))
			}
			out.WriteByte('\n')
		}
	}
	return strings.TrimSuffix(out.String(), "\n")
}
