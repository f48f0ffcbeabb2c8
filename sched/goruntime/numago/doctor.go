package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"numasched/numa"
	"numasched/sched/goruntime/overlay"
	"numasched/topology"
)

// doctor says what is supported here, and what a program built by numago would do if
// GONUMA is not set. It fails if the toolchain is not supported.
func doctor(stdout io.Writer) error {
	say := func(what, format string, args ...any) {
		fmt.Fprintf(stdout, "%-10s %s\n", what, fmt.Sprintf(format, args...))
	}
	t, err := findToolchain("")
	if err != nil {
		say("toolchain", "%v", err)
		if runtime.GOOS == "linux" {
			machine(say) // spawn needs no toolchain
		}
		return exitError(1)
	}
	unsupported := overlay.Check(t.release(), os.DirFS(filepath.Join(t.GOROOT, "src", "runtime")))
	var changed *overlay.UnsupportedError
	switch {
	case unsupported == nil:
		say("toolchain", "%s in %s: supported", t.GOVERSION, t.GOROOT)
	case errors.As(unsupported, &changed):
		say("toolchain", "%s in %s: not supported: %d declarations of the runtime changed: %s", t.GOVERSION, t.GOROOT, len(changed.Changed), strings.Join(changed.Changed, ", "))
		say("", "reviewed are %s; set GOTOOLCHAIN to one of them", strings.Join(overlay.Releases(), ", "))
	default:
		say("toolchain", "%v", unsupported)
	}
	if err := parseGoArgs(nil).refuse(t.GOFLAGS); err != nil {
		say("GOFLAGS", "refused: %v", err)
	}
	switch {
	case t.GOOS != "linux" || t.GOARCH != "amd64" && t.GOARCH != "arm64":
		say("target", "%s/%s: programs are as with go; nodes are told apart on linux/amd64 and linux/arm64", t.GOOS, t.GOARCH)
	case runtime.GOOS != "linux":
		say("target", "%s/%s", t.GOOS, t.GOARCH)
	default:
		machine(say)
	}
	if t.CGO_ENABLED == "1" {
		say("cgo", "enabled: a program that uses it stands down unless GONUMA is set; CGO_ENABLED=0 avoids it where only net or os/user wants cgo")
	}
	if unsupported != nil {
		return exitError(1)
	}
	return nil
}

// machine says what this machine and this process's own mask and policy allow.
func machine(say func(what, format string, args ...any)) {
	top, err := topology.Host()
	if err != nil {
		say("machine", "%v", err)
		return
	}
	var why []string
	usable := usableNodes(top)
	for _, n := range usable {
		say("node "+fmt.Sprint(n.id), "CPUs %v", n.cpus)
	}
	if len(usable) < 2 {
		why = append(why, "there is one node")
	}
	if !top.Allowed.Equal(top.Online) {
		why = append(why, fmt.Sprintf("the CPU mask is narrowed to %v of %v", top.Allowed, top.Online))
	}
	if p, err := numa.CurrentPolicy(); err == nil && p.Mode != numa.Default {
		why = append(why, fmt.Sprintf("there is a memory policy, %v", p))
	}
	if len(why) == 0 {
		say("GONUMA", "unset: on")
	} else {
		say("GONUMA", "unset: off, since %s", strings.Join(why, ", and "))
	}
	if v, ok := os.LookupEnv("GONUMA"); ok {
		say("", "but it is set to %q here", v)
	}
}
