package harness

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// A rowError is what is wrong with a row of a text file, and in which of its fields: fields
// are separated by blanks and counted from 0.
type rowError struct {
	field int
	err   error
}

func (e *rowError) Error() string { return e.err.Error() }

func (e *rowError) Unwrap() error { return e.err }

// Column returns at which column of a line a field begins, from 1. If the line has no such
// field, that is one after its end.
func Column(line string, field int) int {
	line = strings.TrimRight(line, "\r\n")
	between := true
	for i, r := range line {
		if space := unicode.IsSpace(r); space {
			between = true
		} else if between {
			if between = false; field == 0 {
				return i + 1
			}
			field--
		}
	}
	return len(line) + 1
}

// wrongField finds what keeps a line from being one of Go's benchmark format, and says what
// was expected. It returns nil if it finds nothing.
func wrongField(line string) *rowError {
	bad := func(field int, format string, args ...any) *rowError {
		return &rowError{field, fmt.Errorf(format, args...)}
	}
	f := strings.Fields(line)
	if len(f) < 2 {
		return bad(1, "the line ends: want the number of runs, then values and their units")
	}
	if _, err := strconv.Atoi(f[1]); err != nil {
		return bad(1, "%.40q: want the number of runs", f[1])
	}
	for i := 2; i < len(f); i += 2 {
		if _, err := strconv.ParseFloat(f[i], 64); err != nil {
			return bad(i, "%.40q: want a number", f[i])
		}
		if i+1 == len(f) {
			return bad(i+1, "the line ends: want the unit of %s", f[i])
		}
	}
	if len(f) < 4 {
		return bad(2, "the line ends: want a value and its unit, as in 12.5 ns/task")
	}
	return nil
}
