package hostnet

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"numasched/sched"
)

// A Conn is a connection: [net.Conn], and half of it can be closed.
type Conn struct{ desc }

// A Listener is a [net.Listener].
type Listener struct{ desc }

// A PacketConn is a [net.PacketConn].
type PacketConn struct{ desc }

// A Pipe is one end of a pipe.
type Pipe struct{ desc }

var (
	_ net.Conn           = (*Conn)(nil)
	_ net.Listener       = (*Listener)(nil)
	_ net.PacketConn     = (*PacketConn)(nil)
	_ io.ReadWriteCloser = (*Pipe)(nil)
)

// Listen is [net.Listen], for TCP and Unix stream sockets.
func Listen(network, address string) (*Listener, error) {
	l, err := inSyscall(func() (net.Listener, error) { return net.Listen(network, address) })
	if err != nil {
		return nil, err
	}
	return newListener(l, network)
}

// NewListener takes over l, a listener that package net has made. Do not use l afterwards.
func NewListener(l net.Listener) (*Listener, error) { return newListener(l, l.Addr().Network()) }

func newListener(l net.Listener, label string) (*Listener, error) {
	d, err := newDesc(l, l.Addr().Network(), label, l.Addr(), nil)
	return &Listener{d}, err
}

// Dial is [net.Dial], for connections and for UDP.
func Dial(network, address string) (*Conn, error) {
	return DialContext(context.Background(), network, address)
}

// DialHTTP is [DialContext] for the field DialContext of an [net/http.Transport].
func DialHTTP(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// DialContext is Dial with a context.
func DialContext(ctx context.Context, network, address string) (*Conn, error) {
	c, err := inSyscall(func() (net.Conn, error) { return new(net.Dialer).DialContext(ctx, network, address) })
	if err != nil {
		return nil, err
	}
	return newConn(c, network)
}

// NewConn takes over c, a connection that package net has made. Do not use c afterwards.
func NewConn(c net.Conn) (*Conn, error) { return newConn(c, c.LocalAddr().Network()) }

func newConn(c net.Conn, label string) (*Conn, error) {
	d, err := newDesc(c, c.LocalAddr().Network(), label, c.LocalAddr(), c.RemoteAddr())
	return &Conn{d}, err
}

// ListenPacket is [net.ListenPacket], for UDP and Unix datagram sockets.
func ListenPacket(network, address string) (*PacketConn, error) {
	c, err := inSyscall(func() (net.PacketConn, error) { return net.ListenPacket(network, address) })
	if err != nil {
		return nil, err
	}
	d, err := newDesc(c, c.LocalAddr().Network(), network, c.LocalAddr(), nil)
	return &PacketConn{d}, err
}

// NewPipe returns the two ends of a pipe.
func NewPipe() (r, w *Pipe, err error) {
	rf, wf, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	rd, err := newDesc(rf, "pipe", rf.Name(), nil, nil)
	if err != nil {
		wf.Close()
		return nil, nil, err
	}
	wd, err := newDesc(wf, "pipe", wf.Name(), nil, nil)
	if err != nil {
		rd.Close()
		return nil, nil, err
	}
	return &Pipe{rd}, &Pipe{wd}, nil
}

// inSyscall calls f, which may block, as a system call if a G calls. If that G is cancelled
// meanwhile, nobody gets what f has made, so it is closed.
func inSyscall[T any](f func() (T, error)) (v T, err error) {
	g := sched.Current()
	if g == nil {
		return f()
	}
	returned := false
	defer func() {
		if c, ok := any(v).(io.Closer); ok && !returned && err == nil {
			c.Close()
		}
	}()
	g.Syscall(func() { v, err = f() })
	returned = true
	return v, err
}

// opError says what failed, as package net says it, or, for a pipe, as package os does.
func (d *desc) opError(op string, err error) error { return d.opErrorTo(op, d.remote, err) }

// opErrorTo is opError of an operation with what is at to.
func (d *desc) opErrorTo(op string, to net.Addr, err error) error {
	switch e := err.(type) {
	case nil, *os.PathError:
		return err
	case *net.OpError: // of package net's own, whose addresses need not be ours
		err = e.Err
	}
	if err == io.EOF {
		return err
	}
	if d.network == "pipe" {
		if err == sched.ErrPollClosed || err == net.ErrClosed {
			err = os.ErrClosed
			if op == "set" {
				return errFileClosing
			}
		}
		return &os.PathError{Op: op, Path: d.label, Err: err}
	}
	if err == sched.ErrPollClosed || err == os.ErrClosed {
		err = net.ErrClosed
	}
	source := d.local
	switch {
	case op == "set" && d.listens():
		return err
	case op == "set" || d.listens():
		source, to = nil, d.local
	}
	return &net.OpError{Op: op, Net: d.label, Source: source, Addr: to, Err: err}
}

// errFileClosing is what package os says of a deadline of a closed file.
var errFileClosing = errors.New("use of closed file")

// listens reports whether d is a listener's.
func (d *desc) listens() bool {
	return d.remote == nil && d.network != "udp" && d.network != "unixgram" && d.network != "pipe"
}

// LocalAddr implements [net.Conn].
func (d *desc) LocalAddr() net.Addr { return d.local }

// RemoteAddr implements [net.Conn].
func (d *desc) RemoteAddr() net.Addr { return d.remote }

// Addr implements [net.Listener].
func (l *Listener) Addr() net.Addr { return l.local }

// Read implements [net.Conn].
func (c *Conn) Read(p []byte) (int, error) { return c.read(p) }

// Write implements [net.Conn].
func (c *Conn) Write(p []byte) (int, error) { return c.write(p) }

// Read implements [io.Reader].
func (p *Pipe) Read(b []byte) (int, error) { return p.read(b) }

// Write implements [io.Writer].
func (p *Pipe) Write(b []byte) (int, error) { return p.write(b) }

// SetDeadline implements [net.Conn].
func (d *desc) SetDeadline(t time.Time) error { return d.setDeadline(t, true, true) }

// SetReadDeadline implements [net.Conn].
func (d *desc) SetReadDeadline(t time.Time) error { return d.setDeadline(t, true, false) }

// SetWriteDeadline implements [net.Conn].
func (d *desc) SetWriteDeadline(t time.Time) error { return d.setDeadline(t, false, true) }
