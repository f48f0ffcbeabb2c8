package main

import (
	"os/exec"
	"syscall"
)

const (
	terminate = syscall.SIGTERM
	hangUp    = syscall.SIGHUP
)

// endWithParent has the kernel end the child when the thread that makes it
// ends, also by a signal that this program cannot catch. The child has a
// process group of its own, so that Ctrl-C reaches it only through us.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
