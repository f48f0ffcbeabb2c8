package usage

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"numasched/experiments/harness"
)

// FlagError rewrites pflag's errors: they name the flag as users write it, the text
// that they gave it, and what it takes. Args is the whole command line.
func FlagError(cmd *cobra.Command, args []string, err error) error {
	var missing *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	var stranger *pflag.NotExistError
	switch {
	case errors.As(err, &missing):
		return Errorf("--%s: want %s after it", missing.GetFlag().Name, wanted(missing.GetFlag()))
	case errors.As(err, &invalid):
		return Errorf("--%s %q: want %s", invalid.GetFlag().Name, invalid.GetValue(), wanted(invalid.GetFlag()))
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
		return Unknown("flag", name, names)
	}
	return Wrong(err)
}

// Files refuses a flag or an argument that is to name a file or a directory and names none: it is
// most often a variable of a shell that is not set. It also refuses "-" where that is not standard
// output: a file of this name would be made.
func Files(cmd *cobra.Command, args []string) (err error) {
	no := func(name, doc string) bool {
		return err == nil && (name == "" || name == "-" && !strings.Contains(doc, "- is standard output"))
	}
	kinds := map[string]string{"FILE": "file", "DIR": "directory", "DIRECTORY": "directory"}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		arg, doc := pflag.UnquoteUsage(f)
		if name := f.Value.String(); kinds[arg] != "" && no(name, doc) {
			err = Errorf("--%s %q: want a %s", f.Name, name, kinds[arg])
		}
	})
	kind := "directory"
	if strings.Contains(cmd.Use, "FILE") {
		kind = "file"
	}
	for _, name := range args {
		if !cmd.Hidden && no(name, cmd.Long) { // shells complete words that are still empty
			err = Errorf("%q: want a %s", name, kind)
		}
	}
	return err
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
	case *Number:
		return "a " + v.Type()
	case *harness.Shard:
		return harness.ShardForm
	}
	arg, _ := pflag.UnquoteUsage(f)
	return "a " + arg
}

// A Number is the value of a flag that takes a whole number from Least to Most.
type Number struct{ Value, Least, Most int64 }

// Between returns a number from least to most that has a value already.
func Between(least, most, value int64) Number { return Number{value, least, most} }

// String returns the number in decimal.
func (w *Number) String() string { return strconv.FormatInt(w.Value, 10) }

// Type says what the flag takes.
func (w *Number) Type() string { return fmt.Sprintf("number from %d to %d", w.Least, w.Most) }

// Set reads the number.
func (w *Number) Set(text string) error {
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v < w.Least || v > w.Most {
		return fmt.Errorf("want a %s", w.Type())
	}
	w.Value = v
	return nil
}
