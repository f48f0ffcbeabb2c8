package host

import (
	"testing"

	"numasched/numa/leakcheck"
	"numasched/sched"
	"numasched/topology"
)

// What Gs have freed goes back to the kernel after two looks without use, and the looks go on
// until Close.
func TestUnusedMemoryGoesBack(t *testing.T) {
	leakcheck.After(t)
	topo, err := topology.Load("synthetic:2x1")
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(Config{Topology: topo})
	if err != nil {
		t.Fatal(err)
	}
	if m.giveBack != nil {
		t.Error("a Machine without memory looks whether it is used")
	}
	s := newSched(t, m)
	if err := s.Run(func(g *sched.G) {
		var objects []*[1 << 20]byte
		for range 8 {
			o, err := sched.Alloc[[1 << 20]byte](g)
			if err != nil {
				t.Error(err)
				return
			}
			o[0] = 1
			objects = append(objects, o)
		}
		for _, o := range objects {
			sched.Free(g, o)
		}
	}); err != nil {
		t.Error(err)
	}
	resident := func() (sum int64) {
		for _, n := range m.heap.Stats() {
			sum += n.Arena.Resident
		}
		return sum
	}
	before := resident()
	m.giveBackIdle()
	m.giveBackIdle()
	if after := resident(); before == 0 || after >= before {
		t.Errorf("%d bytes are resident after two looks, %d before", after, before)
	}
	closeBoth(t, s, m)
	if m.giveBack.Stop() {
		t.Error("a closed Machine goes on looking")
	}
}
