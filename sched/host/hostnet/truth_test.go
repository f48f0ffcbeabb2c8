package hostnet_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/host/hostnet"
)

// What connections, listeners and packet sockets say when they are closed, too late, or broken
// is found out by the same cases on package net's, by goroutines, and on ours, by Gs and by
// goroutines. All must say the same: the errors' fields too, since programs look at them. No
// case depends on who comes first.

// A maker is whose sockets a case runs on.
type maker interface {
	listen(network, address string) (net.Listener, error)
	dial(network, address string) (net.Conn, error)
	packet(network, address string) (net.PacketConn, error)
	all(fs ...func()) // runs them beside each other, and returns when all have returned
}

type goMaker struct{}

func (goMaker) listen(network, address string) (net.Listener, error) {
	return net.Listen(network, address)
}
func (goMaker) dial(network, address string) (net.Conn, error) { return net.Dial(network, address) }
func (goMaker) packet(network, address string) (net.PacketConn, error) {
	return net.ListenPacket(network, address)
}
func (goMaker) all(fs ...func()) {
	var wg sync.WaitGroup
	for _, f := range fs {
		wg.Go(f)
	}
	wg.Wait()
}

// An ourMaker makes ours for goroutines, which are no Gs.
type ourMaker struct{ goMaker }

func (ourMaker) listen(network, address string) (net.Listener, error) {
	return hostnet.Listen(network, address)
}
func (ourMaker) dial(network, address string) (net.Conn, error) {
	return hostnet.Dial(network, address)
}
func (ourMaker) packet(network, address string) (net.PacketConn, error) {
	return hostnet.ListenPacket(network, address)
}

// A gMaker makes ours for Gs.
type gMaker struct {
	ourMaker
	g *sched.G
}

func (m gMaker) all(fs ...func()) {
	var gr sched.Group
	for _, f := range fs {
		gr.Go(m.g, func(*sched.G) { f() })
	}
	gr.Wait(m.g)
}

// An account is what a case has seen.
type account struct {
	t     *testing.T
	names map[string]string // of addresses, whose ports and paths differ from run to run
	text  strings.Builder
}

// name has addr be called name.
func (a *account) name(addr net.Addr, name string) { a.names[addr.String()] = name }

func (a *account) addr(addr net.Addr) string {
	if addr == nil {
		return "nil"
	}
	if n, ok := a.names[addr.String()]; ok {
		return fmt.Sprintf("%T %s", addr, n)
	}
	return fmt.Sprintf("%T, unnamed", addr)
}

// saw notes what an operation has returned.
func (a *account) saw(what string, n int, err error) {
	fmt.Fprintf(&a.text, "\n\t\t%s: %d, ", what, n)
	if err == nil || err == io.EOF {
		fmt.Fprint(&a.text, err)
		return
	}
	if op, ok := err.(*net.OpError); ok {
		fmt.Fprintf(&a.text, "op %q net %q source %s addr %s ", op.Op, op.Net, a.addr(op.Source), a.addr(op.Addr))
		err = op.Err
	}
	fmt.Fprintf(&a.text, "%T %v", err, err)
	for _, known := range []error{net.ErrClosed, os.ErrClosed, os.ErrDeadlineExceeded, syscall.EPIPE, syscall.ECONNRESET, syscall.ECONNREFUSED} {
		if errors.Is(err, known) {
			fmt.Fprintf(&a.text, " (is %v)", known)
		}
	}
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		a.text.WriteString(" time-out")
	}
}

func (a *account) err(what string, err error) { a.saw(what, 0, err) }

func (a *account) read(what string, r io.Reader, size int) {
	n, err := r.Read(make([]byte, size))
	a.saw(what, n, err)
}

func (a *account) write(what string, w io.Writer, text string) {
	n, err := w.Write([]byte(text))
	a.saw(what, n, err)
}

func (a *account) accept(what string, l net.Listener) net.Conn {
	c, err := l.Accept()
	a.saw(what, 0, err)
	if (c == nil) != (err != nil) {
		fmt.Fprintf(&a.text, " and a connection %v", c)
	}
	return c
}

func (a *account) readFrom(what string, c net.PacketConn, size int) {
	n, from, err := c.ReadFrom(make([]byte, size))
	a.saw(what, n, err)
	fmt.Fprint(&a.text, " from ", a.addr(from))
}

func (a *account) writeTo(what string, c net.PacketConn, text string, to net.Addr) {
	n, err := c.WriteTo([]byte(text), to)
	a.saw(what, n, err)
}

