package sim

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"numasched/topology"
)

// onKernel makes a machine whose operating system is a kernel.
func onKernel(t *testing.T, spec string, p OSPolicy) *Machine {
	t.Helper()
	topo, err := topology.Load("synthetic:" + spec)
	if err != nil {
		t.Fatal(err)
	}
	preset, err := LoadPreset("default")
	if err != nil {
		t.Fatal(err)
	}
	k, err := New(Config{Preset: preset, Topology: topo})
	if err != nil {
		t.Fatal(err)
	}
	k.SetPolicy(p)
	return k
}

// park puts n threads that compute for long on a CPU, as if they had been there for a
// while: the first runs, the others wait.
func (k *Machine) park(cpu int32, n int) (all []*thread) {
	for range n {
		p := k.newPlain("t", topology.CPUSet{}, func(p *Thread) { p.Compute(Second) })
		p.t.cpu, p.t.core = cpu, k.cpus[cpu].core
		k.give(p.t, cpu)
		p.t.busy, p.t.since = Millisecond, k.now-Second
		all = append(all, p.t)
	}
	return all
}

// Queues of CPUs 0 to 3 on node 0 and 4 to 7 on node 1, and what an idle CPU 1 and a CPU 2
// that has a thread take from where.
func TestRulesOfO1(t *testing.T) {
	for _, c := range []struct {
		kernel   string
		queues   [8]int
		idle     int32 // from where CPU 1 takes one, or -1
		busyFrom int32 // from where CPU 2 does, or -1
		n        int   // and how many
	}{
		{"linux-2.5.39", [8]int{1, 0, 1, 0, 4}, 4, 4, 1},
		{"linux-2.5.39", [8]int{1, 0, 1, 0, 9}, 4, 4, 4},
		{"linux-2.5.39", [8]int{2, 0, 1, 0, 3}, 4, 4, 1},
		{"linux-2.5.39", [8]int{2, 0, 1, 0, 2}, 0, -1, 0}, // balanced within a quarter
		{"linux-2.5.39, one at a time", [8]int{1, 0, 1, 0, 9}, 4, 4, 1},
		{"linux-2.5.40, simple NUMA", [8]int{1, 0, 1, 0, 4}, -1, -1, 0}, // not four times as many
		{"linux-2.5.40, simple NUMA", [8]int{1, 0, 1, 0, 5}, 4, 4, 1},
		{"linux-2.5.40, simple NUMA", [8]int{2, 0, 1, 0, 9}, 0, 0, 1}, // the own node first
		{"linux-2.5.39, pools", [8]int{2, 0, 1, 0, 9}, 0, 4, 1},
		{"linux-2.5.39, pools", [8]int{1, 0, 1, 0, 3}, -1, -1, 0}, // less than one for each CPU
	} {
		k := onKernel(t, "2x4", OSPolicy{Kernel: c.kernel, Seed: 1})
		k.now = 100 * Second
		for cpu, n := range c.queues {
			k.park(int32(cpu), n)
		}
		p := ruleOf(k.policy)
		look := func(cpu int32, idle bool) (from int32, n int) {
			p.busiest(cpu, idle)      // so that it has seen all queues before,
			p.busiest(cpu, idle)      // knows what it wants,
			k.now += 30 * Millisecond // and has waited for it
			return p.busiest(cpu, idle)
		}
		if from, _ := look(1, true); from != c.idle {
			t.Errorf("%s, queues %v: the idle CPU 1 takes from %d, want %d", c.kernel, c.queues, from, c.idle)
		}
		if from, n := look(2, false); from != c.busyFrom || n != c.n {
			t.Errorf("%s, queues %v: CPU 2 takes %d from %d, want %d from %d", c.kernel, c.queues, n, from, c.n, c.busyFrom)
		}
	}
}

// ruleOf returns the rules of one of the O(1) kernels.
func ruleOf(p osPolicy) o1Rules { return p.(*o1).o1Rules }

