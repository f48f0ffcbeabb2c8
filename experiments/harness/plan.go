package harness

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// A Plan says what is measured, how often and for how long.
type Plan struct {
	Seed   uint64     `json:"seed"`
	Reps   int        `json:"repetitions"` // of every cell
	Target Duration   `json:"target"`      // time of a repetition
	Cells  []PlanCell `json:"cells"`       // cells that differ in the arm alone stand together
}

// A PlanCell is a cell and how it is run.
type PlanCell struct {
	Cell
	Unit string `json:"unit"` // of work: "task"

	// Runs is how many runs of the workload make a repetition of about the target's
	// length. PerRun is how long one takes. Both are measured when a run begins.
	Runs   int      `json:"runs"`
	PerRun Duration `json:"perRun"`
}

// warm reports whether a repetition begins with a run that is not timed. A run
// that takes half of a repetition or more needs none: its cold start is a small
// part of it.
func (c *PlanCell) warm(target Duration) bool { return c.PerRun < target/2 }

func (p *Plan) cells() []Cell {
	var cs []Cell
	for _, c := range p.Cells {
		cs = append(cs, c.Cell)
	}
	return cs
}

func (p *Plan) units() []string {
	var us []string
	for _, c := range p.Cells {
		us = append(us, c.Unit)
	}
	return us
}

// baseline returns what BaselineOf will return for the results of p.
func (p *Plan) baseline() string {
	if len(p.Cells) == 0 || slices.ContainsFunc(p.Cells, func(c PlanCell) bool { return c.Arm == DefaultBaseline }) {
		return DefaultBaseline
	}
	return p.Cells[0].Arm
}

// round returns the indices of the cells in the order of round r. That is the
// order of the plan, except that the arms of a group take turns at being first:
// no arm always follows the same other one.
func (p *Plan) round(r int) []int {
	var order []int
	for lo := 0; lo < len(p.Cells); {
		hi := lo + 1
		for hi < len(p.Cells) && sameGroup(p.Cells[lo].Cell, p.Cells[hi].Cell) {
			hi++
		}
		for i := range hi - lo {
			order = append(order, lo+(i+r)%(hi-lo))
		}
		lo = hi
	}
	return order
}

func sameGroup(a, b Cell) bool {
	a.Arm, b.Arm = "", ""
	return a == b
}

// A Duration is a time.Duration that JSON shows as "1.5s".
type Duration time.Duration

// MarshalJSON writes the duration as a string with its unit.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON reads a string with a unit.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("duration %s: want a string such as \"1.5s\"", data)
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("duration %q: want a string such as \"1.5s\"", s)
	}
	*d = Duration(v)
	return nil
}