// pair returns a listener and the two ends of a connection, of which the second was accepted.
func (a *account) pair(m maker, network, address string) (l net.Listener, c, d net.Conn) {
	l, err := m.listen(network, address)
	check(a.t, err)
	a.name(l.Addr(), "l")
	c, err = m.dial(network, l.Addr().String())
	check(a.t, err)
	d, err = l.Accept()
	check(a.t, err)
	if strings.HasPrefix(network, "tcp") {
		a.name(c.LocalAddr(), "c")
	}
	a.t.Cleanup(func() { l.Close(); c.Close(); d.Close() })
	return l, c, d
}

// packets returns two sockets.
func (a *account) packets(m maker, network, address string) (c, d net.PacketConn) {
	other := address
	if network == "unixgram" {
		other += "2"
	}
	c, err := m.packet(network, address)
	check(a.t, err)
	d, err = m.packet(network, other)
	check(a.t, err)
	a.name(c.LocalAddr(), "c")
	a.name(d.LocalAddr(), "d")
	a.t.Cleanup(func() { c.Close(); d.Close() })
	return c, d
}

type halfCloser interface {
	CloseRead() error
	CloseWrite() error
}

type lateListener interface{ SetDeadline(time.Time) error }

// streamTable is for networks whose sockets listen.
var streamTable = []struct {
	name string
	run  func(a *account, m maker, network, address string)
}{
	{"a closed connection", func(a *account, m maker, network, address string) {
		_, c, d := a.pair(m, network, address)
		for _, x := range []struct {
			name string
			net.Conn
		}{{"dialled", c}, {"accepted", d}} {
			a.err(x.name+" Close", x.Close())
			a.err("Close again", x.Close())
			a.read("Read", x, 1)
			a.read("Read nothing", x, 0)
			a.write("Write", x, "x")
			a.write("Write nothing", x, "")
			a.err("SetDeadline", x.SetDeadline(past))
			a.err("SetReadDeadline", x.SetReadDeadline(never))
			a.err("SetWriteDeadline", x.SetWriteDeadline(past))
			a.err("CloseRead", x.Conn.(halfCloser).CloseRead())
			a.err("CloseWrite", x.Conn.(halfCloser).CloseWrite())
			fmt.Fprint(&a.text, a.addr(x.LocalAddr()), a.addr(x.RemoteAddr()))
		}
	}},
	{"a closed listener", func(a *account, m maker, network, address string) {
		l, _, _ := a.pair(m, network, address)
		a.err("Close", l.Close())
		a.err("Close again", l.Close())
		a.accept("Accept", l)
		a.err("SetDeadline", l.(lateListener).SetDeadline(past))
		fmt.Fprint(&a.text, a.addr(l.Addr()))
	}},
	{"Accept and its deadline", func(a *account, m maker, network, address string) {
		l, _, _ := a.pair(m, network, address)
		set := func(t time.Time) { a.err("SetDeadline", l.(lateListener).SetDeadline(t)) }
		set(past)
		a.accept("Accept, late", l)
		c, err := m.dial(network, l.Addr().String())
		check(a.t, err)
		defer c.Close()
		a.accept("Accept of what is there, late", l)
		set(never)
		if d := a.accept("Accept, with none", l); d != nil {
			d.Close()
		}
		set(time.Now().Add(soon))
		a.accept("Accept, until its deadline", l)
	}},
	{"Accept until somebody sets a deadline", func(a *account, m maker, network, address string) {
		l, _, _ := a.pair(m, network, address)
		var err1, err2 error
		m.all(
			func() { _, err1 = l.Accept() },
			func() { _, err2 = l.Accept() },
			func() { l.(lateListener).SetDeadline(past) },
		)
		a.err("Accept", err1)
		a.err("the other", err2)
	}},
	{"Accept until somebody closes", func(a *account, m maker, network, address string) {
		l, _, _ := a.pair(m, network, address)
		var err1, err2, err3 error
		m.all(
			func() { _, err1 = l.Accept() },
			func() { _, err2 = l.Accept() },
			func() { err3 = l.Close() },
		)
		a.err("Accept", err1)
		a.err("the other", err2)
		a.err("Close", err3)
		a.accept("Accept again", l)
	}},
	{"two read until somebody sets a deadline", func(a *account, m maker, network, address string) {
		_, c, d := a.pair(m, network, address)
		var err1, err2 error
		m.all(
			func() { _, err1 = c.Read(make([]byte, 1)) },
			func() { _, err2 = c.Read(make([]byte, 1)) },
			func() { c.SetReadDeadline(past) },
		)
		a.err("Read", err1)
		a.err("the other", err2)
		a.write("the other end's Write", d, "x")
		a.err("SetReadDeadline", c.SetReadDeadline(never))
		a.read("Read", c, 2)
	}},
	{"two read until somebody closes", func(a *account, m maker, network, address string) {
		_, c, _ := a.pair(m, network, address)
		var err1, err2, err3 error
		m.all(
			func() { _, err1 = c.Read(make([]byte, 1)) },
			func() { _, err2 = c.Read(make([]byte, 1)) },
			func() { err3 = c.Close() },
		)
		a.err("Read", err1)
		a.err("the other", err2)
		a.err("Close", err3)
	}},
	{"two write what does not fit until somebody closes", func(a *account, m maker, network, address string) {
		_, c, _ := a.pair(m, network, address)
		var err1, err2, err3 error
		much := make([]byte, 64<<20)
		m.all(
			func() { _, err1 = c.Write(much) },
			func() { _, err2 = c.Write(much) },
			func() { err3 = c.Close() },
		)
		a.err("Write", err1)
		a.err("the other", err2)
		a.err("Close", err3)
	}},
	{"two write what does not fit until somebody sets a deadline", func(a *account, m maker, network, address string) {
		_, c, _ := a.pair(m, network, address)
		var err1, err2 error
		much := make([]byte, 64<<20)
		m.all(
			func() { _, err1 = c.Write(much) },
			func() { _, err2 = c.Write(much) },
			func() { c.SetWriteDeadline(past) },
		)
		a.err("Write", err1)
		a.err("the other", err2)
	}},
	{"late", func(a *account, m maker, network, address string) {
		_, c, d := a.pair(m, network, address)
		a.write("the other end's Write", d, "x")
		a.err("SetDeadline", c.SetDeadline(past))
		a.read("Read", c, 1)
		a.read("Read nothing", c, 0)
		a.write("Write", c, "x")
		a.write("Write nothing", c, "")
		a.err("SetDeadline", c.SetDeadline(never))
		a.read("Read", c, 1)
		a.read("Read nothing", c, 0)
		a.write("Write", c, "x")
		a.write("Write nothing", c, "")
		a.read("the other end's Read", d, 2)
	}},
	{"the other end is closed", func(a *account, m maker, network, address string) {
		_, c, d := a.pair(m, network, address)
		a.write("the other end's Write", d, "x")
		a.err("its Close", d.Close())
		a.read("Read", c, 2)
		a.read("Read", c, 2)
		a.read("Read nothing", c, 0)
	}},
	{"the other end is closed, and has not read all", func(a *account, m maker, network, address string) {
		_, c, d := a.pair(m, network, address)
		a.write("Write", c, "xy")
		a.read("the other end's Read", d, 1)
		a.err("its Close", d.Close())
		a.read("Read", c, 1)
		a.write("Write", c, "x")
		a.write("Write", c, "x")
		a.read("Read", c, 1)
		a.err("CloseWrite", c.(halfCloser).CloseWrite())
		a.err("Close", c.Close())
	}},
	{"half closed", func(a *account, m maker, network, address string) {
		_, c, d := a.pair(m, network, address)
		a.err("CloseWrite", c.(halfCloser).CloseWrite())
		a.write("Write", c, "x")
		a.read("the other end's Read", d, 1)
		a.write("its Write", d, "x")
		a.read("Read", c, 1)
		a.err("CloseRead", c.(halfCloser).CloseRead())
		a.read("Read", c, 1)
	}},
}

