package sched

import (
	"fmt"
	"slices"

	"numasched/sched/internal/coro"
	"numasched/sched/internal/inspect"
	"numasched/sched/internal/machine"
	"numasched/sched/policy"
)

// What package explore sees of a scheduler, by package inspect.

func init() { inspect.Of = func(s any) inspect.Inside { return inside{s.(*Sched)} } }

// inside implements [inspect.Inside].
type inside struct{ s *Sched }

func (in inside) ReportOuter() { in.s.m0.memory = in.s.machine.Memory() }

func (in inside) Visit(g, fns any) { g.(*G).visitedBy(fns.([]func(*G))) }

func (in inside) WithSysmon(on bool) { in.s.noSysmon = !on }

func (in inside) CheckQuiet() error {
	s := in.s
	idle, l := 0, s.layout.v.Load()
	for i, n := range l.nodes {
		if err := n.checkQuiet(l.psOf[i]); err != nil {
			return fmt.Errorf("node %d: %w", i, err)
		}
		idle += len(l.psOf[i])
	}
	if got := census(s.npidle.Peek()); got.idle() != idle || got.procs() != l.procs || len(l.ps) != l.procs {
		return fmt.Errorf("%d Ps are idle, of %d that there are to be; the count is %d of %d", idle, l.procs, got.idle(), got.procs())
	}
	for _, p := range l.made[l.procs:] {
		if !p.gone || p.idle || !p.timersGone {
			return fmt.Errorf("P %d has not gone", p.id)
		}
	}
	if k := s.lock.key.Peek(); k != mutexUnlocked {
		return fmt.Errorf("the scheduler's lock is held (%d)", k)
	}
	for _, p := range l.made {
		if err := p.checkQuiet(); err != nil {
			return fmt.Errorf("P %d: %w", p.id, err)
		}
	}
	var ms []*M
	s.m0.look(&s.lock, func() { ms = slices.Clone(s.allm) }) // Ms with a G of their own may be ending
	for _, m := range ms {
		if err := m.checkQuiet(); err != nil {
			return fmt.Errorf("M %d: %w", m.ID, err)
		}
	}
	return nil
}

func (in inside) CheckAttended(now int64, dozes func(m *machine.M) bool) error {
	s := in.s
	l := s.layout.v.Load()
	for i, n := range l.nodes {
		if n.poll.v != 0 || n.nidle.Peek() == 0 && n.nprocs.Peek() != 0 {
			continue
		}
		awaited := n.waiters.Peek() != 0
		for _, p := range l.psOf[i] {
			awaited = awaited || p.timers.next.v != 0
		}
		if awaited && !slices.ContainsFunc(s.allm, func(m *M) bool { return m.attends(n, now) || (m.idle || m.searching) && dozes(&m.M) }) {
			return fmt.Errorf("node %d: a P is idle, and no M waits for its timers and descriptors", i)
		}
	}
	return nil
}

// attends reports whether m has left n's poller briefly, with one of n's Ps, which is not taken
// from it, and sysmon need not have seen to the poller yet.
func (m *M) attends(n *Node, now int64) bool {
	p := m.p
	if p == nil && m.oldp != nil && m.oldp.status.Peek() == m.syscall && m.syscall&inSyscall != 0 {
		p = m.oldp
	}
	return p != nil && p.node == n && m.leftPoll != 0 && m.brief && !m.s.noSysmon && now-m.leftPoll <= 2*policy.PollPatience
}

func (n *Node) checkQuiet(ps []*P) error {
	if k := n.lock.key.Peek(); k != mutexUnlocked {
		return fmt.Errorf("its lock is held (%d)", k)
	}
	if n.runq.n != 0 {
		return fmt.Errorf("%d Gs in its queue while all Ps are idle", n.runq.n)
	}
	if n.inbox.Peek() != nil {
		return fmt.Errorf("its inbox is not empty while all Ps are idle")
	}
	if got := n.nrunq.Peek(); got != 0 {
		return fmt.Errorf("nrunq is %d with an empty queue", got)
	}
	if got := int32(n.nsearch.Peek()); got != 0 {
		return fmt.Errorf("nsearch is %d while all Ms sleep", got)
	}
	listed, last := 0, (*elem[P])(nil)
	for e := n.idle.head; e != nil; last, e = e, e.next {
		if p := e.of; !p.idle || p.node != n || e.back != last {
			return fmt.Errorf("its idle list is broken at P %d", p.id)
		}
		if listed++; listed > len(ps) {
			return fmt.Errorf("its idle list has a loop")
		}
	}
	if listed != len(ps) || listed != int(n.nidle.Peek()) || listed != int(n.nprocs.Peek()) {
		return fmt.Errorf("%d of %d Ps on its idle list, nidle is %d, nprocs is %d", listed, len(ps), n.nidle.Peek(), n.nprocs.Peek())
	}
	return nil
}

