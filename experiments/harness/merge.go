package harness

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// A result directory may hold several runs, of several machines. In results.txt every
// part begins with a line "part: N"; run.json has its machine, its command and its
// sessions. [Merge] makes such directories. What it does with
//
//   - parts of different places, or by different programs: refuses them
//   - a part that is not complete: refuses it, because repetitions are compared in pairs
//   - a measured part that is there already: refuses it
//   - a cell that several parts measured on one machine: has the repetitions of all of
//     them, one part after another. Pairs are of the same part
//   - a topology that has the name of another one, or of another machine's: gets a new
//     name, "2n1l4c2t@2" for the second machine of run.json. Machines that run.json
//     describes alike are one: it knows no names of hosts
//   - histograms.txt: goes with the repetitions, so that percentiles of a cell are of the
//     requests of all parts
//   - a cell that several parts simulated: keeps one of them. They must be the same

// A Part is one of the runs that a result directory was merged from.
type Part struct {
	Machine  int       `json:"machine"` // its number in Meta.Machines, from 1
	Command  []string  `json:"command"`
	Seed     uint64    `json:"seed"`
	Sessions []Session `json:"sessions"`
	Done     int       `json:"done"` // repetitions
}

// Merge puts complete runs together, as if one had measured them all. The result has no
// directory yet: [Results.Write] gives it one.
func Merge(runs ...*Results) (*Results, error) {
	all := &Results{Meta: runs[0].Meta}
	m := &all.Meta
	m.Topologies, m.Plan.Cells, m.Plan.Reps, m.Sessions, m.Warnings, m.Binding = nil, nil, 0, nil, nil, nil
	m.Machines, m.Parts, m.Suspect, m.Command = nil, nil, nil, nil
	m.Done, m.Planned = 0, 0
	for _, r := range runs {
		if err := all.mergeable(r); err != nil {
			return nil, fmt.Errorf("%s: %w", r.Dir, err)
		}
		if err := all.add(r); err != nil {
			return nil, fmt.Errorf("%s: %w", r.Dir, err)
		}
	}
	reps := map[Cell]int{}
	for i := range all.Measurements {
		reps[all.Measurements[i].Cell]++
	}
	m.Plan.Reps = slices.Max(slices.Collect(maps.Values(reps)))
	m.Done = len(all.Measurements)
	m.Planned = m.Done
	m.Command = []string{"experiments", "merge"}
	if m.Place == Simulated {
		return all, nil
	}
	m.Disturbed, m.Clocks = disturbance(all.Measurements), clocks(all.Measurements)
	return all, nil
}

// mergeable says why r may not be put together with what all has so far.
func (all *Results) mergeable(r *Results) error {
	m, now := &all.Meta, &r.Meta
	program := now.Build
	program.GOMAXPROCS = m.Build.GOMAXPROCS // as many as a machine has CPUs; arms change it
	switch {
	case now.Place != m.Place:
		return fmt.Errorf("a %s run: want one of the same place as the first, %s", now.Place, m.Place)
	case !m.Build.sameProgram(program):
		return fmt.Errorf("measured by %s: want the program of the first run, %s; compare them instead", brief(now.Build), brief(m.Build))
	case now.Suspect != nil:
		return errors.New(now.Suspect[0])
	case len(r.Measurements) == 0:
		return errors.New("it has no measurement")
	case !now.Complete():
		return fmt.Errorf("it is not complete, %d of %d repetitions: complete it first", now.Done, now.Planned)
	}
	return nil
}

