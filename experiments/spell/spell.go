// Package spell finds what somebody meant who has misspelt a name.
package spell

import (
	"fmt"
	"strings"
)

// An UnknownError is about a name that is not one of the valid ones.
type UnknownError struct {
	What, Name string
	Valid      []string
}

// Error has the valid names, and the one that may have been meant.
func (e *UnknownError) Error() string {
	if len(e.Valid) == 0 {
		return fmt.Sprintf("unknown %s %q (there are none here)", e.What, e.Name)
	}
	hint := ""
	if near := Closest(e.Name, e.Valid); near != "" {
		hint = fmt.Sprintf("did you mean %q? ", near)
	}
	return fmt.Sprintf("unknown %s %q (%svalid: %s)", e.What, e.Name, hint, strings.Join(e.Valid, ", "))
}

// Closest returns the valid name that is nearest to name, or "" if none is within two
// edits and half of name's length.
func Closest(name string, valid []string) string {
	best, bestDist := "", min(2, len(name)/2)+1
	for _, v := range valid {
		if d := editDistance(strings.ToLower(name), v); d < bestDist {
			best, bestDist = v, d
		}
	}
	return best
}

// editDistance is Levenshtein's, in bytes. Cobra has one, but only for commands.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diag
			if a[i] != b[j] {
				cost++
			}
			diag = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