func (p *P) checkQuiet() error {
	if n := ringLen(p.ring.state.v); n != 0 {
		return fmt.Errorf("idle with %d Gs in its ring", n)
	}
	if n := p.ring.private(); n != 0 {
		return fmt.Errorf("idle with %d private Gs in its ring", n)
	}
	if p.runnext.v != nil {
		return fmt.Errorf("idle with a G to run next")
	}
	if p.m != nil {
		return fmt.Errorf("idle and held by M %d", p.m.ID)
	}
	return nil
}

func (m *M) checkQuiet() error {
	if m.isSysmon || m.Locked() || m.guest && m.p == nil {
		return nil // it holds no P, and is on no list
	}
	if m.p != nil || m.nextp != nil || m.searching {
		return fmt.Errorf("it holds a P, or will, or searches")
	}
	if m.oldp == nil {
		return fmt.Errorf("it has started and not had a P yet")
	}
	if !m.idle {
		if m.oldp.node.poll.v != 0 {
			return nil // it waits for the node's timers; its Node has but one such M
		}
		return fmt.Errorf("it is not on its Node's idle list")
	}
	if k := m.note.key.Peek(); k != noteSleeping {
		return fmt.Errorf("it is idle with a note in state %d, not asleep on it (%d)", k, noteSleeping)
	}
	n := 0
	for c := m.freec; c != nil; c = c.link {
		n++
	}
	if n != m.nfreec {
		return fmt.Errorf("it has %d free carriers and counts %d", n, m.nfreec)
	}
	return nil
}

// Sleeping implements [machine.Worker].
func (m *M) Sleeping(w machine.Word) bool {
	return w == m.note.key.futex() || m.oldp != nil && w == m.oldp.node.broken.futex()
}

// Stack implements [machine.Worker].
func (m *M) Stack() any { return m.c }

func (in inside) DescribeLine(line machine.Line) (name, value string) {
	s := in.s
	l := s.layout.v.Load()
	for i, n := range l.nodes {
		switch line {
		case n.lock.key.line:
			return fmt.Sprintf("node%d.lock", i), n.lock.String()
		case n.nrunq.line:
			return fmt.Sprintf("node%d.nrunq, inbox", i), fmt.Sprintf("%d, %v", n.nrunq.Peek(), n.inbox.Peek() != nil)
		case n.nidle.line:
			return fmt.Sprintf("node%d.nidle", i), fmt.Sprint(n.nidle.Peek())
		case n.nsearch.line:
			return fmt.Sprintf("node%d.nsearch", i), fmt.Sprint(int32(n.nsearch.Peek()))
		case n.timed.line:
			return fmt.Sprintf("node%d.timed, nprocs, light", i), fmt.Sprintf("%d, %d, %d", n.timed.Peek(), n.nprocs.Peek(), n.light.Peek())
		case n.poll.line:
			return fmt.Sprintf("node%d.poll", i), fmt.Sprintf("until %d, broken %d", n.poll.v, n.broken.Peek())
		}
	}
	for _, p := range l.made {
		switch {
		case line == p.ring.state.line:
			st := p.ring.state.v
			return fmt.Sprintf("P%d.ring", p.id), fmt.Sprintf("%d Gs from %d", ringLen(st), ringHead(st))
		case line >= p.ring.lines && line < p.ring.lines+ringLines:
			return fmt.Sprintf("P%d.slots", p.id), ""
		case line == p.timers.next.line:
			return fmt.Sprintf("P%d.timers", p.id), fmt.Sprintf("%d, first at %d, lock %s", len(p.timers.heap), p.timers.next.v, p.timers.lock.String())
		case line == p.status.line:
			return fmt.Sprintf("P%d.status", p.id), fmt.Sprint(p.status.Peek())
		case line == p.runnext.line:
			if p.runnext.v == nil {
				return fmt.Sprintf("P%d.runnext", p.id), "none"
			}
			return fmt.Sprintf("P%d.runnext", p.id), "a G"
		case p.gpool != nil && line == p.gpool.lock.key.line:
			return "gpool.lock", p.gpool.lock.String()
		}
	}
	for _, m := range s.allm {
		if line == m.note.key.line {
			return fmt.Sprintf("M%d.note", m.ID), [...]string{"clear", "signalled", "sleeping"}[m.note.key.Peek()]
		}
	}
	switch line {
	case 0:
		return "a caller's word", ""
	case s.lock.key.line:
		return "sched.lock", s.lock.String()
	case s.npidle.line:
		c := census(s.npidle.Peek())
		return "npidle", fmt.Sprintf("%d of %d", c.idle(), c.procs())
	case s.layout.line:
		return "layout", fmt.Sprintf("%d Ps", l.procs)
	case s.nretaken.line:
		return "nretaken", fmt.Sprint(s.nretaken.Peek())
	case s.stopping.line:
		return "stopping", fmt.Sprint(s.stopping.Peek())
	case s.nm.line:
		return "nm", fmt.Sprint(s.nm.Peek())
	}
	return "", ""
}

