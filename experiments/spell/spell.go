// Package spell finds what somebody meant who has misspelt a name.
package spell

import "strings"

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
