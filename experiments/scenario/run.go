package scenario

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"text/tabwriter"

	"numasched/sched"
	"numasched/sched/sim"
	"numasched/topology"
)

// A Result is one variant, simulated: the mean of its runs.
type Result struct {
	Simulated bool    `json:"simulated"` // always true
	Scenario  string  `json:"scenario"`
	Variant   string  `json:"variant"`
	Runs      int     `json:"runs"`
	Elapsed   float64 `json:"elapsed_s"`      // of the measured threads, mean
	User      float64 `json:"user_s"`         // time that they had a CPU, mean
	Last      float64 `json:"last_s"`         // until the last of them had ended
	GBps      float64 `json:"GBps,omitempty"` // counted_bytes of all of them, over Last
	// Spread is the difference between the longest and the shortest run, in the time
	// that is compared with a measured one, or in elapsed_s if nothing was measured.
	Spread   float64 `json:"spread_s"`
	Locality float64 `json:"locality"`          // share of bytes from the own node's memory, of all threads
	Moves    int64   `json:"thread_migrations"` // to CPUs of other nodes, of all threads
	Migrated int64   `json:"migrated_bytes"`    // by NUMA balancing

	// Where the measured threads had a CPU.
	Strayed   float64 `json:"threads_on_several_nodes"`       // share of them that ran on more than one node
	MainNode  float64 `json:"time_on_main_node"`              // share of its time that a thread spent on the node where it was most
	MovesRate float64 `json:"moves_between_nodes_per_second"` // of all of them together

	Measured *float64 `json:"measured_s,omitempty"`    // as it was published
	Rate     *float64 `json:"measured_GBps,omitempty"` // or this
	What     string   `json:"what,omitempty"`          // which of the numbers above that is: elapsed, user, last or GB/s
	Fitted   bool     `json:"fitted,omitempty"`        // constants were fitted to it
	Fits     string   `json:"fits"`                    // how many constants of the study were fitted to how many rows
	Error    *float64 `json:"error,omitempty"`         // simulated / measured - 1
	Events   int64    `json:"events"`                  // of all runs
	Hash     string   `json:"event_hash"`              // of the events of all runs
	Assumed  []string `json:"assumed,omitempty"`       // constants that nobody has measured on the machine
}

// of returns the time that a study compares.
func (r *Result) of(what string) float64 {
	switch what {
	case "user":
		return r.User
	case "last":
		return r.Last
	case "GB/s":
		return r.GBps
	}
	return r.Elapsed
}

// blockBytes is the size of a block: a piece of memory with one home, which caches hold.
const blockBytes = 256 << 10

// Run simulates one variant, s.Runs times.
func (s *Scenario) Run(v Variant) (*Result, error) {
	out := &Result{Simulated: true, Scenario: s.Name, Variant: v.Name, Runs: s.Runs, Fits: s.Fits(), Assumed: s.preset.Assumed()}
	if v.Measured != nil {
		if out.What = v.Measured.What; v.Measured.GBps > 0 {
			out.What = "GB/s"
		} else if out.What == "" {
			out.What = "elapsed"
		}
	}
	n := float64(s.Runs)
	least, most, hash := math.Inf(1), math.Inf(-1), uint64(0)
	for i := range s.Runs {
		r, h, err := s.run(v, s.Seed+uint64(i))
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", s.Name, v.Name, err)
		}
		out.Elapsed += r.Elapsed / n
		out.User += r.User / n
		out.Last += r.Last / n
		out.GBps += r.GBps / n
		out.Locality += r.Locality / n
		out.Strayed += r.Strayed / n
		out.MainNode += r.MainNode / n
		out.MovesRate += r.MovesRate / n
		out.Moves += r.Moves
		out.Migrated += r.Migrated
		out.Events += r.Events
		least, most = min(least, r.of(out.What)), max(most, r.of(out.What))
		hash = hash*0x9E3779B97F4A7C15 ^ h
	}
	out.Moves /= int64(s.Runs)
	out.Migrated /= int64(s.Runs)
	out.Spread, out.Hash = most-least, fmt.Sprintf("%016x", hash)
	if v.Measured != nil {
		want := float64(v.Measured.Seconds+v.Measured.GBps) / 1000
		e := out.of(out.What)/want - 1
		if out.Error, out.Fitted = &e, v.Measured.Fitted; out.What == "GB/s" {
			out.Rate = &want
		} else {
			out.Measured = &want
		}
	}
	return out, nil
}

