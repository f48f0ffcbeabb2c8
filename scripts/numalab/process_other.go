//go:build !linux

package main

import (
	"os/exec"
	"syscall"
)

const (
	terminate = syscall.SIGTERM
	hangUp    = syscall.SIGHUP
)

func endWithParent(cmd *exec.Cmd) {}

// guest is the role of a Linux machine's process 1.
func guest() { panic("numalab: process 1 of a virtual machine runs Linux") }
