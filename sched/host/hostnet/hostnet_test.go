package hostnet_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"numasched/numa/leakcheck"
	"numasched/sched"
	"numasched/sched/host/hostnet"
	"numasched/sched/host/hosttest"
	"numasched/sched/policy"
)

// everywhere runs f on Gs under arms of every kind: on this host, and on pretended nodes.
func everywhere(t *testing.T, f func(t *testing.T, s *sched.Sched)) {
	leakcheck.After(t)
	for _, arm := range []string{"gm", "flat", "numa"} {
		for _, topo := range []string{"synthetic:1x1", "synthetic:2x2"} {
			t.Run(arm+"/"+topo, func(t *testing.T) { f(t, start(t, arm, topo)) })
		}
	}
}

func start(t *testing.T, arm, topo string) *sched.Sched {
	t.Helper()
	m := hosttest.Open(t, topo, 0)
	a, err := policy.ByName(arm)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sched.New(sched.Config{Machine: m, Arm: a})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func run(t *testing.T, s *sched.Sched, f func(*sched.G)) {
	t.Helper()
	if err := s.Run(f); err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
		panic(err)
	}
}

// The networks that streams are tested over, with an address to listen at.
func streams(t *testing.T) map[string]string {
	return map[string]string{"tcp": "127.0.0.1:0", "unix": filepath.Join(t.TempDir(), "socket")}
}

// Many clients talk to an echo server. All are Gs, with as few as one P: so each wait lets
// others run.
func TestEcho(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		for network, address := range streams(t) {
			run(t, s, func(g *sched.G) {
				l, err := hostnet.Listen(network, address)
				check(t, err)
				g.Go(func(g *sched.G) {
					for {
						c, err := l.Accept()
						if err != nil {
							if !errors.Is(err, net.ErrClosed) {
								t.Error(err)
							}
							return
						}
						g.Go(func(g *sched.G) {
							defer c.Close()
							io.Copy(c, c)
						})
					}
				})
				var gr sched.Group
				var bytes atomic.Int64
				for i := range 20 {
					gr.Go(g, func(g *sched.G) {
						c, err := hostnet.Dial(network, l.Addr().String())
						check(t, err)
						defer c.Close()
						if c.RemoteAddr().String() != l.Addr().String() {
							t.Errorf("remote address %v, want %v", c.RemoteAddr(), l.Addr())
						}
						in := bufio.NewReader(c)
						for k := range 20 {
							text := fmt.Sprintf("%d %d %s\n", i, k, strings.Repeat("x", 100*k))
							_, err := io.WriteString(c, text)
							check(t, err)
							back, err := in.ReadString('\n')
							check(t, err)
							if back != text {
								t.Errorf("got %q back, want %q", back, text)
							}
							bytes.Add(int64(len(back)))
						}
						check(t, c.CloseWrite())
						if _, err := in.ReadByte(); err != io.EOF {
							t.Errorf("after the end: %v, want EOF", err)
						}
					})
				}
				gr.Wait(g)
				check(t, l.Close())
			})
			// Connections are made in system calls, and nothing else is.
			if n := s.Stats().Syscalls; runtime.GOOS == "linux" && n > 2*(1+20) {
				t.Errorf("%d system calls of Gs", n)
			}
		}
	})
}

// What does not fit into the buffers of the kernel is written and read in pieces.
func TestMoreThanBuffersHold(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			r, w, err := hostnet.NewPipe()
			check(t, err)
			const size = 10 << 20
			g.Go(func(g *sched.G) {
				n, err := w.Write(make([]byte, size))
				if n != size || err != nil {
					t.Errorf("wrote %d, %v", n, err)
				}
				w.Close()
			})
			n, err := io.Copy(io.Discard, r)
			if n != size || err != nil {
				t.Errorf("read %d, %v", n, err)
			}
			r.Close()
		})
	})
}