// run simulates one variant with one seed. It also returns the hash of its events.
func (s *Scenario) run(v Variant, seed uint64) (*Result, uint64, error) {
	preset, topo, err := s.Machine()
	if err != nil {
		return nil, 0, err
	}
	m, err := sim.New(sim.Config{Preset: preset, Topology: topo, Block: blockBytes})
	if err != nil {
		return nil, 0, err
	}
	m.SetPolicy(v.Policy.rules(seed))
	r := &runner{s: s, m: m, topo: topo, buffers: map[string]*sched.Buffer{}, queues: map[string]*sim.Queue{}, scopes: s.scopes(&v), rng: seed*0x9E3779B97F4A7C15 | 1}
	var measured, all []*sim.Thread
	for _, g := range s.Threads {
		g = v.apply(g)
		var pins []topology.CPUSet
		if g.PerCPU {
			for cpu := range topo.Online.All() {
				pins = append(pins, topology.CPURange(cpu, cpu+1))
			}
		} else {
			for i := range g.Count {
				pins = append(pins, g.place(topo, i, g.Count))
			}
		}
		var parent *sim.Thread
		for i, set := range pins {
			bufs, err := r.buffersOf(&g, i, len(pins), v.Set)
			if err != nil {
				return nil, 0, err
			}
			bound, at := set, set
			if g.Soft {
				bound = topology.CPUSet{}
			}
			t := m.StartAt(sim.Time(g.StartS)*sim.Millisecond, parent, fmt.Sprintf("%s%d", g.Name, i), bound, r.body(&g, bufs, at))
			if g.Soft {
				t.SoftCPUs(at)
			}
			if g.Forked && parent == nil {
				parent = t
			}
			if len(g.Home) > 0 {
				t.SetHome(g.Home[i*len(g.Home)/len(pins)])
			}
			all = append(all, t)
			if g.Measured {
				measured = append(measured, t)
				r.counted += g.Counted * g.Times
			}
		}
	}
	r.left = len(measured)
	if err := m.RunThreads(measured...); err != nil {
		return nil, 0, err
	}
	a := m.Account()
	out := &Result{Elapsed: seconds(r.elapsed / sim.Time(len(measured))), User: seconds(r.user / sim.Time(len(measured))), Last: seconds(r.last),
		GBps: float64(r.counted) / 1e9 / seconds(r.last), Locality: 1, Moves: a.Moves, Migrated: m.Migrated(), Events: a.Events}
	if a.Near+a.Far > 0 {
		out.Locality = float64(a.Near) / float64(a.Near+a.Far)
	}
	for _, t := range measured {
		nodes, moves := t.Residency()
		sum, most, on := sim.Time(0), sim.Time(0), 0
		for _, d := range nodes {
			sum += d
			most = max(most, d)
			if d > 0 {
				on++
			}
		}
		if on > 1 {
			out.Strayed += 1 / float64(len(measured))
		}
		out.MainNode += float64(most) / float64(max(sum, 1)) / float64(len(measured))
		out.MovesRate += float64(moves) / out.Last
	}
	hash := m.Hash()
	// Threads that would go on for ever are told to end, so that nothing is left behind.
	for _, name := range slices.Sorted(maps.Keys(r.queues)) {
		m.Close(r.queues[name])
	}
	return out, hash, m.RunThreads(all...)
}

// rules turns what the file says of an operating system into a policy of the machine.
func (p *Policy) rules(seed uint64) sim.OSPolicy {
	r := sim.OSPolicy{
		Kernel: p.Kernel, NUMABalancing: p.NUMABalancing,
		Start: starts[p.Start], WakeLast: p.Wake == "last", Tick: ms(p.TickMs), Hot: ms(p.HotMs),
		NodeFirst: p.NodeFirst, Delay: ms(p.RemoteDelayMs), Balance: ms(p.BalanceMs), Batch: p.Batch,
		Home: p.Home == "static" || p.Home == "dynamic", Scan: ms(p.NUMABalancingMs), Seed: seed,
	}
	if p.Home == "dynamic" {
		if r.Follow = ms(p.FollowMs); r.Follow == 0 {
			r.Follow = sim.Second
		}
	}
	return r
}

func ms(v sim.Milli) sim.Time { return sim.Time(v) * sim.Microsecond }

func seconds(t sim.Time) float64 { return float64(t/sim.Microsecond) / 1e6 }

type runner struct {
	s       *Scenario
	m       *sim.Machine
	topo    *topology.Topology
	buffers map[string]*sched.Buffer
	queues  map[string]*sim.Queue
	scopes  map[string]string // of queues
	counted int64
	rng     uint64

	left                int // measured threads that have not ended
	elapsed, user, last sim.Time
}

// random returns a random number below n.
func (r *runner) random(n int64) int64 {
	r.rng ^= r.rng << 13
	r.rng ^= r.rng >> 7
	r.rng ^= r.rng << 17
	return int64(r.rng>>1) % n
}

// buffersOf returns the buffers that thread i of a group of n uses, by name.
func (r *runner) buffersOf(g *Group, i, n int, set []Set) (map[string]*sched.Buffer, error) {
	out := map[string]*sched.Buffer{}
	var names []string
	for _, p := range g.Phases {
		names = append(names, p.buffers()...)
	}
	for _, name := range names {
		for _, b := range r.s.Buffers {
			if b.Name != name {
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
				if c.Buffer == name {
					b = c.apply(b)
				}
			}
			if r.buffers[key] == nil {
				home, err := parseHome(b.Home, len(r.topo.Nodes))
				if err != nil {
					return nil, err
				}
				if home.spread {
					home.nodes = home.nodes[i*len(home.nodes)/n:][:1]
				}
				where := sched.Default
				if home.blocks {
					where = sched.Interleave
				}
				buf, err := r.m.NewBuffer(b.Bytes, where)
				if err != nil {
					return nil, err
				}
				if len(home.nodes) > 0 {
					r.m.Home(buf, home.nodes)
				}
				if b.Bound {
					r.m.BindMemory(buf)
				}
				r.buffers[key] = buf
			}
			out[name] = r.buffers[key]
		}
	}
	return out, nil
}

