package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"numasched/experiments/harness"
	"numasched/topology"
)

func captureCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "capture FILE.tar.gz",
		Short: "keep this machine's topology in a file",
		Long: `Capture writes the files of /sys and /proc that describe this machine's CPUs,
caches and NUMA nodes into FILE, for "experiments topo --from FILE" elsewhere.
It holds numbers alone: no names, serial numbers, addresses or processes.`,
		Args: exactly(1, "the name of one file to write, such as machine.tar.gz"),
	}
	from := cmd.Flags().String("from", "/", "`DIRECTORY` that holds the sys and proc of the machine")
	complete(cmd, "from", completeDirs)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return capture(*from, args[0], cmd.OutOrStdout())
	}
	return cmd
}

// capture writes a capture of the machine in a directory into a new file.
func capture(from, file string, stdout io.Writer) error {
	var b bytes.Buffer
	if err := topology.CaptureDir(&b, from); err != nil {
		return usagef("%s: %w", from, err)
	}
	// A capture may not replace one: nothing else tells what machine it was.
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return usageError{err}
	}
	if _, err := f.Write(b.Bytes()); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	t, err := topology.Open(file)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s: %d KB, %s, %s\n", file, (b.Len()+1023)/1024, harness.Count(t.Online.Len(), "CPU", "CPUs"), harness.Count(len(t.Nodes), "NUMA node", "NUMA nodes"))
	return nil
}