func (l *mutex) String() string {
	return [...]string{"unlocked", "locked", "locked, sleepers"}[l.key.Peek()]
}

func (in inside) Stopping() bool { return in.s.stopping.Peek() == stopping }

// A reuse is what is needed to make a scheduler as new: the explorer wants a new
// one a hundred thousand times a second.
type reuse struct {
	ps     []P      // as New has made them
	nodes  []Node   // likewise, of all domains
	pools  []*gPool // of the domains, likewise
	lines  uint32
	layout *layout

	me    *coro.Stack
	spare *carrier // in none of its lives
	all   []*carrier
}

func (in inside) Reuse() {
	s := in.s
	r := &reuse{lines: s.lines.Load(), layout: s.layout.v.Load(), me: coro.Current()}
	for _, p := range r.layout.ps {
		r.ps = append(r.ps, *p)
	}
	for _, d := range s.domains {
		r.nodes = append(r.nodes, *d.node)
		r.pools = append(r.pools, d.gpool)
	}
	s.reuse = r
}

func (in inside) Reset() {
	s := in.s
	for i, d := range s.domains {
		if d.gpool = s.reuse.pools[i]; d.gpool != nil {
			d.gpool.lock.key.v, d.gpool.full = mutexUnlocked, nil
		}
	}
	for i, p := range s.reuse.layout.ps {
		*p = s.reuse.ps[i]
	}
	for i, d := range s.domains {
		n := d.node
		buf := n.runq.buf
		clear(buf)
		*n = s.reuse.nodes[i]
		n.runq.buf = buf
		n.timed.v, n.poll.v, n.broken.v = 0, 0, 0
		n.netpoll.Store(nil)
	}
	s.layout.v.Store(s.reuse.layout)
	for _, w := range []*word32{&s.stopping, &s.quiet, &s.lock.key, &s.nfreec, &s.nm, &s.nretaken, &s.noutside, &s.sysmonWaits} {
		w.v = 0
	}
	s.npidle.v = uint32(len(s.reuse.ps)) * (oneP + 1)
	s.lines.Store(s.reuse.lines)
	s.runs, s.err, s.later, s.closed = nil, nil, nil, false
	s.ncarriers, s.allm, s.mcount, s.sysmonM = 0, nil, 0, nil
	clear(s.guests.doors)
	s.guests.free, s.guests.made = nil, 0
}

func (in inside) Discard() {
	s := in.s
	for _, c := range s.reuse.all {
		c.endStack(s.reuse.me)
	}
	s.reuse = nil
}

// carrier returns a carrier as new. Its coroutine does not end with its life.
func (r *reuse) carrier() *carrier {
	if c := r.spare; c != nil {
		r.spare, c.link = c.link, nil
		return c
	}
	c := new(carrier)
	r.all = append(r.all, c)
	return c
}

// put takes a carrier back, and unwinds what is on it.
func (r *reuse) put(c *carrier) {
	if c.living {
		c.back = r.me
		r.me.Cancel(c.stack)
		c.mustBeSound()
	}
	c.parked, c.lockedm, c.runs = nil, nil, nil
	c.link, r.spare = r.spare, c
}
