//go:build !linux

package hostnet

import (
	"errors"
	"net"
	"os"
	"time"

	"numasched/sched"
)

// A desc is what Go's poller waits for. Every operation that may wait is a system call of
// the G.
type desc struct {
	std           any    // what package net, or os, has made
	network       string // of its address
	label         string // what errors call it: the network that it was made for, such as tcp4
	local, remote net.Addr
}

func newDesc(std any, network, label string, local, remote net.Addr) (desc, error) {
	return desc{std, network, label, local, remote}, nil
}

func wait(f func()) {
	if g := sched.Current(); g != nil {
		g.Syscall(f)
		return
	}
	f()
}

func (d *desc) read(p []byte) (n int, err error) {
	wait(func() { n, err = d.std.(interface{ Read([]byte) (int, error) }).Read(p) })
	return n, d.opError("read", err)
}

func (d *desc) write(p []byte) (n int, err error) {
	wait(func() { n, err = d.std.(interface{ Write([]byte) (int, error) }).Write(p) })
	return n, d.opError("write", err)
}

// Accept implements [net.Listener].
func (l *Listener) Accept() (c net.Conn, err error) {
	wait(func() { c, err = l.std.(net.Listener).Accept() })
	if err != nil {
		return nil, err
	}
	return newConn(c, l.label)
}

// ReadFrom implements [net.PacketConn].
func (c *PacketConn) ReadFrom(p []byte) (n int, from net.Addr, err error) {
	wait(func() { n, from, err = c.std.(net.PacketConn).ReadFrom(p) })
	return n, from, err
}

// WriteTo implements [net.PacketConn].
func (c *PacketConn) WriteTo(p []byte, to net.Addr) (n int, err error) {
	wait(func() { n, err = c.std.(net.PacketConn).WriteTo(p, to) })
	return n, err
}

// CloseWrite shuts down the writing side.
func (c *Conn) CloseWrite() error {
	if std, ok := c.std.(interface{ CloseWrite() error }); ok {
		return std.CloseWrite()
	}
	return c.opError("close", errors.ErrUnsupported)
}

// CloseRead shuts down the reading side.
func (c *Conn) CloseRead() error {
	if std, ok := c.std.(interface{ CloseRead() error }); ok {
		return std.CloseRead()
	}
	return c.opError("close", errors.ErrUnsupported)
}

// Close implements [net.Conn].
func (d *desc) Close() error {
	if f, ok := d.std.(*os.File); ok {
		return d.opError("close", f.Close())
	}
	return d.std.(interface{ Close() error }).Close()
}

func (d *desc) setDeadline(t time.Time, read, write bool) error {
	std, ok := d.std.(interface {
		SetDeadline(time.Time) error
	})
	if both, all := d.std.(net.Conn); all {
		switch {
		case !write:
			return both.SetReadDeadline(t)
		case !read:
			return both.SetWriteDeadline(t)
		}
	}
	if !ok {
		return d.opError("set", errors.ErrUnsupported)
	}
	return std.SetDeadline(t)
}
