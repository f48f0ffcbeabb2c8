package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"numasched/topology"
	"numasched/topology/draw"
)

const topoDoc = `usage: experiments topo [flags]

Topo shows a machine: packages, caches, cores and NUMA nodes with their CPUs,
memory and distances. Without flags it shows this one, as a tree.

The machine may also be FROM:
  host                  this machine
  FILE.tar.gz           a capture, see "experiments capture"
  FILE.xml              what hwloc's "lstopo FILE.xml" wrote
  DIRECTORY             that holds the sys and proc of a machine
  synthetic:NxC         N nodes of C CPUs
  synthetic:PxNxLxCxT   packages x nodes x L3s x cores x threads
  PRESET                a named machine: `

// topoCmd shows a machine.
func topoCmd(args []string, stdout, stderr io.Writer) int {
	if err := topo(args, stdout, stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		return fail(stderr, "topo", err)
	}
	return 0
}

func topo(args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("topo", flag.ContinueOnError)
	from := fs.String("from", "host", "the machine to show: see above for `FROM`")
	asJSON := fs.Bool("json", false, "print all that is known, as JSON")
	svg := fs.String("svg", "", "draw the machine into `FILE`, as SVG; - is standard output")
	png := fs.String("png", "", "draw the machine into `FILE`, as PNG; - is standard output")
	rest, err := parseFlags(fs, topoDoc+strings.Join(topology.Presets(), ", "), args, stdout)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usagef("%q: want flags only; did you mean --from %s?", rest[0], rest[0])
	}
	if *svg == "-" && *png == "-" || *asJSON && (*svg == "-" || *png == "-") {
		return usagef("--svg, --png, --json: want one of them on standard output, and files for the others")
	}
	t, err := topology.Load(*from)
	if err != nil {
		return usagef("--from: %w", err)
	}
	shown := false
	for _, x := range []struct {
		flag, file string
		draw       func(io.Writer, *topology.Topology) error
	}{{"svg", *svg, draw.SVG}, {"png", *png, draw.PNG}} {
		if x.file == "" {
			continue
		}
		if err := drawInto(stdout, x.file, t, x.draw); err != nil {
			return usagef("--%s: %w", x.flag, err)
		}
		shown = true
	}
	switch {
	case *asJSON:
		for _, m := range t.Missing {
			fmt.Fprintf(stderr, "note: %s\n", m)
		}
		return writeReport(stdout, t.Report())
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
	return os.WriteFile(file, b.Bytes(), 0o666)
}

// writeReport writes one line a field, so that files can be compared by eye.
func writeReport(w io.Writer, r topology.Report) error {
	compact, err := json.Marshal(r)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString("{\n")
	d := json.NewDecoder(bytes.NewReader(compact))
	d.Token() // the brace
	for i := 0; d.More(); i++ {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, " %q: %s", key, value)
	}
	b.WriteString("\n}\n")
	_, err = w.Write(b.Bytes())
	return err
}
