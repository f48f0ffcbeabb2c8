package hostnet

import (
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"numasched/sched"
)

// How goroutines that are no Gs use a file: through a duplicate of its descriptor, which package
// net, or os, has.

// A standIn is what package net, or os, has for a file. What it cannot do is nil.
type standIn struct {
	std   any
	read  io.Reader
	write io.Writer
	limit deadlines
}

// deadlines are those of what package net, or os, has.
type deadlines interface {
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// A listenerLimit is the one deadline of a listener, that of Accept.
type listenerLimit struct {
	l interface{ SetDeadline(time.Time) error }
}

func (l listenerLimit) SetReadDeadline(t time.Time) error  { return l.l.SetDeadline(t) }
func (l listenerLimit) SetWriteDeadline(t time.Time) error { return nil }

func newStandIn(std any) *standIn {
	n := &standIn{std: std}
	n.read, _ = std.(io.Reader)
	n.write, _ = std.(io.Writer)
	switch c := std.(type) {
	case deadlines:
		n.limit = c
	case interface{ SetDeadline(time.Time) error }:
		n.limit = listenerLimit{c}
	}
	return n
}

func (n *standIn) setDeadline(mode sched.PollMode, t time.Time) {
	switch {
	case n.limit == nil:
	case mode == sched.PollRead:
		n.limit.SetReadDeadline(t)
	default:
		n.limit.SetWriteDeadline(t)
	}
}

// native returns what package net, or os, has for the file: for goroutines that are no Gs. Whoever
// closes the file takes mu after he has said so, and before the descriptor is closed.
func (f *file) native() (*standIn, error) {
	if n := f.std.Load(); n != nil {
		return n, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.std.Load(); n != nil {
		return n, nil
	}
	if f.closed.Load() {
		return nil, net.ErrClosed
	}
	fd, err := unix.FcntlInt(uintptr(f.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	of := os.NewFile(uintptr(fd), f.label)
	var std any
	switch {
	case f.network == "pipe":
		std = of
	case f.remote != nil:
		std, err = net.FileConn(of)
	case f.stream:
		std, err = net.FileListener(of)
	default:
		std, err = net.FilePacketConn(of)
	}
	if f.network != "pipe" {
		of.Close()
	}
	if err != nil {
		return nil, err
	}
	n := newStandIn(std)
	for mode, t := range f.deadline {
		n.setDeadline(sched.PollMode(mode), t)
	}
	f.std.Store(n)
	return n, nil
}