// packetTable is for networks of packets.
var packetTable = []struct {
	name string
	run  func(a *account, m maker, network, address string)
}{
	{"closed", func(a *account, m maker, network, address string) {
		c, d := a.packets(m, network, address)
		a.err("Close", c.Close())
		a.err("Close again", c.Close())
		a.readFrom("ReadFrom", c, 1)
		a.readFrom("ReadFrom of nothing", c, 0)
		a.writeTo("WriteTo", c, "x", d.LocalAddr())
		a.writeTo("WriteTo of nothing", c, "", d.LocalAddr())
		a.writeTo("WriteTo another kind of address", c, "x", &net.IPAddr{})
		a.writeTo("WriteTo no address", c, "x", nil)
		a.err("SetDeadline", c.SetDeadline(past))
		a.err("SetReadDeadline", c.SetReadDeadline(never))
		a.err("SetWriteDeadline", c.SetWriteDeadline(past))
		fmt.Fprint(&a.text, a.addr(c.LocalAddr()))
	}},
	{"late", func(a *account, m maker, network, address string) {
		c, d := a.packets(m, network, address)
		a.writeTo("the other's WriteTo", d, "xyz", c.LocalAddr())
		a.err("SetDeadline", c.SetDeadline(past))
		a.readFrom("ReadFrom", c, 1)
		a.readFrom("ReadFrom of nothing", c, 0)
		a.writeTo("WriteTo", c, "x", d.LocalAddr())
		a.err("SetDeadline", c.SetDeadline(never))
		a.readFrom("ReadFrom", c, 2)
		a.writeTo("WriteTo", c, "x", d.LocalAddr())
		a.writeTo("WriteTo of nothing", c, "", d.LocalAddr())
		a.readFrom("the other's ReadFrom", d, 2)
		a.readFrom("the other's ReadFrom", d, 2)
		a.err("SetReadDeadline", c.SetReadDeadline(time.Now().Add(soon)))
		a.readFrom("ReadFrom until the deadline", c, 2)
	}},
	{"two read until somebody closes", func(a *account, m maker, network, address string) {
		c, _ := a.packets(m, network, address)
		var err1, err2, err3 error
		m.all(
			func() { _, _, err1 = c.ReadFrom(make([]byte, 1)) },
			func() { _, _, err2 = c.ReadFrom(make([]byte, 1)) },
			func() { err3 = c.Close() },
		)
		a.err("ReadFrom", err1)
		a.err("the other", err2)
		a.err("Close", err3)
	}},
	{"two read until somebody sets a deadline", func(a *account, m maker, network, address string) {
		c, _ := a.packets(m, network, address)
		var err1, err2 error
		m.all(
			func() { _, _, err1 = c.ReadFrom(make([]byte, 1)) },
			func() { _, _, err2 = c.ReadFrom(make([]byte, 1)) },
			func() { c.SetDeadline(past) },
		)
		a.err("ReadFrom", err1)
		a.err("the other", err2)
	}},
	{"addresses that cannot be", func(a *account, m maker, network, address string) {
		c, _ := a.packets(m, network, address)
		a.writeTo("no address", c, "x", nil)
		a.writeTo("another kind", c, "x", &net.IPAddr{})
		a.writeTo("a nil UDP address", c, "x", (*net.UDPAddr)(nil))
		a.writeTo("a nil Unix address", c, "x", (*net.UnixAddr)(nil))
		a.writeTo("another family", c, "x", &net.UDPAddr{IP: net.ParseIP("fe80::1"), Port: 1})
		a.writeTo("no IP", c, "x", &net.UDPAddr{IP: net.IP{1, 2, 3}, Port: 1})
		a.writeTo("another network", c, "x", &net.UnixAddr{Name: "x", Net: "unix"})
		a.writeTo("nobody there", c, "x", &net.UnixAddr{Name: address + "nobody", Net: "unixgram"})
		a.writeTo("too much", c, strings.Repeat("x", 10<<20), c.LocalAddr())
	}},
	{"one that is connected, and whose other end is closed", func(a *account, m maker, network, address string) {
		_, d := a.packets(m, network, address)
		c, err := m.dial(network, d.LocalAddr().String())
		check(a.t, err)
		defer c.Close()
		a.name(c.LocalAddr(), "dialled")
		a.write("Write", c, "x")
		a.readFrom("the other's ReadFrom", d, 2)
		a.read("Read nothing", c, 0)
		a.err("the other's Close", d.Close())
		a.write("Write", c, "x")
		if network != "unixgram" { // there it would wait
			a.read("Read", c, 1)
		}
		a.err("SetDeadline", c.SetDeadline(past))
		a.read("Read", c, 1)
		a.read("Read nothing", c, 0)
		a.err("Close", c.Close())
		a.write("Write", c, "x")
		a.read("Read", c, 1)
		a.err("SetDeadline", c.SetDeadline(past))
	}},
}

