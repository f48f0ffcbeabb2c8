// Experiments looks at machines, runs schedulers on them, and shows what came
// out. Each command lives in a file of its name.
//
//	experiments topo
//	experiments run --arm flat,numa --workload fib,triad --procs 2 --out results/mine
//	experiments report results/mine
//
// Exit status: 0 if all went well, 1 if something failed while it ran, 2 if it
// was asked for something impossible, 130 if it was interrupted.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"numasched/experiments/harness"
	"numasched/experiments/page"
	"numasched/experiments/usage"
)

// untilInterrupted returns a context that ends with the first Ctrl-C or SIGTERM. A second one
// ends the process at once.
func untilInterrupted() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

func main() { os.Exit(dispatch(os.Args[1:], os.Stdout, os.Stderr)) }

// newRoot returns the whole command. Args are what the user typed after its
// name.
func newRoot(args []string, stdout, stderr io.Writer) *cobra.Command {
	line := append([]string{"experiments"}, args...) // as results record it
	cobra.EnableCommandSorting = false               // they are in the order of use
	root := &cobra.Command{
		Use:           "experiments",
		Short:         "measure goroutine schedulers on NUMA machines",
		Long:          "Experiments measures goroutine schedulers on real, pretended and simulated NUMA machines.",
		Version:       "see version.go",
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(cmd.ErrOrStderr())
			cmd.Help()
			return exit(2)
		},
	}
	cobra.AddTemplateFunc("version", harness.Version) // which asks git: only if it is wanted
	root.SetVersionTemplate("{{version}}\n")
	root.SetArgs(append([]string{}, args...)) // not nil, which stands for os.Args
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usage.FlagError(cmd, args, err) })
	root.AddCommand(
		topoCommand(),
		captureCommand(),
		doctorCommand(),
		runCommand(line),
		peersCommand(line),
		simCommand(line),
		calibrateCommand(),
		exploreCommand(),
		traceCommand(),
		plotCommand(),
		reportCommand(),
		compareCommand(),
		mergeCommand(),
		besideCommand(),
		manCommand(),
	)
	root.PersistentPreRunE = func(cmd *cobra.Command, args []string) error { return usage.Files(cmd, args) }
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		for _, sub := range cmd.Commands() {
			sub.Args = usage.NoArgs
		}
		if cmd.Name() == "completion" {
			refuseUnknownShells(cmd)
		}
		if cmd.Args == nil {
			cmd.Args = usage.NoArgs
		}
	}
	return root
}

// dispatch does what args say and returns the exit status.
func dispatch(args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "help" {
		args = append(args[1:len(args):len(args)], "--help")
	}
	out := &output{w: stdout}
	root := newRoot(args, out, stderr)
	cmd, err := root.ExecuteC()
	if err != nil && cmd == root && !isOurs(err) {
		err = unknownCommand(root, args)
	}
	status := 0
	if err != nil && !errors.As(err, new(outputError)) {
		status = fail(stderr, cmd.CommandPath(), err)
	}
	if out.err != nil {
		status = max(fail(stderr, cmd.CommandPath(), out.err), status)
	}
	return status
}

// fail prints err as one line and returns the exit status it deserves.
func fail(stderr io.Writer, command string, err error) int {
	if status := exit(0); errors.As(err, &status) {
		return int(status)
	}
	fmt.Fprintf(stderr, "%s: %s\n", command, strings.ReplaceAll(err.Error(), "\n", "; "))
	switch {
	case errors.As(err, new(usage.Error)), errors.As(err, new(*harness.BusyError)), errors.As(err, new(*page.TraceError)):
		return 2
	case errors.Is(err, harness.ErrInterrupted):
		return 130
	}
	return 1
}

// isOurs reports whether an error is from this package and not from cobra. At the
// root, an error from cobra means that there is no such command.
func isOurs(err error) bool {
	return errors.As(err, new(usage.Error)) || errors.As(err, new(exit)) || errors.As(err, new(outputError))
}

func unknownCommand(root *cobra.Command, args []string) error {
	name := ""
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			name = a
			break
		}
	}
	return usage.Unknown("command", name, subcommands(root))
}

// subcommands returns the names of the commands of cmd that are not hidden.
func subcommands(cmd *cobra.Command) []string {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return names
}

// An exit is the status of a command that has already said why it failed.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// refuseUnknownShells makes the completion command fail without a shell that it
// knows. Cobra's own shows its help and succeeds.
func refuseUnknownShells(completion *cobra.Command) {
	completion.Args = cobra.ArbitraryArgs
	completion.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usage.Unknown("shell", args[0], subcommands(cmd))
		}
		return usage.Errorf("want a shell: %s", strings.Join(subcommands(cmd), ", "))
	}
}
