package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"numasched/experiments/harness"
	"numasched/experiments/plot"
)

const reportHelp = `
usage: experiments report [--tex FILE] DIR

Prints the tables of a result directory and writes its index.html again, with
all figures in it. The report is a function of results.txt and run.json.
`

func reportCmd(args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("report", flag.ContinueOnError)
	tex := fs.String("tex", "", "also write the tables as LaTeX to `FILE`")
	res, status := loadArg(fs, reportHelp, args, stdout, stderr)
	if res == nil {
		return status
	}
	if err := writePage(res, plot.Figures(res)); err != nil {
		return fail(stderr, "report", err)
	}
	if *tex != "" {
		if err := os.WriteFile(*tex, texTables(res), 0o666); err != nil {
			return fail(stderr, "report", usagef("--tex: %w", err))
		}
	}
	printReport(stdout, res)
	return 0
}

// texTables returns the tables for a paper, with where they come from.
func texTables(res *harness.Results) []byte {
	var b bytes.Buffer
	m := &res.Meta
	fmt.Fprintf(&b, "%% Made by: experiments report --tex, from the run of commit %s: %s\n", m.Build.ShortCommit(), strings.Join(m.Command, " "))
	for _, t := range harness.Tables(harness.Summarize(res.Measurements), m.Place) {
		t.TeX(&b)
	}
	return b.Bytes()
}

// loadArg loads the one result directory that args name. If it returns nil the
// command is over, with the given status.
func loadArg(fs *flag.FlagSet, help string, args []string, stdout, stderr io.Writer) (*harness.Results, int) {
	command := fs.Name()
	rest, err := parseFlags(fs, help, args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil, 0
	}
	if err == nil && len(rest) != 1 {
		err = usagef("want one result directory, got %d", len(rest))
	}
	if err != nil {
		return nil, fail(stderr, command, err)
	}
	res, err := harness.Load(rest[0])
	if err == nil && len(res.Measurements) == 0 {
		err = fmt.Errorf("%s: no measurement", filepath.Join(rest[0], harness.ResultsFile))
	}
	if err != nil {
		return nil, fail(stderr, command, usageError{err})
	}
	return res, 0
}

// publish writes everything that is computed from results.
func publish(res *harness.Results) error {
	figures := plot.Figures(res)
	return errors.Join(plot.Write(res.Dir, figures), writePage(res, figures))
}

func writePage(res *harness.Results, figures []plot.Figure) error {
	f, err := os.Create(filepath.Join(res.Dir, harness.ReportFile))
	if err != nil {
		return err
	}
	return errors.Join(page(f, res, figures), f.Close())
}

// printReport prints the tables, the verdict and the notes.
func printReport(w io.Writer, res *harness.Results) {
	m := &res.Meta
	groups := harness.Summarize(res.Measurements)
	fmt.Fprintf(w, "%s\n\n", m.Label())
	for _, t := range harness.Tables(groups, m.Place) {
		t.Print(w)
		fmt.Fprintln(w)
	}
	for _, line := range harness.Legend(m.Place) {
		fmt.Fprintln(w, line)
	}
	fmt.Fprintln(w)
	if m.Place == harness.Simulated {
		printSweep(w, res)
		return
	}
	for _, line := range harness.Verdicts(groups, m) {
		fmt.Fprintln(w, line)
	}
	for _, line := range m.Notes() {
		fmt.Fprintln(w, "note:", line)
	}
	fmt.Fprintf(w, "\nresults: %s\nreport:  %s\n", filepath.Join(res.Dir, harness.ResultsFile), filepath.Join(res.Dir, harness.ReportFile))
}
