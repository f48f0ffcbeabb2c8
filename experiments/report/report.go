// Package report shows what a result directory holds: tables, what they say in sentences, and
// notes, as text, JSON or LaTeX. It also writes the figures and the page of a directory. All of it
// is computed from the results, and the same results give the same bytes.
package report

import (
	"fmt"
	"io"
	"path/filepath"

	"numasched/experiments/findings"
	"numasched/experiments/harness"
	"numasched/experiments/simulated"
)

// Show prints a report as text or as JSON.
func Show(w io.Writer, res *harness.Results, asJSON bool) error {
	if asJSON {
		return harness.WriteJSON(w, harness.ReportOf(res, verdicts(res)))
	}
	Print(w, res)
	return nil
}

// verdicts says in sentences what the results show.
func verdicts(res *harness.Results) []string {
	if res.Meta.Place == harness.Simulated {
		_, lines := findings.Of(res)
		return lines
	}
	return harness.Verdicts(res.Groups(), &res.Meta)
}

// Print prints the tables, the verdict and the notes.
func Print(w io.Writer, res *harness.Results) {
	m := &res.Meta
	groups := res.Groups()
	fmt.Fprintf(w, "%s\n\n", m.Label())
	for _, t := range harness.Tables(groups, m) {
		t.Print(w)
		fmt.Fprintln(w)
	}
	for _, line := range harness.Legend(groups, m) {
		fmt.Fprintln(w, harness.Wrap(line, "  "))
	}
	fmt.Fprintln(w)
	if m.Place == harness.Simulated {
		printSimulated(w, res)
		return
	}
	printConclusion(w, res, harness.Verdicts(groups, m))
}

// printConclusion prints the conclusions, the notes, and where the files are.
func printConclusion(w io.Writer, res *harness.Results, lines []string) {
	for _, line := range lines {
		fmt.Fprintln(w, harness.Wrap(line, "  "))
	}
	for _, line := range res.Meta.Notes() {
		fmt.Fprintln(w, harness.Wrap("note: "+line, "  "))
	}
	fmt.Fprintf(w, "\nresults: %s\nreport:  %s\n", HostPath(filepath.Join(res.Dir, harness.ResultsFile)), HostPath(filepath.Join(res.Dir, harness.ReportFile)))
}

// ShowSweep prints what the sweep in dir has found, and where the rest of it is. It writes the
// sweep's figures and its page. An error also says that the sweep was interrupted, or which check
// failed first.
func ShowSweep(w io.Writer, dir string, meta *harness.Meta, runs []*simulated.Run) error {
	if meta.Done > 0 {
		res, err := harness.Load(dir)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\n\n", res.Meta.Label())
		printSimulated(w, res)
		if err := Publish(res); err != nil {
			return err
		}
	}
	if !meta.Complete() {
		return fmt.Errorf("%w: %d of %d runs are finished and kept in %s", harness.ErrInterrupted, meta.Done, meta.Planned, dir)
	}
	return simulated.FailedCheck(runs)
}

// printSimulated prints what stands below a simulated run's tables.
func printSimulated(w io.Writer, res *harness.Results) {
	tables, lines := findings.Of(res)
	for _, t := range tables {
		t.Print(w)
		fmt.Fprintln(w)
	}
	printConclusion(w, res, lines)
}