// add appends r.
func (all *Results) add(r *Results) error {
	m, now := &all.Meta, &r.Meta
	machines := now.Machines
	if machines == nil {
		machines = []Machine{now.Machine}
	}
	number := map[int]int{} // of r's machines here
	for i, x := range machines {
		at := slices.IndexFunc(m.Machines, func(o Machine) bool { return reflect.DeepEqual(o, x) })
		if at < 0 {
			at = len(m.Machines)
			m.Machines = append(m.Machines, x)
		}
		number[i+1] = at + 1
	}
	label := map[string]string{} // of r's topologies here
	for _, t := range now.Topologies {
		old := t.Label
		t.Machine = number[max(1, t.Machine)]
		if err := m.mergeTopology(&t); err != nil {
			return err
		}
		label[old] = t.Label
	}
	parts := now.Parts
	if parts == nil {
		parts = []Part{{Machine: 1, Command: now.Command, Seed: now.Plan.Seed, Sessions: now.Sessions, Done: now.Done}}
	}
	before := len(m.Parts)
	for _, p := range parts {
		p.Machine = number[p.Machine]
		// The same repetitions twice would pass for twice the evidence.
		if m.Place != Simulated && slices.ContainsFunc(m.Parts, func(o Part) bool { return reflect.DeepEqual(o, p) }) {
			return errors.New("its run is there already: want each run once")
		}
		m.Parts = append(m.Parts, p)
		m.Sessions = append(m.Sessions, p.Sessions...)
	}
	for _, c := range now.Plan.Cells {
		c.Topo = label[c.Topo]
		if !slices.ContainsFunc(m.Plan.Cells, func(o PlanCell) bool { return o.Cell == c.Cell }) {
			m.Plan.Cells = append(m.Plan.Cells, c)
		}
	}
	for _, b := range now.Binding {
		b.Topo = label[b.Topo]
		if !slices.Contains(m.Binding, b) {
			m.Binding = append(m.Binding, b)
		}
	}
	for _, w := range now.Warnings {
		if !slices.Contains(m.Warnings, w) {
			m.Warnings = append(m.Warnings, w)
		}
	}
	exact := map[Cell]*Measurement{}
	for i := range all.Measurements {
		exact[all.Measurements[i].Cell] = &all.Measurements[i]
	}
	var more []Measurement
	for _, x := range r.Measurements {
		x.Topo = label[x.Topo]
		if m.Place != Simulated {
			x.Part = before + max(1, x.Part)
		} else if same := exact[x.Cell]; same != nil {
			if !slices.Equal(same.Values, x.Values) {
				return fmt.Errorf("%s is not what another run has: a simulation gives the same every time", x.Name())
			}
			continue
		}
		more = append(more, x)
	}
	all.Measurements = append(all.Measurements, more...)
	return nil
}

// mergeTopology adds t, under a new name if its own is taken by another one.
func (m *Meta) mergeTopology(t *TopoMeta) error {
	base, _, _ := strings.Cut(t.Label, "@")
	for _, label := range []string{t.Label, fmt.Sprintf("%s@%d", base, t.Machine)} {
		t.Label = label
		at := slices.IndexFunc(m.Topologies, func(o TopoMeta) bool { return o.Label == label })
		if at < 0 {
			m.Topologies = append(m.Topologies, *t)
			return nil
		}
		other := m.Topologies[at]
		if m.Place == Simulated {
			other.Machine = t.Machine // whatever computer simulates
		}
		if reflect.DeepEqual(other, *t) {
			return nil
		}
		if m.Place == Simulated {
			break
		}
	}
	return fmt.Errorf("its topology %s is not the one that another run calls so", t.Label)
}

// Write writes merged results into a new directory. If there cannot be one, the error is
// a [DirError].
func (all *Results) Write(dir string) error {
	lock, err := LockNewDir(dir)
	if err != nil {
		return &DirError{err}
	}
	defer lock.Unlock()
	all.Dir = dir
	text := ResultsText(&all.Meta, all.Measurements)
	if all.Meta.Place != Simulated {
		text = header(&all.Meta)
		part := 0
		for i := range all.Measurements {
			if x := &all.Measurements[i]; x.Part != part {
				part = x.Part
				text = fmt.Appendf(text, "%s: %d\n", partKey, part)
			}
			text = append(text, line(&all.Measurements[i])...)
		}
	}
	path := filepath.Join(dir, ResultsFile)
	if err := WriteFile(path, func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
		return err
	}
	if err := errors.Join(writeHistograms(dir, all.Measurements), all.Meta.save(dir)); err != nil {
		os.Remove(path)
		os.Remove(filepath.Join(dir, HistogramsFile))
		return err
	}
	return nil
}

// mergedNotes say what is put together.
func (m *Meta) mergedNotes() (notes []string) {
	if m.Parts == nil {
		return nil
	}
	notes = append(notes, fmt.Sprintf("Merged from %s on %s.", Count(len(m.Parts), "run", "runs"), Count(len(m.Machines), "machine", "machines")))
	if m.Place == Simulated || len(m.Machines) == 1 {
		return notes
	}
	for _, t := range m.Topologies {
		x := m.Machines[t.Machine-1]
		notes = append(notes, fmt.Sprintf("%s is of machine %d: %s, %s, %s.", t.Label, t.Machine, x.CPU.Model, Count(x.CPUs, "CPU", "CPUs"), x.Kernel))
	}
	return notes
}
