package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// A usageError is the user's mistake: exit status 2.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// fail prints err as one line and returns the exit status it deserves. It leaves
// output that could not be written to dispatch.
func fail(stderr io.Writer, command string, err error) int {
	if errors.As(err, new(outputError)) {
		return 1
	}
	fmt.Fprintf(stderr, "experiments %s: %s\n", command, strings.ReplaceAll(err.Error(), "\n", "; "))
	if ue := (usageError{}); errors.As(err, &ue) {
		return 2
	}
	return 1
}

// parseFlags parses args. Flags may come before, between and after other
// arguments, which it returns. If the user asks for help, the synopsis and the
// flags go to stdout and the error is flag.ErrHelp.
func parseFlags(fs *flag.FlagSet, synopsis string, args []string, stdout io.Writer) ([]string, error) {
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	var rest []string
	for {
		err := fs.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintf(stdout, "%s\n", strings.TrimSpace(synopsis))
			if hasFlags(fs) {
				fmt.Fprintf(stdout, "\nflags:\n")
				printFlags(fs, stdout)
			}
			return nil, err
		}
		if err != nil {
			return nil, usageError{flagError(fs, err)}
		}
		if fs.NArg() == 0 {
			return rest, nil
		}
		// Parse stops at the first argument that is not a flag, and after "--".
		if done := len(args) - fs.NArg(); done > 0 && args[done-1] == "--" {
			return append(rest, fs.Args()...), nil
		}
		rest = append(rest, fs.Arg(0))
		args = fs.Args()[1:]
	}
}

func hasFlags(fs *flag.FlagSet) bool {
	any := false
	fs.VisitAll(func(*flag.Flag) { any = true })
	return any
}

func printFlags(fs *flag.FlagSet, w io.Writer) {
	fs.VisitAll(func(f *flag.Flag) {
		arg, doc := flag.UnquoteUsage(f)
		if arg != "" {
			arg = " " + arg
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "0s" {
			first, rest, lines := strings.Cut(doc, "\n") // a list may follow
			doc = first + " (default " + f.DefValue + ")"
			if lines {
				doc += "\n" + rest
			}
		}
		fmt.Fprintf(w, "  --%s%s\n        %s\n", f.Name, arg, strings.ReplaceAll(doc, "\n", "\n        "))
	})
}

// flagError words package flag's errors in our manner: the flag as users write
// it, what they gave it, what it wants.
func flagError(fs *flag.FlagSet, err error) error {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		var names []string
		fs.VisitAll(func(f *flag.Flag) { names = append(names, "--"+f.Name) })
		return unknown("flag", "--"+strings.TrimLeft(name, "-"), names)
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return fmt.Errorf("--%s: want %s after it", name, wanted(fs.Lookup(name)))
	}
	if m := badValue.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("--%s %s: want %s", m[2], m[1], wanted(fs.Lookup(m[2])))
	}
	return err
}

// badValue matches package flag's complaint about a value: the value, quoted,
// and the flag.
var badValue = regexp.MustCompile(`^invalid (?:boolean )?value (".*") for (?:flag )?-([^ :]+): `)

// wanted says what a flag takes.
func wanted(f *flag.Flag) string {
	switch f.Value.(flag.Getter).Get().(type) {
	case int, int64:
		return "a whole number"
	case uint64:
		return "a whole number from 0 to 18446744073709551615"
	case time.Duration:
		return "a time with its unit, as in 500ms or 2s"
	case bool:
		return "true or false"
	}
	arg, _ := flag.UnquoteUsage(f)
	return "a " + arg
}

// unknown is the error for a name that is not among the valid ones.
func unknown(what, name string, valid []string) error {
	if len(valid) == 0 {
		return usagef("unknown %s %q (there are none here)", what, name)
	}
	hint := ""
	if near := closest(name, valid); near != "" {
		hint = fmt.Sprintf("did you mean %q? ", near)
	}
	return usagef("unknown %s %q (%svalid: %s)", what, name, hint, strings.Join(valid, ", "))
}

// closest returns the valid name within two edits of name, and less than half
// of its length, or "".
func closest(name string, valid []string) string {
	best, bestDist := "", min(2, len(name)/2)+1
	for _, v := range valid {
		if d := editDistance(strings.ToLower(name), v); d < bestDist {
			best, bestDist = v, d
		}
	}
	return best
}

// editDistance is Levenshtein's, in bytes.
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
