package hostnet

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"numasched/sched"
	"numasched/sched/host"
)

// A desc is a descriptor that does not block. It is a pointer so that Conn and its like may
// be made with one.
type desc struct{ *file }

// A file is an open descriptor of the kernel.
type file struct {
	fd            int
	network       string // of its address
	label         string // what errors call it: the network that it was made for, such as tcp4
	local, remote net.Addr
	unlink        string // the path of a Unix socket that Close removes
	stream        bool   // reading 0 bytes means the end

	// uses counts operations under way, and 1 more until Close. The descriptor is closed
	// when the last has ended, so that no operation meets another file of the same number.
	uses   atomic.Int32
	closed atomic.Bool
	gone   chan struct{} // of a listener: closed with the descriptor, see close

	// poll and std are set once, under mu. Who finds them need not take it.
	poll atomic.Pointer[poll]    // of Gs; nil until one uses the descriptor
	std  atomic.Pointer[standIn] // for goroutines that are no Gs; nil until one does

	mu       sync.Mutex // is never held while a G waits
	deadline [2]time.Time
}

// A poll is how Gs of one scheduler wait for a file.
type poll struct {
	s    *sched.Sched
	pd   *sched.PollDesc
	id   atomic.Uint64  // at the poller, 0 until a G has to wait; set under file.mu
	busy [2]sched.Mutex // held while a G reads, or writes: one at a time, as in package net

	// See readAs.
	drained bool        // by the last read; under busy
	ends    atomic.Bool // the poller has told of more than bytes
}

// newDesc takes over what package net, or os, has made. label is what errors call it.
func newDesc(std any, network, label string, local, remote net.Addr) (desc, error) {
	closer := std.(io.Closer)
	f := &file{network: network, label: label, local: local, remote: remote, stream: network != "udp" && network != "unixgram"}
	if l, ok := std.(*net.UnixListener); ok && local.String() != "" && local.String()[0] != '@' {
		l.SetUnlinkOnClose(false)
		f.unlink = local.String()
	}
	err := errNotFile
	if sc, ok := std.(syscall.Conn); ok {
		var rc syscall.RawConn
		if rc, err = sc.SyscallConn(); err == nil {
			var dupErr error
			err = rc.Control(func(fd uintptr) { f.fd, dupErr = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) })
			if err == nil {
				err = dupErr
			}
		}
	}
	closer.Close()
	if err != nil {
		return desc{f}, f.opError("take over", err)
	}
	if (&desc{f}).listens() {
		f.gone = make(chan struct{})
	}
	f.open()
	return desc{f}, nil
}

var errNotFile = fmt.Errorf("not made by package net: want a TCP, UDP or Unix socket of its own")

func (f *file) opError(op string, err error) error { return (&desc{f}).opError(op, err) }

// open makes the file one that is closed when nobody refers to it any more.
func (f *file) open() {
	f.uses.Store(1)
	runtime.SetFinalizer(f, func(f *file) { f.close() })
}

