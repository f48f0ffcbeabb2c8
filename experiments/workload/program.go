package workload

import (
	"fmt"
	"strconv"
	"strings"
)

// A Program is a workload with its sizes.
type Program struct {
	*Workload
	Params Params
}

// A Load is a program of which it is known whether goroutines can run it.
type Load struct {
	Program
	Stock bool // it has a version in plain goroutines
}

// Program returns w with its default sizes, or with its quick ones.
func (w *Workload) Program(quick bool) Program {
	p := Program{w, Params{}}
	for _, d := range w.Params {
		p.Params[d.Name] = d.Default
		if quick && d.Quick != 0 {
			p.Params[d.Name] = d.Quick
		}
	}
	return p
}

// Parse returns w with the default or the quick sizes and the changes that text makes:
// "n=32/grain=1", as benchmark names have it, or "n=32:grain=1", as command lines do. An
// error names the part that it cannot read.
func (w *Workload) Parse(text string, quick bool) (Program, error) {
	p := w.Program(quick)
	given := map[string]bool{}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == '/' || r == ':' }) {
		name, value, ok := strings.Cut(part, "=")
		v, err := strconv.ParseInt(value, 10, 64)
		if !ok || err != nil {
			return p, fmt.Errorf("workload %s: size %q: want name=number", w.Name, part)
		}
		if given[name] {
			return p, fmt.Errorf("workload %s: size %q is there twice: want each once", w.Name, name)
		}
		given[name] = true
		if err := p.Set(name, v); err != nil {
			return p, err
		}
	}
	return p, nil
}

// Set changes one size. The error names the workload, the size and what it
// accepts.
func (p Program) Set(name string, value int64) error {
	var names []string
	for _, d := range p.Workload.Params {
		if d.Name == name {
			if value < d.Min || value > d.Max {
				return fmt.Errorf("workload %s: %s=%d is out of range (want %d to %d)", p.Name, name, value, d.Min, d.Max)
			}
			p.Params[name] = value
			return nil
		}
		names = append(names, d.Name)
	}
	if len(names) == 0 {
		return fmt.Errorf("workload %s: unknown size %q (it has none)", p.Name, name)
	}
	return fmt.Errorf("workload %s: unknown size %q (want %s)", p.Name, name, strings.Join(names, ", "))
}

// Sizes returns the sizes as they appear in benchmark names, in the order in which the
// workload declares them: "n=32/grain=1024". It is "" for a workload without sizes. A size
// that is marked as later is left out if it has its default.
func (p Program) Sizes() string {
	var parts []string
	for _, d := range p.Workload.Params {
		if d.Later && p.Params[d.Name] == d.Default {
			continue
		}
		parts = append(parts, fmt.Sprintf("%s=%d", d.Name, p.Params[d.Name]))
	}
	return strings.Join(parts, "/")
}

// Skewed reports whether the tasks differ in length because a size says so.
func (p Program) Skewed() bool {
	for _, d := range p.Workload.Params {
		if d.Skews && p.Params[d.Name] > d.Default {
			return true
		}
	}
	return false
}

// New makes an instance of the program.
func (p Program) New() (*Instance, error) { return p.Workload.New(p.Params) }
