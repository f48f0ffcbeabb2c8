package explore

import (
	"numasched/sched/internal/machine"
	"numasched/sched/policy"
)

// ModelPrograms run on the model of Go's scheduler with the overlay of sched/goruntime: see
// model.go. The first node is node 0, and the main G is at home there.
var ModelPrograms = []Program{
	{Name: "numago-spawn", Doc: "G 0 starts the others, without homes, and stays busy until they have run elsewhere", MinCPUs: 2, MinGs: 2, Model: func(r *goRuntime) *goG {
		return r.newG(0, 0, r.starts(1, r.t.Gs(), -1), r.busyUntil(1, r.t.Gs()))
	}},
	{Name: "numago-doze", Doc: "G 0 readies G 1, which is at home on its node, and stays busy until another node has come for it; then it starts the others, against its doze", MinCPUs: 2, MinGs: 3, Model: func(r *goRuntime) *goG {
		one := r.newG(1, 0)
		return r.newG(0, 0, r.readies(one), r.starts(2, r.t.Gs(), -1), r.busyUntil(1, r.t.Gs()))
	}},
	{Name: "numago-syscall", Doc: "G 0 readies Gs that are at home on its node, and is in a system call until they have run: another node must come for them", MinCPUs: 2, MinGs: 2, Model: func(r *goRuntime) *goG {
		return r.newG(0, 0, r.readiesAll(1, r.t.Gs(), 0), r.syscall(r.begun(1, r.t.Gs())))
	}},
	{Name: "numago-syscalls", Doc: "G 0 readies Gs that are at home on its node, makes a system call after each, and stays busy until they have run", MinCPUs: 2, MinGs: 3, Model: func(r *goRuntime) *goG {
		var steps []goStep
		for i := 1; i < r.t.Gs(); i++ {
			steps = append(steps, r.readies(r.newG(i, 0)), r.syscall(func() bool { return true }))
		}
		return r.newG(0, 0, append(steps, r.busyUntil(1, r.t.Gs()))...)
	}},
	{Name: "numago-home", Doc: "G 0 readies Gs that are at home on the last node, and stays busy until they have run", MinCPUs: 2, MinGs: 2, Model: func(r *goRuntime) *goG {
		return r.newG(0, 0, r.readiesAll(1, r.t.Gs(), r.t.Nodes()-1), r.busyUntil(1, r.t.Gs()))
	}},
	{Name: "numago-sleep", Doc: "the Gs, at home on all nodes in turn, sleep at the same time", MinGs: 2, Model: func(r *goRuntime) *goG {
		var others []goStep
		for i := 1; i < r.t.Gs(); i++ {
			others = append(others, r.readies(r.newG(i, i%r.t.Nodes(), r.sleeps(timerTakes))))
		}
		return r.newG(0, 0, append(others, r.sleeps(timerTakes))...)
	}},
	{Name: "numago-alarm", Doc: "G 0 readies G 1, which is at home on its node, sets a timer for G 2, and stays busy until both have run elsewhere: whoever comes may doze when the timer is set", MinCPUs: 2, MinGs: 3, Model: func(r *goRuntime) *goG {
		one, two := r.newG(1, 0), r.newG(2, r.t.Nodes()-1)
		return r.newG(0, 0, r.readies(one), r.wakesLater(two, timerTakes), r.busyUntil(1, 3))
	}},
	{Name: "numago-patient", Doc: "G 0 does so after it has been robbed once, of a G that ended at once: whoever comes may doze for longer, but not for longer than the timer takes", MinCPUs: 2, MinGs: 4, Model: func(r *goRuntime) *goG {
		one, two, three := r.newG(1, 0), r.newG(2, 0), r.newG(3, r.t.Nodes()-1)
		return r.newG(0, 0, r.readies(one), r.busyUntil(1, 2), r.readies(two), r.wakesLater(three, timerTakes), r.busyUntil(1, 4))
	}},
	{Name: "numago-ticks", Doc: "G 0 readies G 1, which is at home on its node, and stays busy until it has run; G 2 of the last node sleeps for a moment, again and again, until G 1 has run: another node must come for that all the same", MinCPUs: 2, MinGs: 3, Model: func(r *goRuntime) *goG {
		one, two := r.newG(1, 0), r.newG(2, r.t.Nodes()-1, r.sleepsUntilBegun(1, timerTakes))
		return r.newG(0, 0, r.readies(two), r.readies(one), r.busyUntil(1, 2))
	}},
	{Name: "numago-woken", Doc: "G 0 readies G 1, which is at home on its node, computes until it has run, and wakes G 2 of the last node each time that it parks: another node must come for G 1 all the same", MinCPUs: 2, MinGs: 4, Model: func(r *goRuntime) *goG {
		last := r.t.Nodes() - 1
		one, two, three := r.newG(1, 0), r.newG(2, last), r.newG(3, last)
		r.answerUntilBegun(1, two, three)
		return r.newG(0, 0, r.readies(two), r.readies(one), r.wakes(two))
	}},
	{Name: "numago-send", Doc: "G 1 keeps the last node's P, where G 0 then sends G 2, and stays busy, too: another P must come for it", MinCPUs: 3, MinGs: 3, Model: func(r *goRuntime) *goG {
		last := r.t.Nodes() - 1
		one, two := r.newG(1, last, r.busyUntil(2, 3)), r.newG(2, last)
		return r.newG(0, 0, r.readies(one), r.busyUntil(1, 2), r.readies(two), r.busyUntil(2, 3))
	}},
	{Name: "numago-queue", Doc: "G 1 yields into the queue of its node, whose P G 0 then keeps until another node has come for it", MinCPUs: 2, MinGs: 2, Model: func(r *goRuntime) *goG {
		t := r.t
		one := r.newG(1, 0, yield, r.sets(1))
		gs := []goStep{r.readies(one), yield, r.busyUntilSet(1)}
		for i := 2; i < t.Gs(); i++ {
			gs = append([]goStep{r.readies(r.newG(i, t.Nodes()-1, yield))}, gs...)
		}
		return r.newG(0, 0, gs...)
	}},
	{Name: "numago-yield", Doc: "all Gs yield, at home on all nodes in turn", MinGs: 2, Model: func(r *goRuntime) *goG {
		var others []goStep
		for i := 1; i < r.t.Gs(); i++ {
			others = append(others, r.readies(r.newG(i, i%r.t.Nodes(), yield)))
		}
		return r.newG(0, 0, append(others, yield, yield)...)
	}},
	{Name: "numago-last", Doc: "G 0 readies G 1 and ends; G 1, elsewhere or not, readies G 2 and stays busy until that has run, and so on: each time the last searcher may just be leaving", MinCPUs: 2, MinGs: 3, Model: func(r *goRuntime) *goG {
		n := r.t.Gs()
		next := r.newG(n-1, 0)
		for i := n - 2; i > 0; i-- {
			next = r.newG(i, (i+1)%2*(r.t.Nodes()-1), r.readies(next), r.busyUntil(i+1, i+2))
		}
		return r.newG(0, 0, r.readies(next))
	}},
	{Name: "numago-back", Doc: "G 0 readies G 1 of the last node, and G 2 when a P there has been given up: whose M it was may want it back while another one has it. When an M sleeps again G 0 starts the others, and stays busy until they have run elsewhere", MinCPUs: 2, MinGs: 4, Model: func(r *goRuntime) *goG {
		last := r.t.Nodes() - 1
		one, two := r.newG(1, last), r.newG(2, last)
		return r.newG(0, 0, r.readies(one), r.busy(r.idleAgain(1)), r.readies(two), r.busy(r.asleepAgain(2)), r.starts(3, r.t.Gs(), -1), r.busyUntil(3, r.t.Gs()))
	}},
	{Name: "numago-hungry", Doc: "G 0 readies G 1 and parks, G 1 readies G 2, and so on, and the last but one stays busy until the last has run: a hungry M comes too late each time, and then must come again", MinCPUs: 2, MinGs: 3, Model: func(r *goRuntime) *goG {
		n := r.t.Gs()
		next := r.newG(n-1, 0)
		for i := n - 2; i >= 0; i-- {
			steps := []goStep{r.readies(next)}
			if i == n-2 {
				steps = append(steps, r.busyUntil(n-1, n))
			}
			next = r.newG(i, 0, steps...)
		}
		return next
	}},
	{Name: "numago-net", Doc: "all is idle and sysmon sleeps deeply when G 1 comes from the network; it does as G 0 of numago-hungry does", MinCPUs: 2, MinGs: 4, Model: func(r *goRuntime) *goG {
		n := r.t.Gs()
		next := r.newG(n-1, 0)
		for i := n - 2; i > 0; i-- {
			steps := []goStep{r.readies(next)}
			if i == n-2 {
				steps = append(steps, r.busyUntil(n-1, n))
			}
			next = r.newG(i, 0, steps...)
		}
		r.net = []*goG{next}
		return r.newG(0, 0)
	}},
	{Name: "numago-nets", Doc: "Gs of all nodes come from the network, and each is busy until all have begun", MinCPUs: 2, MinGs: 3, Model: func(r *goRuntime) *goG {
		n := min(r.t.Gs()-1, r.t.CPUs())
		for i := 1; i <= n; i++ {
			r.net = append(r.net, r.newG(i, (i-1)%r.t.Nodes(), r.busyUntil(1, n+1)))
		}
		return r.newG(0, 0)
	}},
	{Name: "numago-netprocs", Doc: "G 0 has one P only, queues itself, and stays busy while an M waits for the network, whose node may have lost its Ps; from there Gs with and without homes come", MinCPUs: 2, MinGs: 3, Model: func(r *goRuntime) *goG {
		t := r.t
		for i := 2; i < t.Gs(); i++ {
			r.net = append(r.net, r.newG(i, i%2*t.Nodes()-1))
		}
		one := r.newG(1, t.Nodes()-1)
		return r.newG(0, 0, r.readies(one), r.procs(1), yield, r.busyUntilNet())
	}},
	{Name: "numago-procs", Doc: "G 0 queues Gs for the last node, has one P only, and then all again, while they yield", MinCPUs: 2, MinGs: 2, Model: func(r *goRuntime) *goG {
		t := r.t
		var steps []goStep
		for i := 1; i < t.Gs(); i++ {
			steps = append(steps, r.readies(r.newG(i, t.Nodes()-1, yield)))
		}
		return r.newG(0, 0, append(steps, r.procs(1), r.procs(t.CPUs()), yield)...)
	}},
	{Name: "numago-close", Doc: "G 1 of the last node fills its P and its node's queue; then the node loses its Ps, and G 0 stays busy until all have run", MinCPUs: 2, MinGs: 3, Model: func(r *goRuntime) *goG {
		t := r.t
		n := t.Gs()
		last := t.Nodes() - 1
		var fill []goStep
		for i := 2; i < n; i++ {
			fill = append(fill, r.readies(r.newG(i, last, yield)))
		}
		one := r.newG(1, last, append(fill, yield)...)
		return r.newG(0, 0, r.readies(one), r.procs(max(1, t.CPUs()-1)), r.procs(t.CPUs()), r.busyUntil(1, n))
	}},
}

