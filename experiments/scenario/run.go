package scenario

import (
	"fmt"
	"io"
	"text/tabwriter"

	"numasched/sched"
	"numasched/sched/sim"
	"numasched/topology"
)

// A Result is one variant, simulated.
type Result struct {
	Simulated bool    `json:"simulated"` // always true
	Scenario  string  `json:"scenario"`
	Variant   string  `json:"variant"`
	Elapsed   float64 `json:"elapsed_s"` // of the measured threads, mean
	User      float64 `json:"user_s"`    // time that they had a CPU, mean
	Last      float64 `json:"last_s"`    // until the last of them had ended
	Locality  float64 `json:"locality"`  // share of bytes from the own node's memory, of all threads
	Moves     int64   `json:"thread_migrations"`
	Migrated  int64   `json:"migrated_bytes"`

	Measured *float64 `json:"measured_s,omitempty"`
	What     string   `json:"what,omitempty"`
	Fitted   bool     `json:"fitted,omitempty"`
	Error    *float64 `json:"error,omitempty"` // relative to measured
	Events   int64    `json:"events"`
	Hash     string   `json:"event_hash"`
}

// Run simulates one variant.
func (s *Scenario) Run(v Variant) (*Result, error) {
	preset, topo, err := s.Machine()
	if err != nil {
		return nil, err
	}
	m, err := sim.New(sim.Config{Preset: preset, Topology: topo, Block: 256 << 10})
	if err != nil {
		return nil, err
	}
	p := sim.OSPolicy{NodeFirst: v.Policy.NodeFirst, Delay: ms(v.Policy.RemoteDelayMs), Balance: ms(v.Policy.BalanceMs), Batch: v.Policy.Batch,
		Home: v.Policy.Home == "static" || v.Policy.Home == "dynamic", Scan: ms(v.Policy.NUMABalancingMs)}
	if v.Policy.Home == "dynamic" {
		if p.Follow = ms(v.Policy.FollowMs); p.Follow == 0 {
			p.Follow = sim.Second
		}
	}
	m.SetPolicy(p)

	r := &runner{s: s, m: m, topo: topo, buffers: map[string]*sched.Buffer{}, rng: s.Seed*0x9E3779B97F4A7C15 | 1}
	var measured, all []*sim.Thread
	for _, g := range s.Threads {
		for _, c := range v.Set {
			if c.Threads != g.Name {
				continue
			}
			if c.Count > 0 {
				g.Count = c.Count
			}
			if c.Nodes != nil {
				g.Nodes = c.Nodes
			}
			if c.Home != nil {
				g.Home = c.Home
			}
		}
		var pins []topology.CPUSet
		if g.PerCPU {
			for cpu := range topo.Online.All() {
				pins = append(pins, topology.CPURange(cpu, cpu+1))
			}
		} else {
			for i := range g.Count {
				var set topology.CPUSet
				if len(g.Nodes) > 0 {
					set = topo.Nodes[g.Nodes[i*len(g.Nodes)/g.Count]].CPUs
				}
				pins = append(pins, set)
			}
		}
		for i, set := range pins {
			bufs, err := r.buffersOf(&g, i, v.Set)
			if err != nil {
				return nil, err
			}
			t := m.Start(fmt.Sprintf("%s%d", g.Name, i), set, r.body(&g, bufs))
			if len(g.Home) > 0 {
				t.SetHome(g.Home[i*len(g.Home)/len(pins)])
			}
			all = append(all, t)
			if g.Measured {
				measured = append(measured, t)
			}
		}
	}
	r.left = len(measured)
	if err := m.RunThreads(measured...); err != nil {
		return nil, fmt.Errorf("%s, %s: %w", s.Name, v.Name, err)
	}
	a := m.Account()
	out := &Result{Simulated: true, Scenario: s.Name, Variant: v.Name, Last: seconds(r.last), Moves: a.Moves, Migrated: m.Migrated(),
		Elapsed: seconds(r.elapsed / sim.Time(len(measured))), User: seconds(r.user / sim.Time(len(measured))),
		Locality: 1, Events: a.Events, Hash: fmt.Sprintf("%016x", m.Hash())}
	if a.Near+a.Far > 0 {
		out.Locality = float64(a.Near) / float64(a.Near+a.Far)
	}
	// What goes on for ever is told to end, so that nothing is left behind.
	if err := m.RunThreads(all...); err != nil {
		return nil, fmt.Errorf("%s, %s: %w", s.Name, v.Name, err)
	}
	if pub := v.Measured; pub != nil {
		want := float64(pub.Seconds) / 1000
		got := map[string]float64{"": out.Elapsed, "elapsed": out.Elapsed, "user": out.User, "last": out.Last}[pub.What]
		e := got/want - 1
		out.Measured, out.Error, out.Fitted, out.What = &want, &e, pub.Fitted, pub.What
	}
	return out, nil
}

func ms(v sim.Milli) sim.Time { return sim.Time(v) * sim.Microsecond }

func seconds(t sim.Time) float64 { return float64(t/sim.Microsecond) / 1e6 }

type runner struct {
	s       *Scenario
	m       *sim.Machine
	topo    *topology.Topology
	buffers map[string]*sched.Buffer
	rng     uint64

	left                int // measured threads that have not ended
	elapsed, user, last sim.Time
}

