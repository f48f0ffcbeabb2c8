//go:build linux

package hostnet

import (
	"testing"

	"numasched/sched"
	"numasched/sched/host/hosttest"
	"numasched/sched/policy"
)

// A descriptor is registered with the poller when a G has to wait for it, and not before: what
// only goroutines wait for shall not wake Ms.
func TestADescriptorIsRegisteredWhenAGHasToWait(t *testing.T) {
	m := hosttest.Open(t, "synthetic:1x1", 0)
	arm, _ := policy.ByName("numa")
	s, err := sched.New(sched.Config{Machine: m, Arm: arm})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	registered := func(p *Pipe) bool { f := p.poll.Load(); return f != nil && f.id.Load() != 0 }
	err = s.Run(func(g *sched.G) {
		r, w, err := NewPipe()
		if err != nil {
			t.Error(err)
			return
		}
		defer r.Close()
		defer w.Close()
		for range 3 {
			w.Write([]byte("x"))
			r.Read(make([]byte, 1))
		}
		if registered(r) || registered(w) {
			t.Error("no G had to wait, and a descriptor is registered")
		}
		var gr sched.Group
		gr.Go(g, func(g *sched.G) { r.Read(make([]byte, 1)) })
		g.Yield() // until the other one waits
		if !registered(r) || registered(w) {
			t.Error("a G waits for the one end: want that end registered, and not the other")
		}
		w.Write([]byte("x"))
		gr.Wait(g)
	})
	if err != nil {
		t.Error(err)
	}
}