func yield(*goM, *goG) goFate { return yields }

// starts is a step that starts new Gs from lo up to hi.
func (r *goRuntime) starts(lo, hi, home int) goStep {
	var gs []*goG
	for i := lo; i < hi; i++ {
		gs = append(gs, r.newG(i, home))
	}
	return func(mp *goM, _ *goG) goFate {
		for _, gp := range gs {
			r.newproc(mp, gp)
		}
		return goesOn
	}
}

// readies is a step that makes a G ready, which has waited until now.
func (r *goRuntime) readies(gp *goG) goStep {
	return func(mp *goM, _ *goG) goFate {
		r.ready(mp, gp, true)
		return goesOn
	}
}

// readiesAll is a step that makes Gs ready that are at home on a node.
func (r *goRuntime) readiesAll(lo, hi, home int) goStep {
	var gs []*goG
	for i := lo; i < hi; i++ {
		gs = append(gs, r.newG(i, home))
	}
	return func(mp *goM, _ *goG) goFate {
		for _, gp := range gs {
			r.ready(mp, gp, true)
		}
		return goesOn
	}
}

// busyUntil is a step that keeps its P until the Gs from lo up to hi have begun. It is
// preempted when the world stops.
func (r *goRuntime) busyUntil(lo, hi int) goStep {
	return r.busy(r.begun(lo, hi))
}