// A CPU waits before it takes a thread of another pool: longer if its own has as many
// threads as the average.
func TestPoolsDelayRemoteSteals(t *testing.T) {
	for _, c := range []struct {
		queues [8]int
		delay  Time
	}{
		{[8]int{1, 0, 0, 0, 3, 3, 3, 3}, poolDelayIdle},
		{[8]int{1, 1, 1, 0, 2, 1, 1, 1}, poolDelayBusy},
	} {
		k := onKernel(t, "2x4", OSPolicy{Kernel: "linux-2.5.39, pools", Seed: 1})
		k.now = 100 * Second
		for cpu, n := range c.queues {
			k.park(int32(cpu), n)
		}
		p := ruleOf(k.policy)
		for _, at := range []Time{0, c.delay - Microsecond, c.delay} {
			k.now = 100*Second + at
			if from, _ := p.busiest(3, true); (from == 4) != (at == c.delay) {
				t.Errorf("queues %v: after %d us CPU 3 takes from %d", c.queues, at/Microsecond, from)
			}
		}
	}
}

// A thread does not leave its home for another node, one that is elsewhere goes home first,
// and one that runs alone elsewhere is sent home if others are there who do not belong.
func TestHomeNodes(t *testing.T) {
	k := onKernel(t, "2x4", OSPolicy{Kernel: "linux-2.5.39, pools, home nodes", Seed: 1})
	k.now = 100 * Second
	all := k.park(0, 4)
	for i, home := range []int32{1, 1, 2, 1} {
		all[i].os.home = home
	}
	p := ruleOf(k.policy)
	if got := p.choice(0, 4); got != all[2] {
		t.Error("CPU 4 does not take the thread that is at home there")
	}
	k.unqueue(all[2])
	if got := p.choice(0, 4); got != nil {
		t.Error("CPU 4 takes a thread from its home")
	}
	if got := p.choice(0, 1); got == nil {
		t.Error("CPU 1 of the same node takes none")
	}
	alone, guest := k.park(6, 1)[0], k.park(2, 1)[0]
	alone.os.home, guest.os.home = 1, 1
	p.settled(6)
	if alone.os.moveTo != 0 {
		t.Errorf("it is sent home to CPU %d, where all are at home", alone.os.moveTo-1)
	}
	guest.os.home = 2
	p.settled(6)
	if alone.os.moveTo == 0 || k.cpus[alone.os.moveTo-1].node != 0 {
		t.Error("it is not sent home though a guest is there")
	}
	// Static homes have their pages at home, dynamic ones follow them.
	if got := p.allocate(alone, 1, 4096); got != 0 {
		t.Errorf("static: pages lie on node %d", got)
	}
	d := ruleOf(onKernel(t, "2x4", OSPolicy{Kernel: "linux-2.5.39, pools, dynamic homes", Seed: 1}).policy).(*homeNode)
	if got := d.allocate(alone, 1, 4096); got != 1 {
		t.Errorf("dynamic: pages lie on node %d", got)
	}
	if d.follow(alone); alone.os.home != 2 {
		t.Errorf("the home is node %d, where no page is", alone.os.home-1)
	}
}

// A thread that wakes up stays under the L3 of its last CPU though others are idle
// elsewhere, and does not go to its waker's CPU if that is no better.
func TestWakeUpsStayNear(t *testing.T) {
	k := onKernel(t, "1x1x2x4x1", OSPolicy{Kernel: "linux-6.4", Seed: 1})
	k.now = 100 * Second
	sleeper := k.park(1, 1)[0]
	sleeper.state = blocked
	k.leave(sleeper)
	p := k.policy
	if cpu := p.wake(sleeper, 1); cpu != 1 {
		t.Errorf("its CPU is idle: it goes to CPU %d", cpu)
	}
	k.park(1, 1)
	if cpu := p.wake(sleeper, 1); cpu > 3 || cpu == 1 {
		t.Errorf("its CPU is busy: it goes to CPU %d, want another one of 0 to 3", cpu)
	}
	for _, cpu := range []int32{0, 2, 3} {
		k.park(cpu, 1)
	}
	if cpu := p.wake(sleeper, 1); cpu != 1 {
		t.Errorf("all of its L3 are busy: it goes to CPU %d, want 1, where it waits", cpu)
	}
	if cpu := p.wake(sleeper, 6); cpu < 4 {
		t.Errorf("its waker's CPU has fewer threads: it goes to CPU %d, want one of 4 to 7", cpu)
	}
}

