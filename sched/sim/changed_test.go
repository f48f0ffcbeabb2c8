package sim_test

import (
	"testing"

	"numasched/sched"
	"numasched/sched/sim"
	"numasched/topology"
)

// Two cores that share a cache write to random lines of the same buffer. Each waits
// for the lines that the other has changed. Atomic operations wait, and nothing else goes
// on meanwhile.
func TestLinesThatOthersChangeTakeLonger(t *testing.T) {
	const n, ops = 1 << 14, 1 << 16
	each := func(shared, atomic bool) sim.Time {
		m := simulated(t, "synthetic:1x2")
		var bufs [2]*sched.Buffer
		for i := range bufs {
			b, err := m.NewBuffer(64<<10, sched.Default)
			if err != nil {
				t.Fatal(err)
			}
			bufs[i] = b
		}
		var took sim.Time
		var ps []*sim.Thread
		for i := range 2 {
			b := bufs[i]
			if shared {
				b = bufs[0]
			}
			ps = append(ps, m.Start("t", topology.CPURange(i, i+1), func(p *sim.Thread) {
				span := []sched.Span{{Buf: b, Len: b.Bytes, Accesses: n / 64, Independent: true, Atomic: atomic}}
				at := p.Now()
				for range 64 {
					p.Work(&sched.Work{Ops: ops / 64, Writes: span})
				}
				took = max(took, p.Now()-at)
			}))
		}
		if err := m.RunThreads(ps...); err != nil {
			t.Fatal(err)
		}
		return took
	}
	apart, shared := each(false, false), each(true, false)
	if shared < apart*21/20 {
		t.Errorf("%d ps in a buffer that both change, %d in one each: want a twentieth more at least", shared, apart)
	}
	apartAtomic, sharedAtomic := each(false, true), each(true, true)
	if sharedAtomic < apartAtomic*11/10 {
		t.Errorf("atomic operations: %d ps in a buffer that both change, %d in one each: want a tenth more at least", sharedAtomic, apartAtomic)
	}
	if apartAtomic <= apart {
		t.Errorf("%d ps with atomic operations, %d with others: want more, because arithmetic waits for them", apartAtomic, apart)
	}
}

// The collector works on an idle CPU while there is one. Otherwise objects cost more.
func TestObjectsCostMoreWithoutAnIdleCPU(t *testing.T) {
	p, err := sim.ParsePreset("x.json", []byte(`{"like": "default", "topology": "synthetic:1x2", "go_object_ns": {"value": 10, "source": "assumed"}, "go_object_busy_ns": {"value": 30, "source": "assumed"}}`))
	if err != nil {
		t.Fatal(err)
	}
	took := func(procs int) int64 {
		m, err := sim.New(sim.Config{Preset: p})
		if err != nil {
			t.Fatal(err)
		}
		var ns int64
		run(t, m, "flat", procs, func(g *sched.G) {
			c := g.Fork(func(g *sched.G, _ sched.Arg) int { g.Work(sched.Work{Ops: 1 << 22}, func() {}); return 0 }, sched.Arg{})
			g.Work(sched.Work{Ops: 1 << 18}, func() {}) // until the other P has it
			start := g.Nanotime()
			g.Allocated(100)
			ns = g.Nanotime() - start
			g.Join(c)
		})
		return ns
	}
	if one, two := took(1), took(2); one != 1000 || two != 3000 {
		t.Errorf("100 objects take %d ns with an idle CPU, %d without; want 1000 and 3000", one, two)
	}
}
