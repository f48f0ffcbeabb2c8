//go:build !linux

package workload

import "time"

// blockFor blocks the caller. Here it is not a system call, but as long.
func blockFor(d time.Duration) { time.Sleep(d) }
