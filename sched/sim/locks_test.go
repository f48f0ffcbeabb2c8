package sim

import (
	"testing"

	"numasched/sched"
	"numasched/topology"
)

// testMachine is two nodes of two cores, with the constants of the default preset.
func testMachine(t *testing.T) *Machine {
	p, err := LoadPreset("synthetic:2x2")
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(Config{Preset: p})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A lock that nobody else wants costs nothing; one that another core has had costs two
// lines; one that another core wants at the same time costs two lines each time, and waiting.
func TestAKernelLockIsHandedOver(t *testing.T) {
	k := testMachine(t)
	hop := 2 * k.lines.distance(1, 0, -1)
	a, b := &thread{core: 0, clock: 1000 * Nanosecond}, &thread{core: 1, clock: 1000 * Nanosecond}
	var l kernelLock
	k.take(&l, a, 5, 0)
	if a.clock != 1000*Nanosecond {
		t.Errorf("the first holder waits until %d", a.clock)
	}
	b.clock = 2000 * Nanosecond
	if k.take(&l, b, 5, 0); b.clock != 2000*Nanosecond+hop {
		t.Errorf("a lock that another core has had: until %d, want %d", b.clock, 2000*Nanosecond+hop)
	}
	a.clock = 2000 * Nanosecond
	if k.take(&l, a, 5, 0); a.clock != b.clock+5*hop {
		t.Errorf("a lock that another core wants: until %d, want %d", a.clock, b.clock+5*hop)
	}
	before := a.clock
	if k.take(&l, a, 5, 0); a.clock != before {
		t.Errorf("the same core again: until %d, want %d", a.clock, before)
	}
}

// Threads that touch pages of one buffer for the first time hold each other up; those
// that touch pages of buffers of their own do not.
func TestPageFaultsOfOneMappingAreSerial(t *testing.T) {
	took := func(shared bool) Time {
		k := testMachine(t)
		var bufs [2]*sched.Buffer
		for i := range bufs {
			b, err := k.NewBuffer(1<<22, sched.Default)
			if err != nil {
				t.Fatal(err)
			}
			bufs[i] = b
		}
		var threads []*Thread
		for i := range 2 {
			b, off := bufs[i], int64(0)
			if shared {
				b, off = bufs[0], int64(i)<<21
			}
			threads = append(threads, k.Start("t", topology.CPURange(i, i+1), func(p *Thread) {
				p.Work(&sched.Work{Writes: []sched.Span{{Buf: b, Off: off, Len: 1 << 21}}})
			}))
		}
		if err := k.RunThreads(threads...); err != nil {
			t.Fatal(err)
		}
		return max(threads[0].Now(), threads[1].Now())
	}
	own, one := took(false), took(true)
	if one < own+own/50 {
		t.Errorf("faults in one mapping take %d, in two %d: want more", one, own)
	}
}

// What a G has left behind is free as long as it is in the first cache, and costs more
// the farther away it is.
func TestAParkedGsContextIsFetched(t *testing.T) {
	k := testMachine(t)
	lines := Time(k.preset.Context.Value) / 1000
	cost := func(others int, core int32) Time {
		p, from, to := &gPath{core: -1}, &thread{core: 0}, &thread{core: core}
		k.leaveContext(from, p)
		for range others {
			k.leaveContext(from, &gPath{})
		}
		k.fetchContext(to, p)
		return to.clock
	}
	l1 := int(k.mem.caches.all[k.cores[0].caches[0]].bytes / contextBytes)
	l2 := int(k.mem.caches.all[k.cores[0].caches[1]].bytes / contextBytes)
	p := k.preset
	for _, c := range []struct {
		name   string
		others int
		core   int32
		want   Time
	}{
		{"at once", 0, 0, 0},
		{"after as many as the first cache holds", l1 - 1, 0, 0},
		{"after more", l1 + 1, 0, lines * (p.L2.ps() - p.L1.ps())},
		{"after more than the second cache holds", l2 + 1, 0, lines * (p.L3.ps() - p.L1.ps())},
		{"on another core", 0, 1, lines * p.Near.ps()},
		{"on another node", 0, 2, lines * k.lines.line[1][0]},
	} {
		if got := cost(c.others, c.core); got != c.want {
			t.Errorf("%s: %d ps, want %d", c.name, got, c.want)
		}
	}
	th := new(thread)
	if k.fetchContext(th, &gPath{core: -1}); th.clock != 0 {
		t.Errorf("a G that has not parked: %d ps", th.clock)
	}
}
