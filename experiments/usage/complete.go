package usage

import (
	"strings"

	"github.com/spf13/cobra"
)

// CompleteList completes the last item of a comma-separated list. With files, the
// first item may be a file as well.
func CompleteList(valid []string, files bool) cobra.CompletionFunc {
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

// CompleteDirs completes directories.
func CompleteDirs(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// Complete sets how the value of a flag is completed. It panics if the command has
// no such flag.
func Complete(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err)
	}
}

// CompleteTopology completes the values of --from and --topology.
func CompleteTopology(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return CompleteList(append([]string{"host", "synthetic:"}, MachineNames()...), true)(cmd, args, typed)
}
