package harness

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// What a result may be. The limits are far beyond what anybody measures. Their
// purpose is that no sum, quotient or axis made from results overflows.
const (
	maxProcs = 1 << 20
	minTime  = 1e-9 // of a unit of work, in ns
	maxTime  = 1e18
	maxValue = 1e18
	maxRuns  = 1e15
	maxReps  = 1e9
)

// check returns an error that says what is impossible about m, and what was
// expected. It also returns in which field of m's line: the name is field 0, and after the
// number of runs come values and their units.
func (m *Measurement) check() (field int, err error) {
	if m.Runs < 1 || m.Runs > maxRuns {
		return 1, fmt.Errorf("%d runs: want 1 to %g", m.Runs, maxRuns)
	}
	unit, ok := strings.CutPrefix(m.Values[0].Unit, "ns/")
	if !ok || unit == "" {
		return 3, fmt.Errorf("first value is in %q: want the time per unit of work, as in ns/task", m.Values[0].Unit)
	}
	if t := m.NsPerUnit(); !(t >= minTime && t <= maxTime) {
		return 2, fmt.Errorf("%v %s: want a time from %g to %g", t, m.Values[0].Unit, minTime, maxTime)
	}
	seen := map[string]bool{}
	for i, v := range m.Values {
		if seen[v.Unit] {
			return 3 + 2*i, fmt.Errorf("two values in %s: want one", v.Unit)
		}
		seen[v.Unit] = true
		most := maxValue
		if strings.HasSuffix(v.Unit, "%") {
			most = 100
		}
		// A share that was computed from rounded numbers may exceed 100 by a little.
		if !(v.Value >= 0 && v.Value <= most*1.001) {
			return 2 + 2*i, fmt.Errorf("%v %s: want 0 to %g", v.Value, v.Unit, most)
		}
	}
	return 0, nil
}

// A unitCheck finds results that cannot be compared although their cells say so.
type unitCheck map[Cell]string

// add returns an error if cells that differ from m's in the arm alone had their
// time in another unit.
func (u unitCheck) add(m *Measurement) error {
	group := m.Cell
	group.Arm = ""
	if other, known := u[group]; known && other != m.Unit() {
		return fmt.Errorf("time in ns/%s: want ns/%s, as above for the same work", m.Unit(), other)
	}
	u[group] = m.Unit()
	return nil
}

// A fieldError is an impossible value of run.json.
type fieldError struct {
	field string // as in plan.cells[3].procs
	text  string
}

func (e *fieldError) Error() string { return e.field + " " + e.text }

// path leads to the field in the file.
func (e *fieldError) path() (path []any) {
	for part := range strings.FieldsFuncSeq(e.field, func(r rune) bool { return strings.ContainsRune(".[]", r) }) {
		if i, err := strconv.Atoi(part); err == nil {
			path = append(path, i)
		} else {
			path = append(path, part)
		}
	}
	return path
}

// check returns an error that names the first field of m that is impossible, and
// what was expected.
func (m *Meta) check() *fieldError {
	if m.Place != Host && m.Place != Virtual && m.Place != Simulated {
		return &fieldError{"place", fmt.Sprintf("%q: want %s, %s or %s", m.Place, Host, Virtual, Simulated)}
	}
	type number struct {
		field     string
		value     float64
		low, high float64
	}
	percent := func(field string, v float64) number { return number{"interference." + field, v, 0, 100} }
	numbers := []number{
		{"done", float64(m.Done), 0, maxValue},
		{"planned", float64(m.Planned), 0, maxValue},
		{"plan.repetitions", float64(m.Plan.Reps), 1, maxReps},
		{"plan.target", float64(m.Plan.Target), 0, math.MaxInt64},
		{"machine.cpus", float64(m.Machine.CPUs), 0, maxProcs},
		{"machine.memory", float64(m.Machine.Memory), 0, math.MaxInt64},
		{"interference.flagged", float64(m.Disturbed.Flagged), 0, maxValue},
		percent("medianPercent", m.Disturbed.MedianPct),
		percent("maxPercent", m.Disturbed.MaxPct),
		percent("limitPercent", m.Disturbed.LimitPct),
	}
	for i := range m.Plan.Cells {
		c, at := &m.Plan.Cells[i], fmt.Sprintf("plan.cells[%d].", i)
		numbers = append(numbers,
			number{at + "procs", float64(c.Procs), 1, maxProcs},
			number{at + "runs", float64(c.Runs), 0, maxRuns},
			number{at + "perRun", float64(c.PerRun), 0, math.MaxInt64})
	}
	for i := range m.Topologies {
		t, at := &m.Topologies[i], fmt.Sprintf("topologies[%d].", i)
		numbers = append(numbers,
			number{at + "cpus", float64(t.CPUs), 0, maxProcs},
			number{at + "nodesWithCPUs", float64(t.NodesWithCPUs), 0, maxProcs},
			number{at + "machine", float64(t.Machine), float64(min(1, len(m.Machines))), float64(len(m.Machines))})
	}
	for i := range m.Parts {
		numbers = append(numbers, number{fmt.Sprintf("parts[%d].machine", i), float64(m.Parts[i].Machine), 1, float64(len(m.Machines))})
	}
	for i := range m.Sessions {
		numbers = append(numbers, number{fmt.Sprintf("sessions[%d].done", i), float64(m.Sessions[i].Done), 0, maxValue})
	}
	for _, n := range numbers {
		if n.value < n.low || n.value > n.high {
			want := fmt.Sprintf("%.0f to %.0f", n.low, n.high)
			if n.high >= maxReps {
				want = fmt.Sprintf("%.0f or more", n.low)
			}
			return &fieldError{n.field, fmt.Sprintf("%v: want %s", n.value, want)}
		}
	}
	return nil
}
