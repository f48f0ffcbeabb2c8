package main

import (
	"bytes"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"numasched/experiments/harness"
	"numasched/experiments/usage"
	"numasched/topology"
	"numasched/topology/draw"
)

const topoDoc = `Topo shows a machine: packages, caches, cores and NUMA nodes with their CPUs,
memory and distances. Without flags it shows this one, as a tree.

The machine may also be FROM:

    host                  this machine
    FILE.tar.gz           a capture, see "experiments capture"
    FILE.xml              what hwloc's "lstopo FILE.xml" wrote
    DIRECTORY             that holds the sys and proc of a machine
    synthetic:NxC         N nodes of C CPUs
    synthetic:PxNxLxCxT   packages x nodes x L3s x cores x threads
    synthetic:...+Kmem    and K nodes of memory without CPUs; +Kcpu: K packages
                          without memory; +Kempty: K nodes with neither
    PRESET                a named machine:

`

// topoFlags is the command line of topo.
type topoFlags struct {
	from, svg, png string
	json           bool
}

func topoCommand() *cobra.Command {
	var f topoFlags
	cmd := &cobra.Command{
		Use:   "topo",
		Short: "show a machine: CPUs, caches, NUMA nodes, distances",
		Long:  topoDoc + usage.Wrap(usage.MachineNames()),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage.Errorf("%q: want flags only; did you mean --from %s?", args[0], args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.show(cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.from, "from", "host", "the machine to show: see above for `FROM`")
	fs.BoolVar(&f.json, "json", false, "print all that is known, as JSON")
	fs.StringVar(&f.svg, "svg", "", "draw the machine into `FILE`, as SVG; - is standard output")
	fs.StringVar(&f.png, "png", "", "draw the machine into `FILE`, as PNG; - is standard output")
	usage.Complete(cmd, "from", usage.CompleteTopology)
	return cmd
}

// show shows the machine in the way that the flags say.
func (f *topoFlags) show(stdout, stderr io.Writer) error {
	if f.svg == "-" && f.png == "-" || f.json && (f.svg == "-" || f.png == "-") {
		return usage.Errorf("--svg, --png, --json: want one of them on standard output, and files for the others")
	}
	if f.svg != "" && f.svg == f.png {
		return usage.Errorf("--svg and --png are both %s: want two files", f.svg)
	}
	t, err := usage.Topology("from", f.from)
	if err != nil {
		return err
	}
	shown := false
	for _, x := range []struct {
		flag, file string
		draw       func(io.Writer, *topology.Topology) error
	}{{"svg", f.svg, draw.SVG}, {"png", f.png, draw.PNG}} {
		if x.file == "" {
			continue
		}
		if err := drawInto(stdout, x.file, t, x.draw); err != nil {
			return usage.FileError(x.flag, err)
		}
		shown = true
	}
	switch {
	case f.json:
		for _, m := range t.Missing {
			fmt.Fprintf(stderr, "note: %s\n", m)
		}
		return draw.JSON(stdout, t)
	case shown:
		return nil
	}
	return draw.Text(stdout, t)
}

func drawInto(stdout io.Writer, file string, t *topology.Topology, draw func(io.Writer, *topology.Topology) error) error {
	var b bytes.Buffer
	if err := draw(&b, t); err != nil {
		return err
	}
	if file == "-" {
		_, err := stdout.Write(b.Bytes())
		return err
	}
	return harness.WriteFile(file, func(w io.Writer) error { _, err := w.Write(b.Bytes()); return err })
}
