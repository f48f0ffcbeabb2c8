//go:build unix

package topology

import "golang.org/x/sys/unix"

// makeFIFO makes a FIFO, whose reader would wait for a writer.
func makeFIFO(name string) bool { return unix.Mkfifo(name, 0o666) == nil }
