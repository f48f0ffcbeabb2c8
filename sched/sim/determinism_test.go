package sim_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"numasched/sched"
	"numasched/sched/internal/machine"
	"numasched/sched/policy"
	"numasched/sched/sim"
	"numasched/topology"
)

// program does a bit of everything: forks, groups, channels, yields, Work on
// memory near and far.
func program(t testing.TB, m *sim.Machine, arm string) {
	a, _ := policy.ByName(arm)
	s, err := sched.New(sched.Config{Machine: m, Arm: a, Seed: 7, Events: validated(t)})
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
	finish(t, s, func(g *sched.G) {
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
}

// A seed means the same events in the same order, however many threads Go uses.
func TestEventLogIsDeterministic(t *testing.T) {
	for _, arm := range []string{"gm", "flat", "numa", "numa-wrongmap"} {
		for _, preset := range []string{"skx-2x8180", "opteron-4x6276"} {
			var first uint64
			for i, procs := range []int{1, 2, 8} {
				old := runtime.GOMAXPROCS(procs)
				m := simulated(t, preset)
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
		m := simulated(t, "skx-2x8180")
		var threads []*sim.Thread
		var last sim.Time
		for cpu := range n {
			threads = append(threads, m.Start("t", topology.CPURange(cpu, cpu+1), func(p *sim.Thread) {
				for range 100 {
					p.Access(1, machine.RMW)
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
	m := simulated(t, "synthetic:1x1")
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
		m := simulated(t, "synthetic:2x2")
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
	m := simulated(t, "synthetic:2x2")
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

// A core has several independent accesses under way, but no more than it can
// stream.
func TestIndependentAccessesOverlap(t *testing.T) {
	const n = 4096
	each := func(ahead string, independent bool) float64 {
		preset, err := sim.ParsePreset("x.json", []byte(`{"like": "default", "misses_under_way": {"value": `+ahead+`, "source": "assumed"}}`))
		if err != nil {
			t.Fatal(err)
		}
		m, err := sim.New(sim.Config{Preset: preset})
		if err != nil {
			t.Fatal(err)
		}
		b, err := m.NewBuffer(1<<30, sched.OnNode(0))
		if err != nil {
			t.Fatal(err)
		}
		var took sim.Time
		p := m.Start("t", topology.CPURange(0, 1), func(p *sim.Thread) {
			at := p.Now()
			p.Work(&sched.Work{Reads: []sched.Span{{Buf: b, Len: b.Bytes, Accesses: n, Independent: independent}}})
			took = p.Now() - at
		})
		if err := m.RunThreads(p); err != nil {
			t.Fatal(err)
		}
		return float64(took) / n / 1000
	}
	chained, six, many := each("6", false), each("6", true), each("1000", true)
	if r := chained / six; r < 5.9 || r > 6.1 {
		t.Errorf("six accesses under way take %.1f ns each, one %.1f: want six times less", six, chained)
	}
	// One core streams 14.32 of 120.64 GB/s, of 100 here.
	if want := 64 / (14.32 * 100 / 120.64); many < 0.95*want || many > 1.05*want {
		t.Errorf("a thousand accesses under way take %.2f ns each, want %.2f as for a stream", many, want)
	}
}

// Who makes a buffer while it runs pays for it, and for each object.
func TestMemoryIsNotFree(t *testing.T) {
	m := simulated(t, "synthetic:1x1")
	c, err := m.NewCache(-1)
	if err != nil {
		t.Fatal(err)
	}
	var buffer, object sim.Time
	p := m.Start("t", topology.CPUSet{}, func(p *sim.Thread) {
		at := p.Now()
		if _, err := m.NewBuffer(4096, sched.Default); err != nil {
			t.Error(err)
		}
		buffer = p.Now() - at
		at = p.Now()
		o, err := c.Alloc(64)
		if err != nil {
			t.Error(err)
		}
		c.Free(o)
		object = p.Now() - at
	})
	if err := m.RunThreads(p); err != nil {
		t.Fatal(err)
	}
	preset := m.Preset()
	if want := sim.Time(preset.Map.Value); buffer != want {
		t.Errorf("a buffer takes %d ps, want %d", buffer, want)
	}
	if want := 2 * sim.Time(preset.Alloc.Value); object != want {
		t.Errorf("an object takes %d ps, want %d", object, want)
	}
}

// What is asked for on a node without memory lies on the nearest that has some, and the
// machine says so.
func TestANodeWithoutMemoryHasItOnTheNearest(t *testing.T) {
	topo, err := topology.Load("synthetic:2x2+1cpu")
	if err != nil {
		t.Fatal(err)
	}
	last := topo.Nodes[len(topo.Nodes)-1].ID
	m := simulated(t, "synthetic:2x2+1cpu")
	b, err := m.NewBuffer(1<<20, sched.OnNode(last))
	if err != nil {
		t.Fatal(err)
	}
	near := topo.NearestWith(last, topology.HasMemory)[0]
	want := fmt.Sprintf("memory for node %d lies on node %d, the nearest with any: node %d has none", last, near, last)
	if w := m.Warnings(); len(w) != 1 || w[0] != want {
		t.Errorf("warnings %q, want %q", w, want)
	}
	for id, wantNear := range map[int]bool{near: true, last: false} {
		before := m.Account()
		p := m.Start("t", topo.Node(id).CPUs, func(p *sim.Thread) {
			p.Work(&sched.Work{Reads: []sched.Span{{Buf: b, Len: b.Bytes}}})
		})
		if err := m.RunThreads(p); err != nil {
			t.Fatal(err)
		}
		if a := m.Account().Since(before); (a.Near > 0) != wantNear || a.Near+a.Far != b.Bytes {
			t.Errorf("on node %d, %d bytes are near and %d far", id, a.Near, a.Far)
		}
	}
	if _, err := m.NewBuffer(1, sched.OnNode(99)); err == nil || !strings.Contains(err.Error(), "no such node") {
		t.Errorf("on node 99: %v", err)
	}
	if w := simulated(t, "synthetic:2x2").Warnings(); len(w) > 0 {
		t.Errorf("warnings %q of a machine that was asked for nothing", w)
	}
}
