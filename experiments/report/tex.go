package report

import (
	"bytes"
	"fmt"
	"strings"

	"numasched/experiments/harness"
)

// TeX returns the tables for a paper, with where they come from.
func TeX(res *harness.Results) []byte {
	var b bytes.Buffer
	m := &res.Meta
	fmt.Fprintf(&b, "%% Made by: experiments report --tex, from the run of commit %s: %s\n", m.Build.ShortCommit(), strings.Join(m.Command, " "))
	for _, t := range harness.Tables(res.Groups(), m) {
		t.TeX(&b)
	}
	return b.Bytes()
}
