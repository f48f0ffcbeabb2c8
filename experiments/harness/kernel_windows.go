package harness

import (
	"fmt"
	"time"

	"golang.org/x/sys/windows"
)

func kernelRelease() string {
	v := windows.RtlGetVersion()
	return fmt.Sprintf("Windows %d.%d.%d", v.MajorVersion, v.MinorVersion, v.BuildNumber)
}

// ownCPUTime is only asked for where machineCPUTime is known.
func ownCPUTime() time.Duration { return 0 }
