package usage

import "github.com/spf13/cobra"

// NoArgs refuses arguments that are not flags.
func NoArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Errorf("unexpected argument %q: want flags only", args[0])
	}
	return nil
}

// Exactly refuses any number of arguments but n. The words in what describe them.
func Exactly(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return Errorf("want %s, got %d", what, len(args))
		}
		return nil
	}
}

// NoListItems refuses arguments. Most often they are the rest of a list that the
// user wrote with blanks.
func NoListItems(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Errorf("unexpected argument %q (lists are separated by commas, without blanks)", args[0])
	}
	return nil
}

// AtLeastOneDir refuses to have no argument.
func AtLeastOneDir(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return Errorf("want one result directory or more, got 0")
	}
	return nil
}
