package host_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/host"
	"numasched/sched/host/hostnet"
)

// Package hostnet imports package host, whose own tests so cannot import it.
func init() { host.StressNetwork = stressNetwork }

var stressSocket atomic.Int64 // of the last socket: they have no file

// stressNetwork waits for nothing until a deadline, and has three Gs talk over a socket and a
// pipe. It returns when they have ended.
func stressNetwork(t *testing.T, g *sched.G) {
	l, err := hostnet.Listen("unix", fmt.Sprintf("@numasched-stress-%d-%d", os.Getpid(), stressSocket.Add(1)))
	if err != nil {
		t.Error(err)
		return
	}
	defer l.Close()
	r, w, err := hostnet.NewPipe()
	if err != nil {
		t.Error(err)
		return
	}
	defer r.Close()
	defer w.Close()
	r.SetReadDeadline(time.Now().Add(100 * time.Microsecond))
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read from an empty pipe with %v", err)
	}
	r.SetReadDeadline(time.Time{})
	var gr sched.Group
	gr.Go(g, func(*sched.G) {
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if _, err := io.Copy(c, c); err != nil {
			t.Error(err)
		}
	})
	gr.Go(g, func(*sched.G) {
		b := make([]byte, 3)
		if _, err := io.ReadFull(r, b); err != nil || string(b) != "end" {
			t.Errorf("read %q from the pipe, with %v", b, err)
		}
	})
	gr.Go(g, func(*sched.G) {
		c, err := hostnet.Dial("unix", l.Addr().String())
		if err != nil {
			t.Error(err)
			l.Close()
			w.Close()
			return
		}
		defer c.Close()
		for i := range byte(10) {
			b := []byte{i}
			if _, err := c.Write(b); err != nil {
				t.Error(err)
			}
			if _, err := io.ReadFull(c, b); err != nil || b[0] != i {
				t.Errorf("%d came back as %d, with %v", i, b[0], err)
			}
		}
		if _, err := w.Write([]byte("end")); err != nil {
			t.Error(err)
		}
	})
	gr.Wait(g)
}
