package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// completeList completes the last item of a comma-separated list. With files, the
// first item may be a file as well.
func completeList(valid []string, files bool) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		before, last := "", typed
		if i := strings.LastIndexByte(typed, ','); i >= 0 {
			before, last = typed[:i+1], typed[i+1:]
		}
		var found []cobra.Completion
		for _, v := range valid {
			if strings.HasPrefix(v, last) {
				found = append(found, before+v)
			}
		}
		directive := cobra.ShellCompDirectiveNoSpace // a comma may follow
		if !files || before != "" {
			directive |= cobra.ShellCompDirectiveNoFileComp
		}
		return found, directive
	}
}

// refuseUnknownShells makes the completion command fail without a shell that it
// knows. Cobra's own shows its help and succeeds.
func refuseUnknownShells(completion *cobra.Command) {
	completion.Args = cobra.ArbitraryArgs
	completion.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknown("shell", args[0], subcommands(cmd))
		}
		return usagef("want a shell: %s", strings.Join(subcommands(cmd), ", "))
	}
}

// completeDirs completes directories.
func completeDirs(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// complete sets how the value of a flag is completed. It panics if the command has
// no such flag.
func complete(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err)
	}
}

// completeTopology completes the values of --from and --topology.
func completeTopology(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return completeList(append([]string{"host", "synthetic:"}, presetNames()...), true)(cmd, args, typed)
}