func TestPackets(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			a, err := hostnet.ListenPacket("udp", "127.0.0.1:0")
			check(t, err)
			b, err := hostnet.ListenPacket("udp", "127.0.0.1:0")
			check(t, err)
			g.Go(func(g *sched.G) {
				buf := make([]byte, 10)
				n, from, err := a.ReadFrom(buf)
				check(t, err)
				_, err = a.WriteTo(append(buf[:n], '!'), from)
				check(t, err)
			})
			_, err = b.WriteTo([]byte("ping"), a.LocalAddr())
			check(t, err)
			buf := make([]byte, 10)
			n, from, err := b.ReadFrom(buf)
			check(t, err)
			if string(buf[:n]) != "ping!" || from.String() != a.LocalAddr().String() {
				t.Errorf("%q from %v", buf[:n], from)
			}
			if _, err := b.WriteTo(nil, &net.IPAddr{}); err == nil {
				t.Error("a packet was sent to an IPAddr")
			}
			a.Close()
			b.Close()
		})
	})
}

// A G at one end, an ordinary goroutine at the other, and both at the same connection.
func TestGoroutinesUseTheSameConnections(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		l, err := hostnet.Listen("tcp", "127.0.0.1:0")
		check(t, err)
		defer l.Close()
		var conn net.Conn
		go func() {
			c, err := l.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			io.Copy(c, c)
		}()
		run(t, s, func(g *sched.G) {
			c, err := hostnet.Dial("tcp", l.Addr().String())
			check(t, err)
			_, err = c.Write([]byte("from a G;"))
			check(t, err)
			conn = c
		})
		defer conn.Close()
		_, err = conn.Write([]byte("from a goroutine"))
		check(t, err)
		const want = "from a G;from a goroutine"
		buf := make([]byte, len(want))
		if _, err := io.ReadFull(conn, buf); err != nil || string(buf) != want {
			t.Errorf("%q, %v", buf, err)
		}
		// A goroutine ends the wait of a G.
		waits := make(chan error)
		go func() {
			waits <- s.Run(func(g *sched.G) {
				g.Go(func(*sched.G) { conn.Close() })
				if _, err := conn.Read(buf); !errors.Is(err, net.ErrClosed) {
					t.Errorf("a read that Close ended: %v", err)
				}
			})
		}()
		check(t, <-waits)
	})
}

// Gs that wait for the network are cancelled by Close, and all descriptors are closed.
func TestCloseOfTheSchedulerEndsWaits(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("counts descriptors in /proc")
	}
	before := descriptors(t)
	for range 10 {
		s := start(t, "numa", "synthetic:2x2")
		run(t, s, func(g *sched.G) {
			l, err := hostnet.Listen("tcp", "127.0.0.1:0")
			check(t, err)
			connected := sched.NewChan[bool](s, 20)
			for range 10 {
				g.Go(func(g *sched.G) {
					c, err := hostnet.Dial("tcp", l.Addr().String())
					check(t, err)
					defer c.Close()
					connected.Send(g, true)
					c.Read(make([]byte, 1)) // until this G is cancelled, or the other end closes
				})
			}
			g.Go(func(g *sched.G) {
				defer l.Close()
				for range 10 {
					c, err := l.Accept()
					check(t, err)
					defer c.Close()
					connected.Send(g, true)
				}
				l.Accept() // until this G is cancelled
			})
			for range 20 {
				connected.Recv(g)
			}
			g.Sleep(time.Millisecond)
		})
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if after := descriptors(t); after > before+3 { // Go's own poller may have got some
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// A server of package net/http works over a Listener, its handlers are Gs, and so is the
// client.
func TestHTTP(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		l, err := hostnet.Listen("tcp", "127.0.0.1:0")
		check(t, err)
		srv := httptest.NewUnstartedServer(hostnet.Handler(s, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			g := sched.Current()
			if g == nil {
				t.Error("a handler is no G")
				return
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			g.Sleep(time.Microsecond)
			if r.URL.Path == "/panic" {
				panic(http.ErrAbortHandler)
			}
			fmt.Fprintf(w, "%s %s", r.URL.Path, body)
		})))
		srv.Listener.Close()
		srv.Listener = l
		srv.Start()
		defer srv.Close()
		tr := &http.Transport{}
		tr.DialContext = hostnet.DialHTTP
		defer tr.CloseIdleConnections()
		client := &http.Client{Transport: hostnet.Transport{Base: tr}}
		run(t, s, func(g *sched.G) {
			var gr sched.Group
			for i := range 8 {
				gr.Go(g, func(g *sched.G) {
					for range 5 {
						body := strings.Repeat("y", i*10_000)
						resp, err := client.Post(fmt.Sprintf("%s/%d", srv.URL, i), "text/plain", strings.NewReader(body))
						check(t, err)
						got, err := io.ReadAll(resp.Body)
						check(t, err)
						resp.Body.Close()
						if want := fmt.Sprintf("/%d %s", i, body); string(got) != want {
							t.Errorf("got %d bytes, want %d", len(got), len(want))
						}
					}
				})
			}
			gr.Wait(g)
			if _, err := client.Get(srv.URL + "/panic"); err == nil {
				t.Error("a handler that panics has answered")
			}
		})
	})
}

