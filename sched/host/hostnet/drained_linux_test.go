package hostnet

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"numasched/sched"
)

// After a read that got less than it had room for the next one waits for news: see readAs. Here
// there is something to be read then that may be no news any more.
func TestAReadAfterAShortOneGetsWhatThereIs(t *testing.T) {
	for name, c := range map[string]struct {
		send func(t *testing.T, c *net.TCPConn)
		late bool   // the time for the first read is over
		want string // read by read
	}{
		"more than there is room for": {
			send: func(t *testing.T, c *net.TCPConn) { send(t, c, "abcdefghij", 0) },
			want: "abcd efgh ij",
		},
		"the end, in one piece with the last bytes": {
			send: func(t *testing.T, c *net.TCPConn) {
				send(t, c, "a", unix.MSG_MORE)
				c.CloseWrite()
			},
			want: "a EOF EOF",
		},
		"an error, behind the last bytes": {
			send: func(t *testing.T, c *net.TCPConn) {
				send(t, c, "a", 0)
				c.SetLinger(0)
				c.Close()
			},
			want: "a reset EOF",
		},
		"bytes behind an urgent one": {
			send: func(t *testing.T, c *net.TCPConn) {
				send(t, c, "a", 0)
				send(t, c, "!", unix.MSG_OOB)
				send(t, c, "b", 0)
			},
			want: "a b",
		},
		"bytes that came while reads were late": {
			send: func(t *testing.T, c *net.TCPConn) { send(t, c, "a", 0) },
			late: true,
			want: "late a",
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := newSched(t).Run(func(g *sched.G) {
				conn, other := emptied(t, g)
				defer conn.Close()
				defer other.Close()
				c.send(t, other)
				g.Sleep(20 * time.Millisecond) // for the poller to tell of it, once
				var got []string
				for range strings.Fields(c.want) {
					limit := time.Now().Add(10 * time.Second)
					if len(got) == 0 && c.late {
						limit = time.Unix(1, 0)
					}
					conn.SetReadDeadline(limit)
					got = append(got, readText(conn))
				}
				if got := strings.Join(got, " "); got != c.want {
					t.Errorf("read %q, want %q", got, c.want)
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// What has come to an emptied connection is read at once though others are queued for the only P.
func TestAReadOfWhatHasComeWaitsForNobody(t *testing.T) {
	err := newSched(t).Run(func(g *sched.G) {
		conn, other := emptied(t, g)
		defer conn.Close()
		defer other.Close()
		yields, stop := 0, false
		defer func() { stop = true }()
		for range 3 {
			g.Go(func(g *sched.G) {
				for ; !stop; yields++ {
					g.Yield()
				}
			})
		}
		for range 20 {
			g.Yield()
			if !conn.poll.Load().drained {
				t.Error("the next read would try before it waits, whatever is queued")
			}
			sendAndAwait(t, conn, other, "abc")
			before := yields
			if got := readText(conn); got != "abc" || yields != before {
				t.Errorf("read %q after %d yields of others, want abc after none", got, yields-before)
			}
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// A G that is locked to its thread may read from an emptied connection what has come: it need
// not block.
func TestALockedGReadsWhatHasCome(t *testing.T) {
	err := newSched(t).Run(func(g *sched.G) {
		conn, other := emptied(t, g)
		defer conn.Close()
		defer other.Close()
		sendAndAwait(t, conn, other, "abc")
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if got := readText(conn); got != "abc" {
			t.Errorf("read %q, want abc", got)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// sendAndAwait returns when what other has sent can be read from conn. The caller keeps its P.
func sendAndAwait(t *testing.T, conn *Conn, other *net.TCPConn, text string) {
	send(t, other, text, 0)
	fds := []unix.PollFd{{Fd: int32(conn.fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, 10_000)
		if err == unix.EINTR {
			continue
		}
		if n != 1 || err != nil {
			t.Errorf("poll returns %d, %v, want 1 and no error", n, err)
		}
		return
	}
}

// emptied returns a TCP connection that g has read all from, and had to wait for, and its other
// end.
func emptied(t *testing.T, g *sched.G) (*Conn, *net.TCPConn) {
	l, err := Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	other, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := accepted.(*Conn)
	g.Go(func(*sched.G) { other.Write([]byte("x")) })
	if got := readText(c); got != "x" {
		t.Fatalf("read %q", got)
	}
	if !c.poll.Load().drained {
		t.Error("the next read would try before it waits")
	}
	return c, other.(*net.TCPConn)
}

func send(t *testing.T, c *net.TCPConn, text string, flags int) {
	rc, err := c.SyscallConn()
	if err == nil {
		err = rc.Control(func(fd uintptr) {
			if err := unix.Sendto(int(fd), []byte(text), flags, nil); err != nil {
				t.Error(err)
			}
		})
	}
	if err != nil {
		t.Error(err)
	}
}

// readText says what a read gets that has room for four bytes.
func readText(c net.Conn) string {
	b := make([]byte, 4)
	switch n, err := c.Read(b); {
	case err == io.EOF:
		return "EOF"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "late"
	case errors.Is(err, unix.ECONNRESET):
		return "reset"
	case err != nil:
		return err.Error()
	default:
		return string(b[:n])
	}
}
