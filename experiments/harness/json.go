package harness

import (
	"encoding/json"
	"io"
	"math"

	"golang.org/x/perf/benchmath"
)

// WriteJSON writes v as JSON, indented by one blank.
func WriteJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	return enc.Encode(v)
}

// A Report is the tables of a run as data: what "experiments report --json" and
// "experiments run --json" print. A number that was not counted, or that means
// nothing in this place, is left out.
type Report struct {
	Label    string        `json:"label"` // where the numbers are from, in words
	Place    Place         `json:"place"` // host, virtual or simulated
	Command  []string      `json:"command"`
	Commit   string        `json:"commit"`   // of the program that measured
	Baseline string        `json:"baseline"` // arm that others are compared with
	Done     int           `json:"done"`     // repetitions
	Planned  int           `json:"planned"`
	Groups   []ReportGroup `json:"groups"`
	Verdicts []string      `json:"verdicts"` // as sentences
	Notes    []string      `json:"notes"`    // what a reader must know before trusting the numbers
}

// A ReportGroup is the arms that were measured on the same work.
type ReportGroup struct {
	Workload  string      `json:"workload"`
	Params    string      `json:"params,omitempty"` // as in results.txt: "n=27/grain=1"
	Procs     int         `json:"procs"`
	Topology  string      `json:"topology"`            // its label
	Pretended bool        `json:"pretended,omitempty"` // the topology's nodes are not the machine's
	Unit      string      `json:"unit"`                // of work: "task"
	Rows      []ReportRow `json:"rows"`
}

// A ReportRow is one arm.
type ReportRow struct {
	Arm         string `json:"arm"`
	Repetitions int    `json:"repetitions"`
	Exact       bool   `json:"exact,omitempty"` // simulated: a repetition would give the same

	NsPerUnit      *Estimate `json:"nsPerUnit,omitempty"`
	UnitsPerSecond *Estimate `json:"unitsPerSecond,omitempty"`
	OverBaseline   *Ratio    `json:"overBaseline,omitempty"` // throughput over that of the baseline, or where arrivals decide it, the baseline's p99 over that of the arm

	Metrics map[string]*Estimate `json:"metrics,omitempty"` // all else, by the unit that results.txt has
}

// An Estimate is a median and its interval of at least 95 %. The interval is left
// out if there were too few repetitions for one.
type Estimate struct {
	Median float64  `json:"median"`
	Low    *float64 `json:"low,omitempty"`
	High   *float64 `json:"high,omitempty"`
}

// A Ratio compares an arm with the baseline.
type Ratio struct {
	Estimate
	P       *float64 `json:"p,omitempty"`       // two-sided Mann-Whitney U test; left out for exact results
	Verdict string   `json:"verdict,omitempty"` // "faster", "slower", "undecided" or "no difference shown"; left out for exact results
}

// EstimateOf turns s into an Estimate, or into nil if nothing is known.
func EstimateOf(s benchmath.Summary) *Estimate {
	if known(s.Center) == nil {
		return nil
	}
	e := &Estimate{Median: s.Center}
	if known(s.Lo) != nil && known(s.Hi) != nil {
		e.Low, e.High = &s.Lo, &s.Hi
	}
	return e
}

func known(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// ReportOf returns the tables of r as data, with the verdicts that were drawn
// from them.
func ReportOf(r *Results, verdicts []string) *Report {
	m := &r.Meta
	rep := &Report{Label: m.Label(), Place: m.Place, Command: m.Command, Commit: m.Build.Commit, Baseline: m.Baseline,
		Done: m.Done, Planned: m.Planned, Verdicts: verdicts, Notes: m.Notes()}
	for _, g := range r.Groups() {
		group := ReportGroup{Workload: g.Workload, Params: g.Params, Procs: g.Procs, Topology: g.Topo, Pretended: m.topoPretended(g.Topo), Unit: g.Unit}
		for i := range g.Rows {
			group.Rows = append(group.Rows, reportRow(&g.Rows[i], g.Unit, m.Place.HasSpeed(), group.Pretended))
		}
		rep.Groups = append(rep.Groups, group)
	}
	return rep
}

func reportRow(r *Row, work string, speed, pretended bool) ReportRow {
	row := ReportRow{Arm: r.Arm, Repetitions: r.N, Exact: r.Exact, Metrics: map[string]*Estimate{}}
	for _, c := range r.Counted {
		if c.Metric != Time && c.Metric != Bandwidth {
			row.Metrics[c.In(work)] = EstimateOf(c.Summary)
		}
	}
	if !speed {
		return row
	}
	row.NsPerUnit, row.UnitsPerSecond = EstimateOf(r.NsPerUnit), EstimateOf(r.Throughput)
	if s := r.Speedup; s != nil {
		row.OverBaseline = &Ratio{Estimate: *EstimateOf(s.Summary)}
		if !r.Exact {
			row.OverBaseline.P = &s.P
		}
		if !r.Exact && !pretended {
			row.OverBaseline.Verdict = s.Finding().String()
		}
	}
	return row
}
