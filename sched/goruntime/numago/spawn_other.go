//go:build !linux

package main

import (
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
)

// exeSuffix is what programs' names end with here.
var exeSuffix = map[bool]string{true: ".exe"}[runtime.GOOS == "windows"]

func spawnAll(nodes []node, args []string, stdout, stderr io.Writer) error {
	return errors.New("spawn: " + strings.ToUpper(runtime.GOOS[:1]) + runtime.GOOS[1:] + " cannot bind processes to nodes; Linux can")
}

func exitStatus(state *os.ProcessState) int { return state.ExitCode() }