// begun reports whether the Gs from lo up to hi have begun.
func (r *goRuntime) begun(lo, hi int) func() bool {
	t := r.t
	return func() bool {
		for i := lo; i < hi; i++ {
			if t.words[i] == 0 {
				return false
			}
		}
		return true
	}
}

// idleAgain reports whether G i has begun, a P of the last node is idle, and no M spins.
func (r *goRuntime) idleAgain(i int) func() bool {
	bit := numaBit(r.t.Nodes() - 1)
	return func() bool { return r.t.words[i] != 0 && uint32(r.numa.idle.v)&bit != 0 && r.nmspinning.v == 0 }
}

// asleepAgain reports whether that is so, and an M without a P sleeps.
func (r *goRuntime) asleepAgain(i int) func() bool {
	idle := r.idleAgain(i)
	return func() bool {
		sleeping := 0
		for node := range r.numa.n + 1 {
			sleeping += len(*r.midleFor(node))
		}
		return idle() && sleeping > 0
	}
}

// syscall is a step that keeps its P in a system call until a condition holds.
func (r *goRuntime) syscall(until func() bool) goStep {
	wait := r.busy(until)
	return func(mp *goM, gp *goG) goFate {
		word := &mp.p.syscall
		word.store(mp, 1)
		fate := wait(mp, gp)
		word.store(mp, 0)
		return fate
	}
}

