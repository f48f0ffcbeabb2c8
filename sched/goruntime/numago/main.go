// Numago builds unmodified Go programs with a NUMA-aware runtime, and starts programs that
// are already built once per node.
//
// The go command does the work. Numago finds the toolchain that will really build, has
// package overlay make an overlay for it, runs that very toolchain with it, and checks
// that what comes out has the NUMA-aware runtime. It never edits a GOROOT.
//
// gocmd.go runs the go command; goroot.go makes a GOROOT of links where one is needed;
// check.go looks for the marker; doctor.go says what is supported here; spawn.go is for
// programs that are already built.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

const usage = `Usage: numago COMMAND [ARGUMENT...]

Builds Go programs, unchanged, with a runtime that knows NUMA nodes:

  build, run, test, vet, install   as the go command; all its flags pass through
  env                              as go env, and where the overlay is
  version [FILE...]                of numago and go, or of programs: which have the runtime
  doctor                           whether toolchain and machine are supported, and what
                                   would stand down

Starts any program once per node, without building anything:

  spawn [-n] -- PROGRAM [ARGUMENT...]
      One process per node, on its CPUs, with its memory preferred. {node} in an argument
      becomes the node's number. Every line that a process prints has its node before it.
      Signals are passed on. The exit status is that of the first process that failed.
      -n only prints what would be run, as command lines of numactl.

A program built by numago reads the environment variable GONUMA when it starts:

  off           Go's own scheduler
  on            the nodes of this machine; with cgo threads are not bound
  unset         as on, unless there is one node, the program uses cgo, or somebody has
                narrowed its CPU mask or set a memory policy; then as off
  confine       the whole process on one node, the best one: its threads, its memory,
                GOMAXPROCS, and GOMEMLIMIT unless that is set. The scheduler is Go's own.
                If the process has a narrowed CPU mask or a memory policy, nothing is
                changed, and the program says so
  confine=NODE  likewise, on that node
  N             pretends N nodes, from 1 to 64: for tests
  on,heap       as on, and each node has its own part of the heap. What a P allocates lies on
                its node, even if the memory was used before. So do the stacks of the
                goroutines that it makes. With cgo there is one heap for all nodes, and the
                program says so
  N,heap        likewise, with N pretended nodes: no page is placed

Any other value stops the program with exit status 2.

These show what the scheduler in a program does:

  GONUMATRACE=1             prints at exit what the scheduler did, and why it is off if it is
  GODEBUG=schedtrace=1000   Go's lines, with columns for nodes at their end
  package runtime/numa      Home, Here, Nodes, NodeOf, HeapNodeOf and counters. A program that
                            imports it builds with numago only
  package runtime/metrics   as ever; what waits in the nodes' queues is counted

The heap is Go's own unless GONUMA says "heap". In Go's heap an object lies where its page
was first touched. With "heap" the process may take more memory. Free memory of one node is
not used for another node, unless the kernel gives no more. And each node has addresses
(0.6 GB), page tables and half-used blocks of its own. The collector's own memory and the
stacks of threads are not kept by node.

To keep all memory near, use confine or spawn.

-buildmode=plugin, c-shared, c-archive and shared are refused, and so is an -overlay of your
own. Profiles (default.pgo), workspaces, vendoring, -trimpath and -race work as with go.

To undo it, build with go, or set GONUMA=off.
`

// An exitError ends numago with a status and says nothing more: somebody has.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// A usageError ends numago with status 2.
type usageError string

func (e usageError) Error() string { return string(e) }

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	err := command(args, stdout, stderr)
	var exit exitError
	var bad usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return int(exit)
	case errors.As(err, &bad):
		fmt.Fprintf(stderr, "numago: %v\nRun 'numago help'.\n", err)
		return 2
	}
	fmt.Fprintln(stderr, "numago:", err)
	return 1
}

func command(args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return usageError("no command: want build, run, test, vet, install, env, version, doctor, spawn or help")
	}
	switch name, args := args[0], args[1:]; name {
	case "help", "-h", "-help", "--help":
		_, err := io.WriteString(stdout, usage)
		return err
	case "build", "run", "test", "vet", "install":
		return goCommand(name, args, stdout, stderr)
	case "env":
		return goEnv(args, stdout, stderr)
	case "version":
		return version(args, stdout)
	case "doctor":
		if len(args) > 0 {
			return usageError(fmt.Sprintf("doctor: unexpected %q: want no argument", args[0]))
		}
		return doctor(stdout)
	case "spawn":
		return spawn(args, stdout, stderr)
	default:
		return usageError(fmt.Sprintf("unknown command %q: want build, run, test, vet, install, env, version, doctor, spawn or help", name))
	}
}
