//go:build amd64 || arm64 || loong64 || ppc64 || ppc64le || riscv64 || s390x

package threadlock

import "unsafe"

const haveGetg = true

// getg returns the runtime's record of the calling goroutine.
func getg() unsafe.Pointer