// A G that has come from the poller, and was back soon before, computes for long the next time.
// No other M waits at the poller then. Timers and descriptors must still be heard of.
func TestAGThatStaysAwayFromThePoller(t *testing.T) {
	s := start(t, "numa", "synthetic:1x2")
	run(t, s, func(g *sched.G) {
		r, w, err := hostnet.NewPipe()
		check(t, err)
		defer r.Close()
		defer w.Close()
		r2, w2, err := hostnet.NewPipe()
		check(t, err)
		defer r2.Close()
		defer w2.Close()
		const rounds = 5
		again := make(chan bool)
		go func() { // no G
			for range again {
				w.Write([]byte("x"))
			}
		}()
		var heard atomic.Bool
		var gr sched.Group
		gr.Go(g, func(g *sched.G) {
			for range rounds {
				r2.Read(make([]byte, 1))
				heard.Store(true)
			}
		})
		for i := range 2 * rounds {
			heard.Store(false)
			if i%2 == 0 {
				g.AfterFunc(20*time.Millisecond, func(*sched.G) { heard.Store(true) })
			}
			for range 50 { // after which it is believed to be back soon
				again <- true
				r.Read(make([]byte, 1))
			}
			if i%2 == 1 {
				w2.Write([]byte("x"))
			}
			for !heard.Load() {
			}
		}
		close(again)
		gr.Wait(g)
	})
}

// A G that answers requests asks somebody else for each, over a pipe that a G of another node
// was the first to wait for. Its M, which is back at its own poller soon, does not hear what
// comes there.
func TestNewsForAnotherNodeIsHeard(t *testing.T) {
	s := start(t, "numa", "synthetic:2x1")
	run(t, s, func(g *sched.G) {
		var pipes [8]interface {
			Read([]byte) (int, error)
			Write([]byte) (int, error)
			Close() error
		}
		for i := 0; i < len(pipes); i += 2 {
			r, w, err := hostnet.NewPipe()
			check(t, err)
			pipes[i], pipes[i+1] = r, w
			defer r.Close()
			defer w.Close()
		}
		requests, ask, asked, ask2 := pipes[0], pipes[1], pipes[2], pipes[3]
		answers, answer, replies, reply := pipes[4], pipes[5], pipes[6], pipes[7]
		const rounds = 2000
		one := func() []byte { return make([]byte, 1) }
		go func() { // no Gs: who is asked, and the client
			answer.Write(one())
			for range rounds {
				asked.Read(one())
				answer.Write(one())
			}
		}()
		var gr sched.Group
		gr.GoAt(g, sched.OnNode(1), func(*sched.G) { answers.Read(one()) })
		gr.Wait(g)
		go func() {
			for range rounds {
				ask.Write(one())
				replies.Read(one())
			}
		}()
		gr.GoAt(g, sched.OnNode(0), func(*sched.G) {
			for range rounds {
				requests.Read(one())
				ask2.Write(one())
				answers.Read(one())
				reply.Write(one())
			}
		})
		gr.Wait(g)
	})
}
