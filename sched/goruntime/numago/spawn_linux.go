package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"syscall"

	"numasched/numa"
)

const exeSuffix = ""

// passed are the signals that go on to every process.
var passed = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGCONT}

// spawnAll starts one process per node and waits for all. If one cannot be started the
// others are ended again.
func spawnAll(nodes []node, args []string, stdout, stderr io.Writer) error {
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, passed...)
	defer signal.Stop(signals)

	var out, errs sync.Mutex
	var procs []*exec.Cmd
	var writers []*prefixer
	var failed error
	for _, n := range nodes {
		line := n.commandFor(args)
		cmd := exec.Command(line[0], line[1:]...)
		prefix := fmt.Sprintf("node%d| ", n.id)
		o, e := &prefixer{w: stdout, lock: &out, prefix: prefix}, &prefixer{w: stderr, lock: &errs, prefix: prefix}
		cmd.Stdout, cmd.Stderr = o, e
		// A terminal's Ctrl-C goes to us alone, so that each process gets it once.
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := startOn(n, cmd); err != nil {
			failed = fmt.Errorf("spawn: node %d: %w", n.id, err)
			break
		}
		procs, writers = append(procs, cmd), append(writers, o, e)
	}
	if failed != nil {
		for _, p := range procs {
			p.Process.Signal(syscall.SIGTERM)
		}
	}

	ended := make(chan int)
	for _, p := range procs {
		go func() {
			p.Wait() // its error is in the exit status
			ended <- exitStatus(p.ProcessState)
		}()
	}
	status := 0
	for left := len(procs); left > 0; {
		select {
		case s := <-signals:
			for _, p := range procs {
				p.Process.Signal(s) // fails if it has ended
			}
		case s := <-ended:
			left--
			if status == 0 {
				status = s
			}
		}
	}
	for _, w := range writers {
		w.Flush()
	}
	switch {
	case failed != nil:
		return failed
	case status != 0:
		return exitError(status)
	}
	return nil
}

// startOn starts a process from a thread that is bound to the node for the moment. The
// process inherits that.
func startOn(n node, cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	mask, err := numa.Affinity(0)
	if err != nil {
		return err
	}
	if err := numa.SetAffinity(0, n.cpus); err != nil {
		return err
	}
	defer numa.SetAffinity(0, mask)
	// Where containers forbid a policy, or a kernel has no nodes, first touch does the same.
	if policy, err := numa.CurrentPolicy(); err == nil {
		numa.SetPolicy(numa.Policy{Mode: numa.Preferred, Nodes: []int{n.id}})
		defer numa.SetPolicy(policy)
	}
	return cmd.Start()
}

// exitStatus is a process's exit status as a shell tells it.
func exitStatus(state *os.ProcessState) int {
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return state.ExitCode()
}