// body returns what a thread of a group does.
func (r *runner) body(g *Group, bufs map[string]*sched.Buffer, at topology.CPUSet) func(*sim.Thread) {
	phases, times, measured := g.Phases, g.Times, g.Measured
	// A thread that goes on for ever begins somewhere in its round.
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
		if jitter > 0 {
			t.Sleep(jitter)
		}
		began, busy := t.Now(), t.Busy()
		for n := int64(0); times == 0 || n < times; n++ {
			if times == 0 && r.left == 0 {
				return
			}
			for i := range phases {
				r.phase(t, &phases[i], bufs, at)
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

// scopes returns the scope of each queue in a variant.
func (s *Scenario) scopes(v *Variant) map[string]string {
	of := map[string]string{}
	for _, q := range s.Queues {
		of[q.Name] = q.Scope
	}
	for _, x := range v.Set {
		if x.Queue != "" {
			of[x.Queue] = x.Scope
		}
	}
	return of
}

// queue returns the queue of a name that a thread uses: that of where it is bound, or
// begins, and else that of where it is.
func (r *runner) queue(t *sim.Thread, name string, at topology.CPUSet) *sim.Queue {
	cpu := t.CPU()
	for c := range at.All() {
		cpu = c
		break
	}
	key := name
	switch r.scopes[name] {
	case "node":
		key = fmt.Sprintf("%s/%d", name, r.topo.NodeOf(cpu))
	case "l3":
		key = fmt.Sprintf("%s/%d", name, r.topo.L3Of(cpu))
	}
	if r.queues[key] == nil {
		for _, q := range r.s.Queues {
			if q.Name == name {
				r.queues[key] = sim.NewQueue(q.Items)
			}
		}
	}
	return r.queues[key]
}

// phase does one phase.
func (r *runner) phase(t *sim.Thread, p *Phase, bufs map[string]*sched.Buffer, at topology.CPUSet) {
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
	case len(p.streams()) > 0:
		var w sched.Work
		for _, s := range p.streams() {
			span := sched.Span{Buf: bufs[s.Buffer], Len: bufs[s.Buffer].Bytes}
			if s.Write {
				w.Writes = append(w.Writes, span)
			} else {
				w.Reads = append(w.Reads, span)
			}
		}
		t.Work(&w)
	case p.Put != "":
		t.Put(r.queue(t, p.Put, at))
	case p.Take != "":
		t.Take(r.queue(t, p.Take, at))
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
	if len(s.Variants) > 0 {
		fmt.Fprintln(w, s.Fits())
	}
	if s.Runs > 1 {
		fmt.Fprintf(w, "means of %d runs, with seeds %d to %d; ± is half of the difference between the longest and the shortest\n", s.Runs, s.Seed, s.Seed+uint64(s.Runs)-1)
	}
	fmt.Fprintln(w)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "variant\telapsed s\tuser s\tlast s\tGB/s\t±\tlocal\tstrayed\ton main node\tmoves/s\tmoved MB\tmeasured\terror\n")
	for _, r := range results {
		rate, spread, want, e := "-", "-", "-", "-"
		if r.GBps > 0 {
			rate = fmt.Sprintf("%.2f", r.GBps)
		}
		if r.Runs > 1 {
			spread = fmt.Sprintf("%.2f", r.Spread/2)
		}
		if r.Error != nil {
			if r.Rate != nil {
				want = fmt.Sprintf("%.2f GB/s", *r.Rate)
			} else {
				want = fmt.Sprintf("%.2f s, %s", *r.Measured, r.What)
			}
			e = fmt.Sprintf("%+.1f %%", 100**r.Error)
			if r.Fitted {
				e += " (fitted)"
			}
		}
		fmt.Fprintf(tw, "%s\t%.2f\t%.2f\t%.2f\t%s\t%s\t%.1f %%\t%.0f %%\t%.1f %%\t%.1f\t%d\t%s\t%s\n",
			r.Variant, r.Elapsed, r.User, r.Last, rate, spread, 100*r.Locality, 100*r.Strayed, 100*r.MainNode, r.MovesRate, r.Migrated>>20, want, e)
	}
	tw.Flush()
	fmt.Fprintf(w, "\nstrayed: measured threads that had a CPU on more than one node; moves: of measured threads, between nodes\n")
	fmt.Fprintf(w, "\nassumed and not measured:\n")
	for _, a := range s.preset.Assumed() {
		fmt.Fprintf(w, "  %s\n", a)
	}
}
