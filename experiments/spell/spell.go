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
// edits and a third of name's length, rounded. With half of its letters wrong a word of four is
// another word: "nope" is no slip for "topo".
func Closest(name string, valid []string) string {
	best, bestDist := "", min(2, (len(name)+1)/3)+1
	for _, v := range valid {
		if d := editDistance(strings.ToLower(name), v); d < bestDist {
			best, bestDist = v, d
		}
	}
	return best
}

// editDistance is how many bytes are too many, missing or wrong, or have changed places with the
// next, which is the commonest slip of all. Cobra has one that counts those twice.
func editDistance(a, b string) int {
	row := func() []int { return make([]int, len(b)+1) }
	before, last, now := row(), row(), row() // for two, one and no more bytes of a
	for j := range now {
		now[j] = j
	}
	for i := range len(a) {
		before, last, now = last, now, before
		now[0] = i + 1
		for j := range len(b) {
			cost := 0
			if a[i] != b[j] {
				cost = 1
			}
			now[j+1] = min(last[j]+cost, last[j+1]+1, now[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				now[j+1] = min(now[j+1], before[j-1]+1)
			}
		}
	}
	return now[len(b)]
}
