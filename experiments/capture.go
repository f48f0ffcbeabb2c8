package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"numasched/topology"
)

const captureDoc = `usage: experiments capture [--from DIRECTORY] FILE.tar.gz

Capture writes the files of /sys and /proc that describe this machine's CPUs,
caches and NUMA nodes into FILE, for "experiments topo --from FILE" elsewhere.
It holds numbers alone: no names, serial numbers, addresses or processes.`

// captureCmd writes a capture of a machine.
func captureCmd(args []string, stdout, stderr io.Writer) int {
	if err := capture(args, stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		return fail(stderr, "capture", err)
	}
	return 0
}

func capture(args []string, stdout io.Writer) error {
	fs := flag.NewFlagSet("capture", flag.ContinueOnError)
	from := fs.String("from", "/", "`DIRECTORY` that holds the sys and proc of the machine")
	rest, err := parseFlags(fs, captureDoc, args, stdout)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usagef("want the name of one file to write, such as machine.tar.gz")
	}
	var b bytes.Buffer
	if err := topology.CaptureDir(&b, *from); err != nil {
		return usagef("%s: %w", *from, err)
	}
	// A capture may not replace one: nothing else tells what machine it was.
	f, err := os.OpenFile(rest[0], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return usageError{err}
	}
	if _, err := f.Write(b.Bytes()); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	t, err := topology.Open(rest[0])
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s: %d KB, %d CPUs, %d NUMA nodes\n", rest[0], (b.Len()+1023)/1024, t.Online.Len(), len(t.Nodes))
	return nil
}
