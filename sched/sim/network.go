package sim

import (
	"slices"

	"numasched/sched"
	"numasched/sched/internal/machine"
)

// The network, as far as a scheduler notices it: a descriptor becomes ready at some virtual
// time, and who waits in the poller wakes up. What is sent and received is the program's
// own; it says when it arrives:
//
//	pd, _ := g.OpenPoll()
//	m.Arrive(at, pd, sched.PollRead)
//	pd.Prepare(g, sched.PollRead)
//	pd.Wait(g, sched.PollRead) // until then

// An arrival is what makes a descriptor ready.
type arrival struct {
	at   Time
	pd   *sched.PollDesc
	mode sched.PollMode
}

// network holds what has yet to arrive.
type network struct {
	actor    int32 // of its events; 0 until the first Arrive, when another has that number
	arrivals []arrival
}

// Arrive has pd become ready at the given time, or now if that has passed. What arrives at
// the same time does so in the order of the calls.
func (k *Machine) Arrive(at Time, pd *sched.PollDesc, mode sched.PollMode) {
	n := &k.network
	if n.actor == 0 {
		n.actor = k.q.actor()
	}
	at = max(at, k.now)
	i, _ := slices.BinarySearchFunc(n.arrivals, at, func(a arrival, at Time) int {
		if a.at <= at {
			return -1
		}
		return 1
	})
	n.arrivals = slices.Insert(n.arrivals, i, arrival{at, pd, mode})
	if i == 0 {
		k.q.set(n.actor, at)
	}
}

// deliver hands what has arrived to the pollers.
func (k *Machine) deliver(now Time) {
	n := &k.network
	for len(n.arrivals) > 0 && n.arrivals[0].at <= now {
		a := n.arrivals[0]
		n.arrivals = n.arrivals[1:]
		p := a.pd.Poller().(*poller)
		p.ready = append(p.ready, a)
		p.wake(now, -1)
	}
	if len(n.arrivals) > 0 {
		k.q.set(n.actor, n.arrivals[0].at)
	}
}

// A poller implements [machine.Poller].
type poller struct {
	k      *Machine
	waiter *thread
	broken bool
	ready  []arrival
}

// NewPoller implements sched.Machine.
func (k *Machine) NewPoller() (machine.Poller, error) { return &poller{k: k}, nil }

// Wait implements [machine.Poller].
func (p *poller) Wait(m *machine.M, ns int64) {
	k, t := p.k, threadOf(m)
	k.stats.futexes++
	k.charge(t, k.kernel.syscall)
	if ns != 0 && len(p.ready) == 0 && !p.broken {
		t.clock += k.kernel.sleeping
		k.record(t, 5<<40)
		t.wait, t.state, t.deadline = nil, blocked, never
		if ns > 0 {
			t.deadline = t.clock + Time(ns)*Nanosecond
		}
		p.waiter = t
		k.leave(t)
		k.yield(t)
		p.waiter = nil
	}
	if ns != 0 {
		p.broken = false
	}
	for _, a := range p.ready {
		a.pd.Ready(m, a.mode)
	}
	p.ready = nil
}

// Break implements [machine.Poller].
func (p *poller) Break(m *machine.M) {
	p.broken = true
	t := threadOf(m)
	if t == nil {
		p.wake(p.k.now, -1)
		return
	}
	p.k.stats.futexes++
	p.k.charge(t, p.k.kernel.syscall)
	p.wake(t.clock, t.cpu)
	p.k.sync(t)
}

// wake ends a Wait.
func (p *poller) wake(at Time, waker int32) {
	t := p.waiter
	if t == nil || t.state != blocked {
		return // nobody waits, or who did is about to go on
	}
	p.waiter = nil
	p.k.q.clear(t.actor)
	p.k.ready(t, at, waker, p.k.kernel.near)
}

// Close implements [machine.Poller].
func (p *poller) Close() {}
