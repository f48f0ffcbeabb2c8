package main

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"numasched/experiments/harness"
)

// sample returns the end of what a run prints: the tables of some workloads, the
// verdict and the notes, in lines of at most 100 characters where words allow it.
func (b *book) sample(name string, workloads ...string) string {
	r := b.runs[name]
	var out bytes.Buffer
	for i := range r.groups {
		if slices.Contains(workloads, r.groups[i].Workload) {
			for _, t := range harness.Tables(r.groups[i:i+1], r.Meta.Place) {
				t.Print(&out)
				out.WriteString("\n")
			}
		}
	}
	for _, line := range harness.Verdicts(r.groups, &r.Meta) {
		out.WriteString(wrap(line, 100))
	}
	for _, line := range r.Meta.Notes() {
		out.WriteString(wrap("note: "+line, 100))
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// wrap breaks a line between words; what follows the first line is indented.
func wrap(line string, width int) string {
	var out strings.Builder
	column := 0
	for _, word := range strings.Fields(line) {
		switch n := utf8.RuneCountInString(word); {
		case column == 0:
			column = n
		case column+1+n > width:
			out.WriteString("\n  ")
			column = 2 + n
		default:
			out.WriteString(" ")
			column += 1 + n
		}
		out.WriteString(word)
	}
	return out.String() + "\n"
}
