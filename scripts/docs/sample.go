package main

import (
	"bytes"
	"slices"
	"strings"

	"numasched/experiments/harness"
)

// sample returns the end of what a run prints: the tables of some workloads, the
// verdict and the notes, in lines of at most 100 characters where words allow it.
func (b *book) sample(name string, workloads ...string) string {
	r := b.runs[name]
	var out bytes.Buffer
	for i := range r.groups {
		if slices.Contains(workloads, r.groups[i].Workload) {
			for _, t := range harness.Tables(r.groups[i:i+1], &r.Meta) {
				t.Print(&out)
				out.WriteString("\n")
			}
		}
	}
	for _, line := range harness.Verdicts(r.groups, &r.Meta) {
		out.WriteString(harness.Wrap(line, "  ") + "\n")
	}
	for _, line := range r.Meta.Notes() {
		out.WriteString(harness.Wrap("note: "+line, "  ") + "\n")
	}
	return strings.TrimSuffix(out.String(), "\n")
}
