package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"numasched/experiments/harness"
	"numasched/experiments/spell"
)

// A usageError is the user's mistake: exit status 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// noArgs refuses arguments that are not flags.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("unexpected argument %q: want flags only", args[0])
	}
	return nil
}

// exactly refuses any number of arguments but n. The words in what describe them.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("want %s, got %d", what, len(args))
		}
		return nil
	}
}

// flagError rewrites pflag's errors: they name the flag as users write it, the text
// that they gave it, and what it takes. Args is the whole command line.
func flagError(cmd *cobra.Command, args []string, err error) error {
	var missing *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	var stranger *pflag.NotExistError
	switch {
	case errors.As(err, &missing):
		return usagef("--%s: want %s after it", missing.GetFlag().Name, wanted(missing.GetFlag()))
	case errors.As(err, &invalid):
		return usagef("--%s %q: want %s", invalid.GetFlag().Name, invalid.GetValue(), wanted(invalid.GetFlag()))
	case errors.As(err, &stranger):
		name := "--" + stranger.GetSpecifiedName()
		if short := stranger.GetSpecifiedShortnames(); short != "" {
			// pflag reads -arm as three flags of one letter. Package flag took it for --arm.
			name = args[slices.IndexFunc(args, func(arg string) bool {
				return strings.HasPrefix(arg, "-") && !strings.HasPrefix(arg, "--") && strings.HasSuffix(arg, short)
			})]
		}
		if name == "-help" {
			return pflag.ErrHelp
		}
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && f.Name != "help" {
				names = append(names, "--"+f.Name)
			}
		})
		return unknown("flag", name, names)
	}
	return usageError{err}
}

// wanted says what a flag takes.
func wanted(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "int", "int64":
		return "a whole number"
	case "uint64":
		return "a whole number from 0 to 18446744073709551615"
	case "duration":
		return "a time with its unit, as in 500ms or 2s"
	case "bool":
		return "true or false"
	}
	switch v := f.Value.(type) {
	case *wholeNumber:
		return "a " + v.Type()
	case *shard:
		return shardForm
	}
	arg, _ := pflag.UnquoteUsage(f)
	return "a " + arg
}

// A wholeNumber is a flag from lo to hi.
type wholeNumber struct{ v, lo, hi int64 }

func (w *wholeNumber) String() string { return strconv.FormatInt(w.v, 10) }

func (w *wholeNumber) Type() string { return fmt.Sprintf("number from %d to %d", w.lo, w.hi) }

func (w *wholeNumber) Set(text string) error {
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v < w.lo || v > w.hi {
		return fmt.Errorf("want a %s", w.Type())
	}
	w.v = v
	return nil
}

// unknown is the error for a name that is not one of the valid ones.
func unknown(what, name string, valid []string) error {
	if len(valid) == 0 {
		return usagef("unknown %s %q (there are none here)", what, name)
	}
	hint := ""
	if near := spell.Closest(name, valid); near != "" {
		hint = fmt.Sprintf("did you mean %q? ", near)
	}
	return usagef("unknown %s %q (%svalid: %s)", what, name, hint, strings.Join(valid, ", "))
}

// wrapList returns names as an indented list in lines of at most 80 columns.
func wrapList(names []string) string {
	var b strings.Builder
	column := 0
	for i, name := range names {
		if i < len(names)-1 {
			name += ","
		}
		switch {
		case i == 0 || column+1+len(name) > 80:
			if i > 0 {
				b.WriteString("\n")
			}
			b.WriteString("    ")
			column = 4
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(name)
		column += len(name)
	}
	return b.String()
}

// fileError is the error of writing a file that a flag names.
func fileError(flag string, err error) error {
	return usageUnlessWrite(fmt.Errorf("--%s: %w", flag, err))
}

// usageUnlessWrite returns the error of writing a file. A file that cannot be made is
// the user's mistake. A file that cannot be written to, on a full disk, is not.
func usageUnlessWrite(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) && pe.Op == "open" && !harness.DiskFull(err) {
		return usageError{err}
	}
	return err
}

// dirError is the error of making the result directory that --out names, or of locking
// it. That is the user's mistake, unless the disk is full.
func dirError(dir string, err error) error {
	err = fmt.Errorf("--out %s: %w", dir, err)
	if harness.DiskFull(err) {
		return err
	}
	return usageError{err}
}