// An idle CPU takes a thread that waits on another node only if it has not run a moment
// ago, and not away from the node that it prefers.
func TestWhoMayBeTaken(t *testing.T) {
	for _, c := range []struct {
		why      string
		waited   Time
		home     int32
		balances bool
		taken    bool
	}{
		{"it is cold", Millisecond, 0, true, true},
		{"it is hot", 100 * Microsecond, 0, true, false},
		{"it is cold and prefers to stay", Millisecond, 1, true, false},
		{"without NUMA balancing nobody prefers anything", Millisecond, 1, false, true},
		{"it is hot and prefers to go", 100 * Microsecond, 2, true, true},
	} {
		k := onKernel(t, "2x4", OSPolicy{Kernel: "linux-6.4", NUMABalancing: c.balances, Seed: 1})
		k.now = 100 * Second
		for cpu := range int32(4) {
			k.park(cpu, 1)
		}
		waits := k.park(2, 1)[0]
		waits.since, waits.os.home = k.now-c.waited, c.home
		if got := k.policy.pull(5); (got == waits) != c.taken {
			t.Errorf("%s: taken is %v", c.why, got == waits)
		}
	}
}

// A node that a thread prefers draws it only if a CPU is idle there and the load allows,
// and not before one of its pages has faulted.
func TestPreferredNodeDrawsByTheRules(t *testing.T) {
	for _, c := range []struct {
		why    string
		here   int // busy CPUs of node 0, where the thread is
		there  int // of node 1, which it prefers
		fault  bool
		leaves bool
	}{
		{"node 1 is idle", 8, 0, true, true},
		{"no page has faulted", 8, 0, false, false},
		{"node 1 has fewer threads", 8, 6, true, true},
		{"node 1 would have more threads", 6, 6, true, false},
		{"node 1 has no idle CPU", 8, 8, true, false},
	} {
		k := onKernel(t, "2x8", OSPolicy{Kernel: "linux-6.4", NUMABalancing: true, Seed: 1})
		k.now = 100 * Second
		var probe *thread
		for cpu := range c.here {
			probe = k.park(int32(cpu), 1)[0]
		}
		for cpu := range c.there {
			k.park(int32(8+cpu), 1)
		}
		probe.os = osThread{home: 2, given: true, fault: c.fault}
		k.mem.scan.epoch = 1
		k.policy.(*cfs).prefers.tick(k.now)
		if got := probe.os.moveTo != 0; got != c.leaves {
			t.Errorf("%s: it leaves is %v", c.why, got)
		}
	}
}

// A sleeper is behind by half of the latency at most, and takes the CPU from a thread that
// is far enough ahead.
func TestSleepersPreempt(t *testing.T) {
	k := onKernel(t, "1x2", OSPolicy{Kernel: "linux-6.4", Seed: 1})
	k.now = 100 * Second
	p := k.policy.(*cfs)
	runs := k.park(0, 1)[0]
	runs.since = k.now
	runs.busy = 10 * Second
	sleeper := k.newPlain("s", topology.CPUSet{}, func(*Thread) {}).t
	sleeper.cpu, sleeper.allowed = 0, &cpuMask{topology.CPURange(0, 1), 1}
	p.wake(sleeper, 0)
	if got := p.runtime(runs) - p.runtime(sleeper); got != cfsLatency/2 {
		t.Errorf("the sleeper is behind by %d us, want 12000", got/Microsecond)
	}
	if !p.preempts(sleeper, runs) || !p.before(sleeper, runs) {
		t.Error("the sleeper does not take the CPU")
	}
	sleeper.os.lead += cfsLatency/2 - cfsWakeup
	if p.preempts(sleeper, runs) {
		t.Error("a thread that is 4 ms behind takes the CPU")
	}
}

