package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"numasched/experiments/findings"
	"numasched/experiments/harness"
	"numasched/experiments/page"
	"numasched/experiments/plot"
)

func reportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "report DIR...",
		Short: "print the tables of a result directory and make its HTML page again",
		Long: `Prints the tables of a result directory and writes its index.html again, with
all figures in it. The report is a function of results.txt and run.json, and shows
what lies beside them as trace*.json, from "experiments trace", as a timeline: a name
such as trace-numa.json says the arm. Without one, simulated results have a timeline
that this program simulates anew; its caption says so. Several directories are merged first, into --out
("experiments merge --help" says how).`,
		Args:              atLeastOneDir,
		ValidArgsFunction: completeDirs,
	}
	tex := cmd.Flags().String("tex", "", "also write the tables as LaTeX to `FILE`")
	asJSON := cmd.Flags().Bool("json", false, "print the tables as JSON (harness.Report describes it)")
	out := cmd.Flags().String("out", "", "new `DIR` for what is merged")
	complete(cmd, "out", completeDirs)
	baseline := baselineFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		res, err := loadResults(args, *out, *baseline)
		if err != nil {
			return err
		}
		if err := showReport(cmd.OutOrStdout(), res, *asJSON); err != nil {
			return err
		}
		if *tex != "" {
			text := texTables(res)
			if err := harness.WriteFile(*tex, func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
				return fileError("tex", err)
			}
		}
		return write(res, func() error { return writePage(res, plot.Figures(res)) })
	}
	return cmd
}

// texTables returns the tables for a paper, with where they come from.
func texTables(res *harness.Results) []byte {
	var b bytes.Buffer
	m := &res.Meta
	fmt.Fprintf(&b, "%% Made by: experiments report --tex, from the run of commit %s: %s\n", m.Build.ShortCommit(), strings.Join(m.Command, " "))
	for _, t := range harness.Tables(res.Groups(), m) {
		t.TeX(&b)
	}
	return b.Bytes()
}

// loadResults loads a result directory that has measurements, and makes baseline the arm
// that the others are compared with, unless it is "". Several directories are merged
// first, into the new directory out.
func loadResults(dirs []string, out, baseline string) (*harness.Results, error) {
	var all []*harness.Results
	for _, dir := range dirs {
		res, err := harness.Load(dir)
		if err == nil && len(res.Measurements) == 0 {
			err = fmt.Errorf("%s: no measurement", filepath.Join(dir, harness.ResultsFile))
		}
		if err != nil {
			return nil, usageError{err}
		}
		all = append(all, res)
	}
	if len(all) == 1 && out == "" {
		return all[0], setBaseline(all[0], baseline)
	}
	if out == "" {
		return nil, usagef("want --out DIR, for what is merged from %s", strings.Join(dirs, ", "))
	}
	return mergeDirs(all, out, baseline)
}

// publish writes the figures and the page of a run.
func publish(res *harness.Results) error {
	figures := plot.Figures(res)
	return write(res, func() error {
		return errors.Join(plot.Write(res.Dir, figures), writePage(res, figures))
	})
}

// write calls do with the directory of res locked.
func write(res *harness.Results, do func() error) error {
	lock, err := harness.LockDir(res.Dir)
	if errors.As(err, new(*harness.BusyError)) {
		return usagef("%s: %w", res.Dir, err)
	}
	if err != nil {
		return err
	}
	defer lock.Unlock()
	return do()
}

func writePage(res *harness.Results, figures []plot.Figure) error {
	return harness.WriteFile(filepath.Join(res.Dir, harness.ReportFile), func(w io.Writer) error { return page.Write(w, res, figures) })
}

// showReport prints a report as text or as JSON.
func showReport(w io.Writer, res *harness.Results, asJSON bool) error {
	if asJSON {
		return printJSON(w, harness.ReportOf(res, verdicts(res)))
	}
	printReport(w, res)
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

// printReport prints the tables, the verdict and the notes.
func printReport(w io.Writer, res *harness.Results) {
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
	fmt.Fprintf(w, "\nresults: %s\nreport:  %s\n", hostPath(filepath.Join(res.Dir, harness.ResultsFile)), hostPath(filepath.Join(res.Dir, harness.ReportFile)))
}

// printSweep prints what a sweep has found, and where the rest of it is.
func printSweep(w io.Writer, res *harness.Results) {
	fmt.Fprintf(w, "%s\n\n", res.Meta.Label())
	printSimulated(w, res)
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