// random is a number below n.
func (r *runner) random(n int64) int64 {
	r.rng ^= r.rng << 13
	r.rng ^= r.rng >> 7
	r.rng ^= r.rng << 17
	return int64(r.rng>>1) % n
}

// buffersOf returns the buffers that thread i of a group uses, by name.
func (r *runner) buffersOf(g *Group, i int, set []Set) (map[string]*sched.Buffer, error) {
	out := map[string]*sched.Buffer{}
	for _, p := range g.Phases {
		name := ""
		if p.Random != nil {
			name = p.Random.Buffer
		}
		if p.Stream != nil {
			name = p.Stream.Buffer
		}
		for _, b := range r.s.Buffers {
			if b.Name != name || name == "" {
				continue
			}
			key := name
			switch b.Scope {
			case "thread":
				key = fmt.Sprintf("%s/%s/%d", name, g.Name, i)
			case "process":
				key = name + "/" + g.Process
			}
			for _, c := range set {
				if c.Buffer == name && c.At != "" {
					b.Home = c.At
				}
			}
			if r.buffers[key] == nil {
				where := sched.Default
				switch home, _ := parseHome(b.Home, len(r.topo.Nodes)); {
				case home == -2:
					where = sched.Interleave
				case home >= 0:
					where = sched.OnNode(r.topo.Nodes[home].ID)
				}
				buf, err := r.m.NewBuffer(b.Bytes, where)
				if err != nil {
					return nil, err
				}
				r.buffers[key] = buf
			}
			out[name] = r.buffers[key]
		}
	}
	return out, nil
}

// body is what a thread of a group does.
func (r *runner) body(g *Group, bufs map[string]*sched.Buffer) func(*sim.Thread) {
	phases, times, measured, start := g.Phases, g.Times, g.Measured, sim.Time(g.StartS)*sim.Millisecond
	// Threads that go on for ever begin somewhere in their round.
	jitter := sim.Time(0)
	if times == 0 {
		for _, p := range phases {
			jitter += sim.Time(p.ComputeUs+p.SleepUs) * sim.Nanosecond
		}
		if jitter > 0 {
			jitter = sim.Time(r.random(int64(jitter)))
		}
	}
	return func(t *sim.Thread) {
		if start+jitter > 0 {
			t.Sleep(start + jitter)
		}
		began, busy := t.Now(), t.Busy()
		for n := int64(0); times == 0 || n < times; n++ {
			if times == 0 && r.left == 0 {
				return
			}
			for i := range phases {
				phase(t, &phases[i], bufs)
			}
		}
		if measured {
			r.left--
			r.elapsed += t.Now() - began
			r.user += t.Busy() - busy
			r.last = max(r.last, t.Now())
		}
	}
}

// phase does one phase.
func phase(t *sim.Thread, p *Phase, bufs map[string]*sched.Buffer) {
	switch {
	case p.Random != nil:
		b := bufs[p.Random.Buffer]
		span := []sched.Span{{Buf: b, Len: b.Bytes, Accesses: p.Random.Accesses}}
		w := sched.Work{Reads: span}
		if p.Random.Write {
			w = sched.Work{Writes: span}
		}
		t.Work(&w)
		if p.Random.ComputeNs > 0 {
			t.Compute(sim.Time(p.Random.ComputeNs) * sim.Time(p.Random.Accesses))
		}
	case p.Stream != nil:
		b := bufs[p.Stream.Buffer]
		span := []sched.Span{{Buf: b, Len: b.Bytes}}
		w := sched.Work{Reads: span}
		if p.Stream.Write {
			w = sched.Work{Writes: span}
		}
		t.Work(&w)
	case p.ComputeUs > 0:
		t.Compute(sim.Time(p.ComputeUs) * sim.Nanosecond)
	default:
		t.Sleep(sim.Time(p.SleepUs) * sim.Nanosecond)
	}
}

// Print writes results as a table.
func Print(w io.Writer, s *Scenario, results []*Result) {
	fmt.Fprintf(w, "%s: simulated\n", s.Name)
	for _, l := range [][2]string{{"", s.Doc}, {"source: ", s.Source}, {"fitted: ", s.Fitted}} {
		if l[1] != "" {
			fmt.Fprintf(w, "%s%s\n", l[0], l[1])
		}
	}
	fmt.Fprintln(w)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "variant\telapsed s\tuser s\tlast s\tlocal\tmoves\tmoved MB\tmeasured s\terror\n")
	for _, r := range results {
		want, e := "-", "-"
		if r.Measured != nil {
			want, e = fmt.Sprintf("%.2f", *r.Measured), fmt.Sprintf("%+.1f %%", 100**r.Error)
			if r.Fitted {
				e += " (fitted)"
			}
		}
		fmt.Fprintf(tw, "%s\t%.2f\t%.2f\t%.2f\t%.1f %%\t%d\t%d\t%s\t%s\n", r.Variant, r.Elapsed, r.User, r.Last, 100*r.Locality, r.Moves, r.Migrated>>20, want, e)
	}
	tw.Flush()
	fmt.Fprintf(w, "\nassumed and not measured:\n")
	for _, a := range s.preset.Assumed() {
		fmt.Fprintf(w, "  %s\n", a)
	}
}