// Every kernel runs a crowd of threads that sleep, compute and touch memory to its end,
// always in the same way, and no two kernels in the same. The two kinds of homes are one
// here: by their rules nobody leaves a home, so all pages are at home. TestHomeNodes shows
// where they differ.
func TestKernelsDiffer(t *testing.T) {
	hashes := map[string]string{}
	type run struct {
		kernel   string
		balances bool
	}
	var runs []run
	for _, name := range KernelNames() {
		runs = append(runs, run{name, false})
		if KernelHasBalancing(name) {
			runs = append(runs, run{name, true})
		}
	}
	for _, r := range runs {
		what := fmt.Sprintf("%s, NUMA balancing %v", r.kernel, r.balances)
		hash := crowded(t, OSPolicy{Kernel: r.kernel, NUMABalancing: r.balances, Seed: 1})
		if again := crowded(t, OSPolicy{Kernel: r.kernel, NUMABalancing: r.balances, Seed: 1}); again != hash {
			t.Errorf("%s: run twice, the events differ", what)
		}
		if other := hashes[hash]; other != "" && r.kernel != "linux-2.5.39, pools, home nodes" {
			t.Errorf("%s and %s have the same events", what, other)
		}
		hashes[hash] = what
	}
}

// A CPU that runs out of threads and finds that no waiting one may run there takes the same, and
// forgets the same failures, as if it had looked in each of its domains.
func TestLookingInVainChangesWhatItWould(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	found, forgot := 0, 0
	for range 60 {
		type parked struct {
			cpu, n int
			bound  bool
		}
		var plan []parked
		for cpu := range 16 {
			if n := rnd.IntN(4); cpu != 3 && n > 0 {
				plan = append(plan, parked{cpu, n, rnd.IntN(8) != 0})
			}
		}
		failed := [4]int{rnd.IntN(2), rnd.IntN(2), rnd.IntN(2), rnd.IntN(2)}
		make := func() (*cfs, map[*thread]int) {
			k := onKernel(t, "2x8", OSPolicy{Kernel: "linux-6.4", Seed: 1})
			k.now = 100 * Second
			number := map[*thread]int{nil: -1}
			for _, c := range plan {
				for _, th := range k.park(int32(c.cpu), c.n) {
					if c.bound {
						th.allowed = &cpuMask{topology.CPURange(c.cpu, c.cpu+1), 1}
					}
					number[th] = len(number)
				}
			}
			p := k.policy.(*cfs)
			for cpu := range p.used {
				p.used[cpu] = cfsFull
			}
			for i, d := range p.domains[3] {
				d.failed = failed[i]
			}
			return p, number
		}
		a, as := make()
		b, bs := make()
		got := as[a.pull(3)]
		want := -1
		for _, d := range b.domains[3] {
			if want = bs[b.take(d, 3, newlyIdle)]; want >= 0 {
				break
			}
		}
		if got != want {
			t.Fatalf("%v: thread %d is taken, want %d", plan, got, want)
		}
		for i, d := range a.domains[3] {
			if w := b.domains[3][i].failed; d.failed != w {
				t.Fatalf("%v: domain %d has failed %d times, want %d", plan, i, d.failed, w)
			} else if w < failed[i] {
				forgot++
			}
		}
		if want >= 0 {
			found++
		}
	}
	if found < 5 || forgot < 5 {
		t.Errorf("%d threads were taken, and %d failures forgotten: this test needs more", found, forgot)
	}
}
