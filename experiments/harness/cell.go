// Package harness runs experiments and keeps their results.
//
// A Plan is a list of cells. A cell is an arm, a workload with its sizes, a number
// of Ps and a topology. A repetition measures one cell once. Repetitions of
// different cells are interleaved (A B A B ...). So a machine that slows down slows
// all arms alike, and repetition i of one arm can be paired with repetition i of
// another. A run directory holds
//
//	results.txt     one line per repetition, in Go's benchmark format, in the order of time
//	histograms.txt  of latencies, where there are any
//	run.json        the machine, the commit, the command, the plan
//	*.svg *.png     plots, made from these files
//	index.html      the report, made from these files
//
// Everything that is shown is computed from the first three. A directory may hold several
// runs, of several machines (Merge). A process that writes into it holds a lock there
// (LockDir).
//
// Every workload is run by [Measure], here and elsewhere. [Metrics] is the table of all
// numbers that results have.
package harness

import (
	"fmt"
	"strconv"
	"strings"
)

// A Cell is one point of a plan.
type Cell struct {
	Workload string `json:"workload"` // "fib"
	Params   string `json:"params"`   // "n=27", or "n=27/grain=1", or ""
	Arm      string `json:"arm"`      // "numa"
	Topo     string `json:"topo"`     // label of the topology, such as "2n1l4c2t"
	Procs    int    `json:"procs"`
}

// Name returns the benchmark name of c without the word Benchmark, such as
// "Fib/arm=numa/topo=2n1l4c2t/P=8/n=27".
func (c Cell) Name() string {
	name := fmt.Sprintf("%s/arm=%s/topo=%s/P=%d", camel(c.Workload), c.Arm, c.Topo, c.Procs)
	if c.Params != "" {
		name += "/" + c.Params
	}
	return name
}

// ParseName is the inverse of Name.
func ParseName(name string) (Cell, error) {
	bad := func(want string) (Cell, error) {
		return Cell{}, fmt.Errorf("benchmark name %q: want %s, as in Fib/arm=numa/topo=2n1l4c2t/P=8", name, want)
	}
	parts := strings.Split(name, "/")
	var c Cell
	if c.Workload = uncamel(parts[0]); c.Workload == "" {
		return bad("a workload first")
	}
	fixed := []struct {
		key string
		to  func(string) error
	}{
		{"arm=", func(s string) error { c.Arm = s; return nil }},
		{"topo=", func(s string) error { c.Topo = s; return nil }},
		{"P=", func(s string) (err error) { c.Procs, err = strconv.Atoi(s); return err }},
	}
	if len(parts) < 1+len(fixed) {
		return bad("arm, topo and P")
	}
	for i, f := range fixed {
		value, ok := strings.CutPrefix(parts[1+i], f.key)
		if !ok || value == "" || f.to(value) != nil {
			return bad(f.key + "...")
		}
	}
	if c.Procs < 1 || c.Procs > maxProcs {
		return bad(fmt.Sprintf("P=1 to P=%d", maxProcs))
	}
	c.Params = strings.Join(parts[1+len(fixed):], "/")
	if c.Name() != name { // such as P=+8, or an empty size
		return bad("the name " + c.Name())
	}
	return c, nil
}

// camel turns "wake-storm" into "WakeStorm", as benchmark names want it.
func camel(s string) string {
	var b strings.Builder
	for _, word := range strings.Split(s, "-") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

func uncamel(s string) string {
	var b strings.Builder
	for i, r := range s {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				b.WriteByte('-')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}
