package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"numasched/experiments/claims"
	"numasched/experiments/harness"
)

// A book is what the documents quote from.
type book struct {
	root   string
	runs   map[string]*run // by the name of their folder in results/, without reference-
	values map[string]string
	claims *claims.Report
	err    error // the first thing that was looked for and is not there
}

// A run is one reference run.
type run struct {
	*harness.Results
	groups []harness.Group
}

// paperTables are the runs whose tables the paper shows.
var paperTables = []string{"host-two-percent", "host-2cpu", "host-tasks", "virtual-4x4"}

func readBook(root string) (*book, error) {
	b := &book{root: root, runs: map[string]*run{}, values: map[string]string{}}
	for _, name := range []string{"host-2cpu", "host-tasks", "host-two-percent", "host-16cpu", "host-16cpu-tasks", "virtual-4x4", "sim-findings", "sim-losses", "sim-losses-seed2", "sim-storm", "sim-scaling"} {
		res, err := harness.Load(filepath.Join(root, "results", "reference-"+name))
		if err != nil {
			return nil, err
		}
		b.runs[name] = &run{res, res.Groups()}
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	b.values["module"] = modfile.ModulePath(mod)
	b.values["home"] = ""
	if first, _, _ := strings.Cut(b.values["module"], "/"); strings.Contains(first, ".") {
		b.values["home"] = "yes"
	}
	b.overhead()
	b.tasks()
	b.sixteen()
	b.places()
	b.simulated()
	b.losses()
	b.storm()
	b.scaling()
	b.calibration("2cpu", "calibration")
	b.calibration("16cpu", "sixteenCalibration")
	b.claimed()
	return b, b.err
}

// fail notes that something is not there.
func (b *book) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf(format, args...)
	}
}

// holds checks that what the documents say in words is so.
func (b *book) holds(so bool, what string) {
	if !so {
		b.fail("README and paper say that %s; the results in results/ do not: change scripts/docs/blocks and paper/paper.tex, then the check in scripts/docs/values.go", what)
	}
}

// set gives a value its name. Names are of letters only: they are macros of the
// paper, too.
func (b *book) set(name, format string, args ...any) {
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		b.fail("value %q: want letters only", name)
	}
	b.values[name] = fmt.Sprintf(format, args...)
}

// setRange sets nameLow and nameHigh.
func (b *book) setRange(name string, vs []float64, format string) {
	if len(vs) == 0 {
		b.fail("%s: no cell to take it from", name)
		return
	}
	b.set(name+"Low", format, slices.Min(vs))
	b.set(name+"High", format, slices.Max(vs))
}

// row returns what a run has on one workload under one arm, where it has one
// number of Ps only.
func (b *book) row(name, workload, arm string) harness.Row {
	for i := range b.runs[name].groups {
		g := &b.runs[name].groups[i]
		if r := g.Find(arm); r != nil && g.Workload == workload {
			return *r
		}
	}
	b.fail("%s: no %s under %s", b.runs[name].Dir, workload, arm)
	return harness.Row{}
}

// macros returns the values as LaTeX macros.
func (b *book) macros() []byte {
	var out bytes.Buffer
	out.WriteString("% Made by: go run ./scripts/docs\n")
	var all []string
	for name := range b.values {
		all = append(all, name)
	}
	slices.Sort(all)
	for _, name := range all {
		if name != "home" && name != "module" && !strings.HasPrefix(name, "claims") {
			fmt.Fprintf(&out, "\\newcommand{\\%s}{%s}\n", name, tex.Replace(b.values[name]))
		}
	}
	return out.Bytes()
}

var tex = strings.NewReplacer("%", `\%`, "_", `\_`, "&", `\&`, "#", `\#`, "`", "")

// tables returns the tables of a run for the paper.
func (r *run) tables() []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%% Made by: go run ./scripts/docs, from the run of commit %s: %s\n", r.Meta.Build.ShortCommit(), strings.Join(r.Meta.Command, " "))
	for _, t := range harness.Tables(r.groups, &r.Meta) {
		t.TeX(&out)
	}
	return out.Bytes()
}
