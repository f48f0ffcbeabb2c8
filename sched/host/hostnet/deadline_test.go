package hostnet_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/host/hostnet"
)

// What deadlines and Close do to who waits is found out by the same cases on package net's
// connections, by goroutines, and on ours, by Gs. It must be the same.

// A side is one of the two.
type side interface {
	pair() (a, b net.Conn) // the two ends of a connection
	spawn(f func())        // f runs beside
	sleep(time.Duration)
}

type goSide struct{ t *testing.T }

func (s goSide) pair() (a, b net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(s.t, err)
	defer l.Close()
	a, err = net.Dial("tcp", l.Addr().String())
	check(s.t, err)
	b, err = l.Accept()
	check(s.t, err)
	return a, b
}

func (goSide) spawn(f func())        { go f() }
func (goSide) sleep(d time.Duration) { time.Sleep(d) }

type gSide struct {
	t *testing.T
	g *sched.G
}

func (s gSide) pair() (a, b net.Conn) {
	l, err := hostnet.Listen("tcp", "127.0.0.1:0")
	check(s.t, err)
	defer l.Close()
	a, err = hostnet.Dial("tcp", l.Addr().String())
	check(s.t, err)
	b, err = l.Accept()
	check(s.t, err)
	return a, b
}

func (s gSide) spawn(f func())      { s.g.Go(func(*sched.G) { f() }) }
func (gSide) sleep(d time.Duration) { sched.Current().Sleep(d) }

// kind says what kind of error err is.
func kind(n int, err error) string {
	var ne net.Error
	text := fmt.Sprint(n, " ")
	switch {
	case err == nil:
		return text + "ok"
	case err == io.EOF:
		return text + "EOF"
	case errors.Is(err, os.ErrDeadlineExceeded):
		text += "deadline"
	case errors.Is(err, net.ErrClosed):
		text += "closed"
	default:
		text += err.Error()
	}
	var op *net.OpError
	if errors.As(err, &op) {
		text += " in " + op.Op
	}
	if errors.As(err, &ne) && ne.Timeout() {
		text += ", a time-out"
	}
	return text
}

const soon = time.Millisecond

var past, never = time.Unix(1, 0), time.Time{}

var deadlineTable = []struct {
	name string
	run  func(s side, a, b net.Conn, saw func(string))
}{
	{"a read with a deadline that passes", func(s side, a, b net.Conn, saw func(string)) {
		a.SetReadDeadline(time.Now().Add(soon))
		saw(kind(a.Read(make([]byte, 1))))
		saw(kind(a.Read(make([]byte, 1))))
		saw(kind(a.Write([]byte("x"))))
	}},
	{"a read after its deadline, with data there", func(s side, a, b net.Conn, saw func(string)) {
		b.Write([]byte("x"))
		a.SetReadDeadline(past)
		saw(kind(a.Read(make([]byte, 1))))
		a.SetReadDeadline(never)
		saw(kind(a.Read(make([]byte, 1))))
	}},
	{"a write after its deadline", func(s side, a, b net.Conn, saw func(string)) {
		a.SetWriteDeadline(past)
		saw(kind(a.Write([]byte("x"))))
		a.SetWriteDeadline(time.Now().Add(time.Hour))
		saw(kind(a.Write([]byte("x"))))
	}},
	{"a write that nobody reads, with a deadline", func(s side, a, b net.Conn, saw func(string)) {
		s.spawn(func() {
			s.sleep(20 * soon)
			a.SetWriteDeadline(past)
		})
		n, err := a.Write(make([]byte, 64<<20))
		saw(fmt.Sprint(n < 64<<20) + kind(0, err))
	}},
	{"a deadline set while it waits", func(s side, a, b net.Conn, saw func(string)) {
		s.spawn(func() {
			s.sleep(soon)
			a.SetReadDeadline(past)
		})
		saw(kind(a.Read(make([]byte, 1))))
	}},
	{"a deadline put off while it waits", func(s side, a, b net.Conn, saw func(string)) {
		a.SetReadDeadline(time.Now().Add(time.Hour))
		s.spawn(func() {
			a.SetReadDeadline(time.Now().Add(2 * time.Hour))
			s.sleep(soon)
			b.Write([]byte("x"))
		})
		saw(kind(a.Read(make([]byte, 1))))
	}},
	{"a deadline brought forward while it waits", func(s side, a, b net.Conn, saw func(string)) {
		a.SetReadDeadline(time.Now().Add(time.Hour))
		s.spawn(func() {
			s.sleep(soon)
			a.SetReadDeadline(time.Now().Add(soon))
		})
		saw(kind(a.Read(make([]byte, 1))))
	}},
	{"both deadlines, then none", func(s side, a, b net.Conn, saw func(string)) {
		a.SetDeadline(past)
		saw(kind(a.Read(make([]byte, 1))))
		saw(kind(a.Write([]byte("x"))))
		a.SetDeadline(never)
		saw(kind(a.Write([]byte("x"))))
	}},
	{"close while a read waits", func(s side, a, b net.Conn, saw func(string)) {
		s.spawn(func() {
			s.sleep(soon)
			a.Close()
		})
		saw(kind(a.Read(make([]byte, 1))))
		saw(kind(a.Read(make([]byte, 1))))
		saw(kind(a.Write([]byte("x"))))
		saw(kind(0, a.Close()))
		saw(kind(0, a.SetDeadline(never)))
	}},
	{"the other end closes while a read waits", func(s side, a, b net.Conn, saw func(string)) {
		s.spawn(func() {
			s.sleep(soon)
			b.Close()
		})
		saw(kind(a.Read(make([]byte, 1))))
		saw(kind(a.Read(make([]byte, 1))))
	}},
	{"nothing to read or to write", func(s side, a, b net.Conn, saw func(string)) {
		saw(kind(a.Read(nil)))
		saw(kind(a.Write(nil)))
	}},
	{"two write at the same time", func(s side, a, b net.Conn, saw func(string)) {
		for range 2 {
			s.spawn(func() { a.Write(make([]byte, 1<<20)) })
		}
		n, err := io.ReadFull(b, make([]byte, 2<<20))
		saw(kind(n, err))
	}},
}

func TestDeadlinesDoWhatGosDo(t *testing.T) {
	outcome := func(i int, s side) string {
		var text strings.Builder
		a, b := s.pair()
		defer a.Close()
		defer b.Close()
		deadlineTable[i].run(s, a, b, func(seen string) { text.WriteString(seen + "; ") })
		return text.String()
	}
	var want []string
	for i := range deadlineTable {
		want = append(want, outcome(i, goSide{t}))
	}
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			for i, k := range deadlineTable {
				if got := outcome(i, gSide{t, g}); got != want[i] {
					t.Errorf("%s:\n\tours %s\n\tGo's %s", k.name, got, want[i])
				}
			}
		})
	})
}

// A listener's Accept ends when somebody closes the listener.
func TestCloseEndsAccept(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			for network, address := range streams(t) {
				l, err := hostnet.Listen(network, address)
				check(t, err)
				var closer sched.Group
				closer.Go(g, func(g *sched.G) {
					g.Sleep(soon)
					l.Close()
				})
				if c, err := l.Accept(); c != nil || !errors.Is(err, net.ErrClosed) {
					t.Errorf("%s: %v, %v", network, c, err)
				}
				closer.Wait(g) // Accept may return before the descriptor is closed, as Go's does
				if _, err := hostnet.Dial(network, l.Addr().String()); err == nil {
					t.Errorf("%s: the listener is still there", network)
				}
			}
		})
	})
}
