package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// commitTime returns when the commit was made that this program was built from,
// or nil if that is not known. It is the date of the pages, so that the same
// program writes the same bytes.
func commitTime() *time.Time {
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return nil
	}
	for _, s := range info.Settings {
		if t, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
			return &t
		}
	}
	return nil
}

func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "write the manual pages into a directory",
		Long: `Writes a manual page for each command into DIR, and makes DIR if need be.
"man DIR/experiments.1" shows the first page. "man experiments-run" finds the pages
if DIR is the folder man1 below a directory that "manpath" prints.`,
		Args:              exactly(1, "one directory for the pages"),
		ValidArgsFunction: completeDirs,
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := args[0]
			if err := os.MkdirAll(dir, 0o777); err != nil {
				return usageError{err}
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // it holds today's date
			header := doc.GenManHeader{Section: "1", Source: "numasched", Manual: "numasched", Date: commitTime()}
			if err := doc.GenManTree(root, &header, dir); err != nil {
				return err
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), filepath.Join(dir, root.Name()+".1"))
			return err
		},
	}
}
