package harness

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Version says which program this is: its version, the commit that it was built
// from, and Go's release and system.
func Version() string {
	release := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		release = info.Main.Version
	}
	b := ThisBuild()
	changed := ""
	if b.Modified {
		changed = ", with changes"
	}
	if b.Why != "" {
		changed = ": " + b.Why
	}
	return fmt.Sprintf("experiments %s\ncommit %s%s\n%s %s/%s", release, b.Commit, changed, b.Go, runtime.GOOS, runtime.GOARCH)
}
