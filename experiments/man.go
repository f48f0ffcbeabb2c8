package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"numasched/experiments/harness"
	"numasched/experiments/usage"
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
		Args:              usage.Exactly(1, "one directory for the pages"),
		ValidArgsFunction: usage.CompleteDirs,
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := args[0]
			if err := os.MkdirAll(dir, 0o777); err != nil {
				if harness.DiskFull(err) {
					return err
				}
				return usage.Wrong(err)
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // it holds today's date
			header := doc.GenManHeader{Section: "1", Source: "numasched", Manual: "numasched", Date: commitTime()}
			if err := writePages(root, header, dir); err != nil {
				return err
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), filepath.Join(dir, root.Name()+".1"))
			return err
		},
	}
}

// writePages writes a page for cmd and one for each command below it. Each is there as a
// whole or not at all, which a page that package doc writes into a file is not.
func writePages(cmd *cobra.Command, header doc.GenManHeader, dir string) error {
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() && !c.IsAdditionalHelpTopicCommand() {
			if err := writePages(c, header, dir); err != nil {
				return err
			}
		}
	}
	file := filepath.Join(dir, strings.ReplaceAll(cmd.CommandPath(), " ", "-")+"."+header.Section)
	return harness.WriteFile(file, func(w io.Writer) error { return doc.GenMan(cmd, &header, w) })
}