// use begins an operation. It returns false if the file is closed.
func (f *file) use() bool {
	for {
		n := f.uses.Load()
		if n == 0 || f.closed.Load() {
			return false
		}
		if f.uses.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (f *file) unuse() {
	if f.uses.Add(-1) == 0 {
		unix.Close(f.fd)
		if f.gone != nil {
			close(f.gone)
		}
	}
}

// polled returns how g waits for the file. It is nil if g has to wait in Go's poller.
func (f *file) polled(g *sched.G) (*poll, error) {
	p := f.poll.Load()
	if p == nil {
		var err error
		if p, err = f.makePoll(g); p == nil {
			return nil, err
		}
	}
	if p.s != g.Sched() {
		return nil, nil
	}
	return p, nil
}

// makePoll makes f.poll, unless there is one, and returns it. It returns nil if there is no
// poller.
func (f *file) makePoll(g *sched.G) (*poll, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed.Load() { // close may have looked for a poll already, to evict who waits
		return nil, net.ErrClosed
	}
	if p := f.poll.Load(); p != nil {
		return p, nil
	}
	pd, err := g.OpenPoll()
	if pd == nil || err != nil {
		return nil, nil
	}
	p := &poll{s: g.Sched(), pd: pd}
	for mode, t := range f.deadline {
		p.setDeadline(g, sched.PollMode(mode), t)
	}
	f.poll.Store(p)
	return p, nil
}

// errUnpolled says that the poller does not take the descriptor.
var errUnpolled = errors.New("the poller does not take the descriptor")

// register has p's poller tell of the file, if it does not do so yet. What is ready already it
// tells at once. A file for which no G has to wait is never registered: so a connection whose
// requests goroutines read, and whose answers Gs write, wakes no M.
func (f *file) register(p *poll) error {
	if p.id.Load() != 0 {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.id.Load() != 0 || f.closed.Load() { // if it is closed p's wait says so
		return nil
	}
	id, err := p.pd.Poller().(*host.Poller).Open(f.fd, p.pd, &p.ends)
	if err != nil {
		return errUnpolled
	}
	p.id.Store(id)
	return nil
}

// do tries call, which is a system call, until it does not fail with EAGAIN, and has g wait
// in between.
func (f *file) do(p *poll, g *sched.G, mode sched.PollMode, call func() error) error {
	p.busy[mode].Lock(g)
	err := p.pd.Prepare(g, mode)
	for err == nil {
		if err = call(); err == nil {
			break
		}
		err = f.waitFor(p, g, mode, err)
	}
	p.busy[mode].Unlock(g)
	return err
}

// operate does an operation: a system call, named name, again and again if a G may wait for
// the file, and otherwise native. It returns what opError is to be told.
func (f *file) operate(name string, mode sched.PollMode, call func() error, native func(std any) error) error {
	g := sched.Current()
	p, err := f.begin(g)
	if err != nil {
		return err
	}
	defer f.unuse()
	if p != nil {
		if err := f.do(p, g, mode, call); err != errUnpolled {
			return f.syscallError(name, err)
		}
	}
	return f.natively(g, native)
}

// begin begins an operation of g, which may be nil. unuse ends it. It returns how g waits for the
// file; nil if it cannot.
func (f *file) begin(g *sched.G) (*poll, error) {
	if !f.use() {
		return nil, net.ErrClosed
	}
	if g == nil {
		return nil, nil
	}
	p, err := f.polled(g)
	if err != nil {
		f.unuse()
	}
	return p, err
}

// failed says of a system call what opError says.
func (f *file) failed(op string, err error) error { return f.opError(op, f.syscallError(op, err)) }

// syscallError names the system call that failed with err, as package net does, and package os
// does not.
func (f *file) syscallError(name string, err error) error {
	if errno, ok := err.(unix.Errno); ok && f.network != "pipe" {
		return os.NewSyscallError(name, errno)
	}
	return err
}

// natively has Go's poller wait. g is the G that calls, or nil.
func (f *file) natively(g *sched.G, native func(std any) error) error {
	n, err := f.native()
	if err != nil {
		return err
	}
	if g != nil {
		g.Syscall(func() { err = native(n.std) })
		return err
	}
	return native(n.std)
}

// Accept implements [net.Listener].
func (l *Listener) Accept() (net.Conn, error) {
	f := l.file
	var c net.Conn
	err := f.operate("accept4", sched.PollRead, func() error {
		fd, from, err := unix.Accept4(f.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			if err == unix.ECONNABORTED {
				err = unix.EINTR // it was gone before it was accepted: try again
			}
			return err
		}
		c = f.accepted(fd, from)
		return nil
	}, func(std any) error {
		nc, err := std.(net.Listener).Accept()
		if err == nil {
			c, err = newConn(nc, f.label)
		}
		return err
	})
	if err != nil {
		return nil, f.opError("accept", err)
	}
	return c, nil
}

// keepAlive is in seconds, as in package net.
const keepAlive = 15

// accepted makes a Conn of a new descriptor of the listener l, with the options that package net
// gives it.
func (l *file) accepted(fd int, from unix.Sockaddr) *Conn {
	network := l.network
	f := &file{fd: fd, network: network, label: l.label, stream: true, remote: toAddr(network, from)}
	if to, err := unix.Getsockname(fd); err == nil {
		f.local = toAddr(network, to)
	}
	if network == "tcp" {
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, keepAlive)
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, keepAlive)
	}
	f.open()
	return &Conn{desc{f}}
}

// ReadFrom implements [net.PacketConn].
func (c *PacketConn) ReadFrom(p []byte) (n int, from net.Addr, err error) {
	f := c.file
	err = f.operate("recvfrom", sched.PollRead, func() error {
		k, sa, err := unix.Recvfrom(f.fd, p, 0)
		if err == nil {
			n, from = k, sender(f.network, sa)
		}
		return err
	}, func(std any) (err error) {
		n, from, err = std.(net.PacketConn).ReadFrom(p)
		return err
	})
	return n, from, f.opError("read", err)
}

// WriteTo implements [net.PacketConn].
func (c *PacketConn) WriteTo(p []byte, to net.Addr) (n int, err error) {
	f := c.file
	sa, err := fromAddr(f.local, to)
	if err != nil {
		if err == errMissingAddress {
			to = nil // package net has nothing here, rather than a nil *net.UDPAddr
		}
		return 0, (&desc{f}).opErrorTo("write", to, err)
	}
	err = f.operate("sendto", sched.PollWrite, func() error {
		err := unix.Sendto(f.fd, p, 0, sa)
		if err == nil {
			n = len(p)
		}
		return err
	}, func(std any) (err error) {
		n, err = std.(net.PacketConn).WriteTo(p, to)
		return err
	})
	return n, (&desc{f}).opErrorTo("write", to, err)
}

// CloseWrite shuts down the writing side.
func (c *Conn) CloseWrite() error { return c.shutdown(unix.SHUT_WR) }

// CloseRead shuts down the reading side.
func (c *Conn) CloseRead() error { return c.shutdown(unix.SHUT_RD) }

func (f *file) shutdown(how int) error {
	if !f.use() {
		return f.opError("close", net.ErrClosed)
	}
	defer f.unuse()
	return f.opError("close", os.NewSyscallError("shutdown", unix.Shutdown(f.fd, how)))
}

// Close implements [net.Conn]. Who waits gets [net.ErrClosed].
func (f *file) Close() error {
	if !f.close() {
		return f.opError("close", net.ErrClosed)
	}
	return nil
}

func (f *file) close() (first bool) {
	if f.closed.Swap(true) {
		return false
	}
	if f.unlink != "" {
		os.Remove(f.unlink)
	}
	runtime.SetFinalizer(f, nil)
	f.mu.Lock()
	p, n := f.poll.Load(), f.std.Load()
	f.mu.Unlock()
	if p != nil {
		p.pd.Evict(p.caller())
		if id := p.id.Load(); id != 0 {
			p.pd.Poller().(*host.Poller).Forget(f.fd, id)
		}
	}
	if n != nil {
		if l, ok := n.std.(*net.UnixListener); ok {
			l.SetUnlinkOnClose(false)
		}
		n.std.(io.Closer).Close()
	}
	f.unuse()
	if f.gone != nil {
		f.awaitGone()
	}
	return true
}

// caller returns the G that calls, if it is one of p's scheduler, or nil.
func (p *poll) caller() *sched.G {
	if g := sched.Current(); g != nil && g.Sched() == p.s {
		return g
	}
	return nil
}

func (f *file) setDeadline(t time.Time, read, write bool) error {
	if f.closed.Load() {
		return f.opError("set", net.ErrClosed)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for mode, set := range [2]bool{read, write} {
		if !set || t == f.deadline[mode] { // net/http says several times for each request that there is none
			continue
		}
		f.deadline[mode] = t
		if p := f.poll.Load(); p != nil {
			p.setDeadline(p.caller(), sched.PollMode(mode), t)
		}
		if n := f.std.Load(); n != nil {
			n.setDeadline(sched.PollMode(mode), t)
		}
	}
	return nil
}

func (p *poll) setDeadline(g *sched.G, mode sched.PollMode, t time.Time) {
	p.pd.SetDeadline(g, mode, time.Until(t), t.IsZero())
}