// timerTakes is how long Gs sleep: for less than a thief's patience.
const timerTakes = 2 * policy.Grace / 5

// sleeps is a step that has its G sleep.
func (r *goRuntime) sleeps(ns int64) goStep {
	return func(mp *goM, gp *goG) goFate {
		r.sleep(mp, gp, ns)
		return parks
	}
}

// sleepsUntilBegun is a step that has its G sleep again and again, until another has begun.
func (r *goRuntime) sleepsUntilBegun(i int, ns int64) goStep {
	var step goStep
	step = func(mp *goM, gp *goG) goFate {
		if r.x.flag(i, machine.Load); r.t.words[i] != 0 {
			return goesOn
		}
		gp.steps = append([]goStep{step}, gp.steps...)
		r.sleep(mp, gp, ns)
		return parks
	}
	return step
}

// answerUntilBegun gives two Gs of a node their steps. Whenever the first is woken from elsewhere it has
// the second wake it once more, so that it stays at home. Then it parks, and the program's own word 0 is
// 1. When G i has begun both end, and the word is 2.
func (r *goRuntime) answerUntilBegun(i int, first, second *goG) {
	var woken, again, answer goStep
	woken = func(mp *goM, gp *goG) goFate {
		if r.x.flag(i, machine.Load); r.t.words[i] != 0 {
			r.t.Store(1, 1)
			r.ready(mp, second, true)
			r.t.Store(0, 2)
			return goesOn
		}
		gp.steps = []goStep{again}
		r.ready(mp, second, true)
		return parks
	}
	again = func(_ *goM, gp *goG) goFate {
		gp.steps = []goStep{woken}
		r.t.Store(0, 1)
		return parks
	}
	answer = func(mp *goM, gp *goG) goFate {
		if r.t.Load(1) != 0 {
			return goesOn
		}
		gp.steps = []goStep{answer}
		r.ready(mp, first, true)
		return parks
	}
	first.steps, second.steps = []goStep{woken}, []goStep{answer}
}

// wakes is a step that computes, and makes such a G ready whenever it parks.
func (r *goRuntime) wakes(gp *goG) goStep {
	return func(mp *goM, _ *goG) goFate {
		for {
			r.x.Syscall(&mp.M, timerTakes, func() {})
			switch r.t.Load(0) {
			case 1:
				r.t.Store(0, 0)
				r.ready(mp, gp, true)
			case 2:
				return goesOn
			}
		}
	}
}

// wakesLater is a step that sets a timer which makes a G ready.
func (r *goRuntime) wakesLater(gp *goG, ns int64) goStep {
	return func(mp *goM, _ *goG) goFate {
		r.sleep(mp, gp, ns)
		return goesOn
	}
}

// busyUntilNet is a step that keeps its P while an M waits for what comes from the network.
func (r *goRuntime) busyUntilNet() goStep { return r.busy(func() bool { return r.lastpoll.v != 0 }) }

// busyUntilSet is a step that keeps its P until the program's own word i is set.
func (r *goRuntime) busyUntilSet(i int) goStep {
	return r.busy(func() bool { return r.t.words[ownWords+i] != 0 })
}

// sets is a step that sets the program's own word i.
func (r *goRuntime) sets(i int) goStep {
	return func(*goM, *goG) goFate {
		r.t.Store(i, 1)
		return goesOn
	}
}

func (r *goRuntime) busy(until func() bool) goStep {
	cond := func() bool { return until() || r.gcwaiting.v != 0 }
	return func(mp *goM, _ *goG) goFate {
		r.await(cond)
		r.gcwaiting.load(mp)
		if !until() {
			return stopped
		}
		return goesOn
	}
}

// procs is a step that changes GOMAXPROCS.
func (r *goRuntime) procs(n int) goStep {
	return func(mp *goM, _ *goG) goFate {
		r.stopTheWorldWithSema(mp)
		r.newprocs = n
		r.startTheWorldWithSema(mp)
		return goesOn
	}
}
