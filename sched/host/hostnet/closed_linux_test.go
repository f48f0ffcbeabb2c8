package hostnet

import (
	"errors"
	"io"
	"net"
	"testing"

	"numasched/sched"
	"numasched/sched/host/hosttest"
	"numasched/sched/policy"
)

func newSched(t *testing.T) *sched.Sched {
	arm, err := policy.ByName("numa")
	if err != nil {
		t.Fatal(err)
	}
	s, err := sched.New(sched.Config{Machine: hosttest.Open(t, "synthetic:1x1", 0), Arm: arm})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// A file is closed after an operation has begun, and before it has found out how its G waits.
// Close has nobody to wake then, so the G must not wait. Nor is the descriptor closed before
// the operation ends: another file may get its number.
func TestCloseBetweenTheBeginningAndTheWait(t *testing.T) {
	err := newSched(t).Run(func(g *sched.G) {
		r, w, err := NewPipe()
		if err != nil {
			t.Error(err)
			return
		}
		defer w.Close()
		if !r.use() {
			t.Error("it is closed")
		}
		r.Close()
		if p, err := r.polled(g); p != nil || err != net.ErrClosed {
			t.Errorf("how to wait: %v, %v; want %v", p, err, net.ErrClosed)
		}
		if n, err := tryWrite(w.fd, []byte("x")); n != 1 || err != nil {
			t.Errorf("wrote %d, %v: nobody can read any more", n, err)
		}
		r.unuse()
		if _, err := tryWrite(w.fd, []byte("x")); err == nil {
			t.Error("the operation has ended, and somebody can still read")
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// A connection whose Gs' scheduler is closed is one for goroutines, and for Gs of others.
func TestAConnectionOutlivesItsScheduler(t *testing.T) {
	var r, w *Pipe
	first := newSched(t)
	err := first.Run(func(g *sched.G) {
		var err error
		if r, w, err = NewPipe(); err != nil {
			t.Error(err)
			return
		}
		w.Write([]byte("x"))
		r.Read(make([]byte, 1))
		g.Go(func(*sched.G) { r.Read(make([]byte, 1)) }) // until it is cancelled
		g.Yield()
	})
	if err != nil || r == nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	use := func() {
		if n, err := w.Write([]byte("y")); n != 1 || err != nil {
			t.Errorf("wrote %d, %v", n, err)
		}
		if n, err := io.ReadFull(r, make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("read %d, %v", n, err)
		}
	}
	use()
	second := newSched(t)
	if err := second.Run(func(*sched.G) { use() }); err != nil {
		t.Error(err)
	}
	if err := errors.Join(r.Close(), w.Close()); err != nil {
		t.Error(err)
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("read %d, %v from a closed pipe", n, err)
	}
}
