package harness

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"numasched/topology"
)

// Simulated runs are exact: a cell is run once, and every later run gives the same
// bytes. So their results.txt marks its units assume=exact, and it says nothing
// about the computer and the day. That is in run.json.

// The units that only simulated results have.
const (
	UnitMemoryLocal = "memory-local-%"   // bytes from memory that came from the node of the CPU that used them
	UnitOverBound   = "over-bound"       // makespan over the lower bound
	UnitBusiest     = "busiest-memory-%" // busiest memory controller or link: share of what it can carry
	UnitWork        = "work-%"           // share of the Ps' time in Work
	UnitScheduling  = "scheduling-%"     // in the scheduler
	UnitIdle        = "idle-%"           // asleep
)

// SimulatedTopology describes the machine that a preset simulates. The preset's
// name becomes the label in benchmark names. Assumed lists the constants that
// nobody has measured.
func SimulatedTopology(preset string, t *topology.Topology, assumed []string) TopoMeta {
	m := describeTopology(t)
	m.Label, m.Pretended, m.Assumed = preset, false, assumed
	return m
}

// ResultsText returns the results.txt of a simulated run.
func ResultsText(meta *Meta, ms []Measurement) []byte {
	var topos []string
	for _, t := range meta.Topologies {
		topos = append(topos, t.Label+" "+t.Origin)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "place: %s\ntopology: %s\nseed: %d\n", meta.Place, strings.Join(topos, ", "), meta.Plan.Seed)
	var units []string
	for i := range ms {
		for _, v := range ms[i].Values {
			if !slices.Contains(units, v.Unit) {
				units = append(units, v.Unit)
			}
		}
	}
	for _, unit := range units {
		better := "lower"
		switch unit {
		case UnitLocal, UnitMemoryLocal, UnitWork, "MB/s":
			better = "higher"
		}
		fmt.Fprintf(&b, "Unit %s better=%s assume=exact\n", unit, better)
	}
	b.WriteByte('\n')
	for i := range ms {
		b.Write(line(&ms[i]))
	}
	return b.Bytes()
}

// WriteSimulated writes the files of a simulated run. If it fails it leaves none
// behind.
func WriteSimulated(dir string, meta *Meta, ms []Measurement) error {
	meta.Done, meta.Planned = len(ms), len(meta.Plan.Cells)
	err := WriteFile(filepath.Join(dir, ResultsFile), func(w io.Writer) error {
		_, err := w.Write(ResultsText(meta, ms))
		return err
	})
	if err != nil {
		return err
	}
	if err = meta.save(dir); err != nil {
		os.Remove(filepath.Join(dir, ResultsFile))
	}
	return err
}

func (g *Group) speedExact() []column {
	return []column{
		{"ns/" + g.Unit, func(r *Row) string { return FormatNumber(r.NsPerUnit.Center) }},
		{many(g.Unit) + "/s", func(r *Row) string { return scale(r.Throughput.Center) }},
		{"over " + g.Baseline, func(r *Row) string { return g.over(r) }},
	}
}

func (g *Group) localityExact() []column {
	return []column{
		{"memory local", func(r *Row) string { return FormatPercent(r.MemoryLocal.Center) }},
		{"over bound", func(r *Row) string {
			if math.IsNaN(r.OverBound) {
				return "-"
			}
			return FormatRatio(r.OverBound)
		}},
		{"work/sched/idle", func(r *Row) string {
			if math.IsNaN(r.Work) {
				return "-"
			}
			return fmt.Sprintf("%.0f/%.0f/%.0f %%", r.Work, r.Scheduling, r.Idle)
		}},
		{"steals", stealsOf},
	}
}

func exactLegend(baseline string) []string {
	return []string{
		"Simulated, exact: every run gives the same numbers. Times are virtual.",
		"over " + baseline + ": throughput over that of " + baseline + ". memory local: share of the bytes from memory that came from the node of the CPU that used them (- if hardly any bytes came from memory).",
		"over bound: makespan over a lower bound, which is the arithmetic spread evenly over all Ps, or the traffic of the busiest memory controller or link at its peak rate: the least that any arm of the cell has.",
		"work/sched/idle: shares of the Ps' time. steals: per 1000 units of work, from Ps of the same node / of other nodes.",
	}
}
