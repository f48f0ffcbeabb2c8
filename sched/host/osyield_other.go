//go:build !linux

package host

import "runtime"

func osyield() { runtime.Gosched() }
