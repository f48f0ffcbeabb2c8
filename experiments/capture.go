package main

import (
	"bytes"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"numasched/experiments/harness"
	"numasched/experiments/usage"
	"numasched/topology"
)

func captureCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "capture FILE.tar.gz",
		Short: "keep this machine's topology in a file",
		Long: `Capture writes the files of /sys and /proc that describe this machine's CPUs,
caches and NUMA nodes into FILE, for "experiments topo --from FILE" elsewhere.
It holds numbers alone: no names, serial numbers, addresses or processes.
FILE must not exist yet; - is standard output.`,
		Args: usage.Exactly(1, "the name of one file to write, such as machine.tar.gz"),
	}
	from := cmd.Flags().String("from", "/", "`DIRECTORY` that holds the sys and proc of the machine")
	usage.Complete(cmd, "from", usage.CompleteDirs)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return capture(*from, args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
	}
	return cmd
}

// capture writes a capture of the machine in a directory into a new file, or to
// stdout, and then says elsewhere what it is.
func capture(from, file string, stdout, stderr io.Writer) error {
	var b bytes.Buffer
	t, err := topology.CaptureDir(&b, from)
	if err != nil {
		return usage.Errorf("%s: %w", from, err)
	}
	said := fmt.Sprintf("%d KB, %s, %s\n", (b.Len()+1023)/1024, harness.Count(t.Online.Len(), "CPU", "CPUs"), harness.Count(len(t.Nodes), "NUMA node", "NUMA nodes"))
	if file == "-" {
		if _, err := stdout.Write(b.Bytes()); err != nil {
			return err
		}
		fmt.Fprintf(stderr, "standard output: %s", said)
		return nil
	}
	// A capture may not replace one: nothing else tells what machine it was.
	if err := harness.NewFile(file, func() ([]byte, error) { return b.Bytes(), nil }); err != nil {
		return usage.UnlessWrite(err)
	}
	fmt.Fprintf(stdout, "%s: %s", file, said)
	return nil
}