// A truth is a case, and what package net says.
type truth struct {
	name, network, address string
	run                    func(a *account, m maker, network, address string)
	want                   string
}

func (c *truth) outcome(t *testing.T, m maker) string {
	address := c.address
	if strings.HasPrefix(c.network, "unix") {
		dir, err := os.MkdirTemp("", "") // t.TempDir may be too long for a socket's path
		check(t, err)
		defer os.RemoveAll(dir)
		address = filepath.Join(dir, "s")
	}
	a := &account{t: t, names: map[string]string{}}
	c.run(a, m, c.network, address)
	return strings.ReplaceAll(a.text.String(), address, "PATH")
}

func TestNetworksSayWhatGosSay(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("its errors are others, and it has no unixgram")
	}
	var truths []*truth
	for _, network := range []string{"tcp", "tcp4", "unix"} {
		for _, k := range streamTable {
			truths = append(truths, &truth{name: k.name, network: network, address: "127.0.0.1:0", run: k.run})
		}
	}
	for _, network := range []string{"udp", "udp4", "unixgram"} {
		for _, k := range packetTable {
			truths = append(truths, &truth{name: k.name, network: network, address: "127.0.0.1:0", run: k.run})
		}
	}
	for _, c := range truths {
		c.want = c.outcome(t, goMaker{})
	}
	compare := func(t *testing.T, m maker) {
		for _, c := range truths {
			if got := c.outcome(t, m); got != c.want {
				t.Errorf("%s, %s:\n\tours%s\n\tGo's%s", c.network, c.name, got, c.want)
			}
		}
	}
	t.Run("goroutines", func(t *testing.T) { compare(t, ourMaker{}) })
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) { compare(t, gMaker{g: g}) })
	})
}
