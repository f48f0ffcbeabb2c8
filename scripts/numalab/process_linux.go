package main

import (
	"os/exec"
	"syscall"
)

const (
	terminate = syscall.SIGTERM
	hangUp    = syscall.SIGHUP
)

// endWithParent makes the kernel end the child when the thread that starts it ends,
// even by a signal that this program cannot catch. The child gets its own process
// group, so that Ctrl-C in a terminal reaches only this program.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
