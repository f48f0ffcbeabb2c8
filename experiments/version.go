package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"numasched/experiments/harness"
)

// version says which program this is: its version, the commit that it was built
// from, and Go's release and system.
func version() string {
	release := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		release = info.Main.Version
	}
	b := harness.ThisBuild()
	changed := ""
	if b.Modified {
		changed = ", with changes"
	}
	if b.Why != "" {
		changed = ": " + b.Why
	}
	return fmt.Sprintf("experiments %s\ncommit %s%s\n%s %s/%s", release, b.Commit, changed, b.Go, runtime.GOOS, runtime.GOARCH)
}
