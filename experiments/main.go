// Experiments looks at machines, runs schedulers on them, and shows what came
// out. Its commands are in the table below; each lives in a file of its name.
//
//	experiments topo
//	experiments run --arm flat,numa --workload fib,triad --procs 2 --out results/mine
//	experiments report results/mine
//
// Exit status: 0 if all went well, 1 if something failed while it ran, 2 if it
// was asked for something impossible, 130 if it was interrupted.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

type command struct {
	name string
	doc  string
	run  func(args []string, stdout, stderr io.Writer) int
}

// commands is a function because "help" shows it.
func commands() []command {
	return []command{
		{"topo", "show a machine: CPUs, caches, NUMA nodes, distances", topoCmd},
		{"capture", "keep this machine's topology in a file", captureCmd},
		{"doctor", "say what here would spoil an experiment, and how to mend it", doctorCmd},
		{"run", "measure arms against workloads and write a result directory", runCmd},
		{"sim", "run the scheduler on a simulated machine, in virtual time", simCmd},
		{"calibrate", "measure this host into a preset for sim", calibrateCmd},
		{"explore", "try the interleavings of the scheduler's threads on small programs", exploreCmd},
		{"plot", "draw the plots of a result directory again", plotCmd},
		{"report", "print the tables of a result directory and make its HTML page again", reportCmd},
		{"compare", "compare two result directories cell by cell", compareCmd},
	}
}

func main() { os.Exit(dispatch(os.Args[1:], os.Stdout, os.Stderr)) }

// dispatch runs the command that args name and returns the exit status. Output
// that could not be written is an error of every command.
func dispatch(args []string, stdout, stderr io.Writer) int {
	out := &output{w: stdout}
	status := runCommand(args, out, stderr)
	if out.err == nil {
		return status
	}
	fmt.Fprintf(stderr, "experiments %s: %v\n", args[0], out.err)
	return max(1, status)
}

func runCommand(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		help(stderr)
		return 2
	}
	name := args[0]
	switch name {
	case "help", "-h", "-help", "--help":
		if len(args) > 1 && name == "help" {
			return runCommand([]string{args[1], "--help"}, stdout, stderr)
		}
		help(stdout)
		return 0
	}
	var names []string
	for _, c := range commands() {
		if c.name == name {
			return c.run(args[1:], stdout, stderr)
		}
		names = append(names, c.name)
	}
	fmt.Fprintf(stderr, "experiments: %v\n", unknown("command", name, names))
	return 2
}

func help(w io.Writer) {
	var b strings.Builder
	b.WriteString("Experiments measures goroutine schedulers on real and pretended NUMA machines.\n\nusage: experiments COMMAND [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-9s %s\n", c.name, c.doc)
	}
	b.WriteString("\n\"experiments COMMAND --help\" explains a command.\n")
	io.WriteString(w, b.String())
}
