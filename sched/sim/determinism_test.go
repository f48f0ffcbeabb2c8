package sim_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"numasched/sched"
	"numasched/sched/policy"
	"numasched/sched/sim"
	"numasched/topology"
)

// program does a bit of everything: forks, groups, channels, yields, Work on
// memory near and far.
func program(t testing.TB, m *sim.Machine, arm string) {
	a, _ := policy.ByName(arm)
	s, err := sched.New(sched.Config{Machine: m, Arm: a, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	var bufs []*sched.Buffer
	for _, node := range s.NodeIDs() {
		b, err := s.NewBuffer(1<<20, sched.OnNode(node))
		if err != nil {
			t.Fatal(err)
		}
		bufs = append(bufs, b)
	}
	err = sim.Guard(func() error {
		return s.Run(func(g *sched.G) {
			fib(g, sched.Arg{A: 12})
			var grp sched.Group
			for i := range 40 {
				grp.Go(g, func(g *sched.G) {
					b := bufs[i%len(bufs)]
					g.Work(sched.Work{Ops: 1000, Reads: []sched.Span{{Buf: b, Len: b.Bytes / 4}},
						Writes: []sched.Span{{Buf: b, Off: b.Bytes / 2, Len: 8192, Accesses: 100}}}, nil)
					g.Yield()
				})
			}
			grp.Wait(g)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A seed means the same events in the same order, however many threads Go uses.
func TestEventLogIsDeterministic(t *testing.T) {
	for _, arm := range []string{"gm", "flat", "numa", "numa-wrongmap"} {
		for _, preset := range []string{"skx-2x8180", "opteron-4x6276"} {
			var first uint64
			for i, procs := range []int{1, 2, 8} {
				old := runtime.GOMAXPROCS(procs)
				m := machine(t, preset)
				program(t, m, arm)
				runtime.GOMAXPROCS(old)
				if m.Back() > 0 {
					t.Errorf("%s on %s: time ran back by %d ps", arm, preset, m.Back())
				}
				if i == 0 {
					first = m.Hash()
				} else if m.Hash() != first {
					t.Errorf("%s on %s: %016x with GOMAXPROCS=%d, %016x with 1", arm, preset, m.Hash(), procs, first)
				}
			}
			t.Logf("%s/%s: %#x", preset, arm, first)
		}
	}
}

// A program that only looks at its own words is ended with a diagnosis.
func TestLivelockIsDiagnosed(t *testing.T) {
	preset, err := sim.LoadPreset("synthetic:2x2")
	if err != nil {
		t.Fatal(err)
	}
	m, err := sim.New(sim.Config{Preset: preset, MaxTime: 10 * sim.Second})
	if err != nil {
		t.Fatal(err)
	}
	p := m.Start("spinner", topology.CPUSet{}, func(p *sim.Thread) {
		for {
			p.Compute(sim.Second)
		}
	})
	var stall *sim.StallError
	if err := m.RunThreads(p); !errors.As(err, &stall) || !strings.Contains(err.Error(), "spinner (cpu 0") || !strings.Contains(err.Error(), "limit of virtual time") {
		t.Errorf("got %v", err)
	}
}

// One line for all cores is a queue: the more cores, the longer each waits.
func TestContendedLineSerialises(t *testing.T) {
	each := func(n int) sim.Time {
		m := machine(t, "skx-2x8180")
		var threads []*sim.Thread
		var last sim.Time
		for cpu := range n {
			threads = append(threads, m.Start("t", topology.CPURange(cpu, cpu+1), func(p *sim.Thread) {
				for range 100 {
					p.Access(1, sched.RMW)
				}
				last = max(last, p.Now())
			}))
		}
		if err := m.RunThreads(threads...); err != nil {
			t.Fatal(err)
		}
		return last
	}
	if one, many := each(2), each(28); many < 10*one {
		t.Errorf("28 cores need %d ps for 100 operations each, 2 cores %d: no queue", many, one)
	}
}

// Threads that share a CPU take turns, and each gets its part.
func TestTimeSlices(t *testing.T) {
	m := machine(t, "synthetic:1x1")
	var ends []sim.Time
	var threads []*sim.Thread
	for range 4 {
		threads = append(threads, m.Start("t", topology.CPUSet{}, func(p *sim.Thread) {
			p.Compute(30 * sim.Millisecond)
			ends = append(ends, p.Now())
		}))
	}
	if err := m.RunThreads(threads...); err != nil {
		t.Fatal(err)
	}
	if first, last := ends[0], ends[3]; first < 100*sim.Millisecond || last < 120*sim.Millisecond || last > 125*sim.Millisecond {
		t.Errorf("four threads of 30 ms on one CPU end between %d and %d ps", first, last)
	}
}

// Pages lie where they are first touched, bound or interleaved.
func TestPageHomes(t *testing.T) {
	for _, c := range []struct {
		where sched.Placement
		near  float64
	}{{sched.Default, 1}, {sched.OnNode(1), 0}, {sched.Interleave, 0.5}} {
		m := machine(t, "synthetic:2x2")
		b, err := m.NewBuffer(8<<20, c.where)
		if err != nil {
			t.Fatal(err)
		}
		p := m.Start("t", topology.CPURange(0, 1), func(p *sim.Thread) {
			p.Work(&sched.Work{Reads: []sched.Span{{Buf: b, Len: b.Bytes}}})
		})
		if err := m.RunThreads(p); err != nil {
			t.Fatal(err)
		}
		a := m.Account()
		if got := float64(a.Near) / float64(a.Near+a.Far); got != c.near || a.Near+a.Far != 8<<20 {
			t.Errorf("%+v: %.3f of %d bytes are near, want %.3f of %d", c.where, got, a.Near+a.Far, c.near, 8<<20)
		}
	}
}

// What another core has written is not in one's own cache.
func TestStoresInvalidate(t *testing.T) {
	m := machine(t, "synthetic:2x2")
	b, err := m.NewBuffer(16<<10, sched.OnNode(0))
	if err != nil {
		t.Fatal(err)
	}
	read := &sched.Work{Reads: []sched.Span{{Buf: b, Len: b.Bytes}}}
	write := &sched.Work{Writes: []sched.Span{{Buf: b, Len: b.Bytes}}}
	var cold, warm, after sim.Time
	timed := func(p *sim.Thread, w *sched.Work) sim.Time {
		at := p.Now()
		p.Work(w)
		return p.Now() - at
	}
	t1 := m.Start("reader", topology.CPURange(0, 1), func(p *sim.Thread) {
		cold = timed(p, read)
		warm = timed(p, read)
		p.Sleep(100 * sim.Microsecond)
		after = timed(p, read)
	})
	t2 := m.Start("writer", topology.CPURange(2, 3), func(p *sim.Thread) {
		p.Sleep(50 * sim.Microsecond)
		p.Work(write)
	})
	if err := m.RunThreads(t1, t2); err != nil {
		t.Fatal(err)
	}
	if 4*warm > cold || after < 3*warm {
		t.Errorf("reading takes %d ps at first, %d again, %d after another node has written", cold, warm, after)
	}
}
