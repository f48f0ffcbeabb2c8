package hostnet_test

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"

	"numasched/sched"
	"numasched/sched/host/hostnet"
)

// When a listener's Close returns its port is free, although others were in Accept.
func TestCloseOfAListenerFreesItsPort(t *testing.T) {
	// Other processes take ports of 127.0.0.1 meanwhile.
	pid := os.Getpid()
	own := fmt.Sprintf("127.%d.%d.%d:0", 1+pid>>16&63, pid>>8&255, 1+pid&127)
	again := func(l net.Listener) {
		address := l.Addr().String()
		l.Close()
		l, err := net.Listen("tcp", address)
		check(t, err)
		l.Close()
	}
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			for range 20 {
				l, err := hostnet.Listen("tcp", own)
				check(t, err)
				var gr sched.Group
				for range 3 {
					gr.Go(g, func(*sched.G) { l.Accept() })
				}
				g.Yield()
				again(l)
				gr.Wait(g)
			}
		})
		var l *hostnet.Listener
		run(t, s, func(g *sched.G) {
			var err error
			l, err = hostnet.Listen("tcp", own)
			check(t, err)
			g.Go(func(*sched.G) { l.Accept() })
			g.Yield()
		})
		again(l) // by a goroutine that is no G
	})
}

// A G that is cancelled closes a listener that others accept at, which are cancelled, too: it
// does not wait for them.
func TestACancelledGClosesAListener(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			l, err := hostnet.Listen("tcp", "127.0.0.1:0")
			check(t, err)
			for range 4 {
				g.Go(func(*sched.G) {
					defer l.Close()
					l.Accept()
				})
			}
			g.Yield()
		})
		s.Close()
	})
}

// Close returns although it is called by a G that may not yield, while others are in Accept.
func TestALockedGClosesAListener(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			l := accepting(t, g)
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			check(t, l.Close())
		})
	})
}

// Close returns although others are in Accept and cannot leave, because their scheduler has stopped.
func TestAListenerIsClosedAfterItsSchedulerHasStopped(t *testing.T) {
	s := start(t, "numa", "synthetic:2x2")
	var l *hostnet.Listener
	if s.Run(func(g *sched.G) { l = accepting(t, g); panic("stop") }) == nil {
		t.Error("the panic did not stop the scheduler")
	}
	check(t, l.Close())
}

// accepting returns a listener that a G accepts at.
func accepting(t *testing.T, g *sched.G) *hostnet.Listener {
	l, err := hostnet.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	g.Go(func(*sched.G) { l.Accept() })
	g.Yield()
	return l
}

// A G that has locked its thread may not wait. If it tries and recovers, others may read.
func TestALockedGThatTriesToWaitKeepsNobodyOut(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			r, w, err := hostnet.NewPipe()
			check(t, err)
			defer r.Close()
			defer w.Close()
			func() {
				defer func() {
					if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), "thread") {
						t.Errorf("the panic is %v, want one about the thread", err)
					}
				}()
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				r.Read(make([]byte, 1))
			}()
			w.Write([]byte("x"))
			if n, err := r.Read(make([]byte, 2)); n != 1 || err != nil {
				t.Errorf("Read returns %d, %v, want 1 and no error", n, err)
			}
		})
	})
}
