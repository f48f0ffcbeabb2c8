package sched

import (
	"strings"

	"numasched/sched/internal/machine"
	"numasched/sched/policy"
)

// sysmon is an M without a P that looks at what the others do, after Go's. It takes Ps
// away from Ms in system calls, and it finds Gs that keep a P while they wait for
// something that the scheduler does not know. How often it looks, and what it does then, is
// in package policy: watch.go, retake.go, slice.go and stuck.go there. While every P is idle
// it sleeps.

// newSysmon starts sysmon. s.outer is held.
func (m *M) newSysmon() {
	nm := m.allocm()
	nm.isSysmon = true
	s := m.s
	s.lock.lock(m)
	s.sysmonM = nm
	s.lock.unlock(m)
	m.startNew(nm, nil)
}

// stopSysmon wakes sysmon, because the scheduler stops. sysmon may sleep for a while or
// until it is woken.
func (m *M) stopSysmon(sysmon *M) {
	m.s.sysmonWaits.store(m, 0)
	sysmon.note.key.swap(m, noteSignalled)
	m.s.machine.Futexwakeup(&m.M, sysmon.note.key.futex(), 1)
}

// A watch is what sysmon remembers of a P.
type watch struct {
	call  policy.Sighting
	stuck policy.Stuck
}

// sysmon is what the M runs.
func (m *M) sysmon() {
	s := m.s
	var pace policy.Pace
	seen, asks := []watch(nil), new(policy.StuckAsks)
	traced := m.memory == nil && s.trace.Every != 0 // there are lines while all is idle, too, as Go has it
	for {
		if s.machine.Futexsleep(&m.M, m.note.key.futex(), noteClear, pace.Delay()); s.stopping.load(m) == stopping {
			return
		}
		if idle := !traced && m.count().allIdle(); pace.MaySleep(idle, s.guests.came()) {
			m.sysmonSleep()
			pace.Again()
			continue
		}
		now := s.machine.Nanotime(&m.M)
		m.traceDue(now)
		slices, did := pace.Slices(now), false
		l := s.layout.load(m)
		seen = append(seen, make([]watch, max(0, len(l.ps)-len(seen)))...)
		for i, p := range l.ps {
			did = m.retakeLong(p, &seen[i].call, now) || did
			if slices {
				m.watchSlice(p, &seen[i].stuck, asks, now)
			}
		}
		for _, n := range l.nodes {
			did = m.helpTimers(n, now) || did
			if n.poller() != nil && policy.NobodyPolls(int64(n.polled.load(m)), now) {
				did = m.netpoll(n) || m.wakePoller(n) || did
			}
		}
		pace.Looked(did)
	}
}

// sysmonSleep sleeps until some P is not idle: see wakeSysmon.
func (m *M) sysmonSleep() {
	s := m.s
	s.sysmonWaits.store(m, 1)
	if m.count().allIdle() && s.stopping.load(m) != stopping {
		m.note.sleep(m)
		return
	}
	if !s.sysmonWaits.cas(m, 1, 0) {
		m.note.sleep(m) // a wakeup is under way
	}
}

// wakeSysmon is called when not every P is idle any more.
func (m *M) wakeSysmon() {
	s := m.s
	if s.sysmonWaits.load(m) != 0 && s.sysmonWaits.cas(m, 1, 0) {
		s.sysmonM.note.wakeup(m)
	}
}

// retakeLong takes p away from an M that has been in the same system call since sysmon's
// last look, if the policy wants it, and reports whether it did.
func (m *M) retakeLong(p *P, seen *policy.Sighting, now int64) bool {
	status := p.status.load(m)
	if status&inSyscall == 0 || !seen.Seen(status, now) {
		return false
	}
	n := p.node
	for step := policy.CallHasWork; ; {
		yes := false
		switch step {
		case policy.CallHasWork:
			yes = p.hasWork(m)
		case policy.QueueHasWork:
			yes = m.queued(n)
		case policy.OthersFree:
			yes = n.nsearch.load(m)+n.nidle.load(m) > 0
		case policy.IsPatient:
			yes = seen.Patient(now)
		case policy.TakeP:
			return m.retake(p, status)
		case policy.LeaveP:
			return false
		}
		step = step.Next(yes)
	}
}

// helpTimers has an M of another node run n's timers if they are late and every P of n is
// busy with a G that does not come back to the scheduler. It reports whether it did.
func (m *M) helpTimers(n *Node, now int64) bool {
	if !policy.TimersOverdue(n.firstTimer(m), n.helped, now) || n.nidle.load(m) != 0 {
		return false
	}
	for _, far := range m.near(n)[1:] {
		if far.nidle.load(m) == 0 {
			continue
		}
		far.lock.lock(m)
		p, mp := m.takeFirstIdle(far)
		far.lock.unlock(m)
		if p != nil {
			n.helped = now
			p.late = n
			m.startm(p, mp, false)
			return true
		}
	}
	return false
}

// watchSlice asks for Ps whose time slice is over, and finds Gs that keep their P for long
// although they do not compute.
func (m *M) watchSlice(p *P, stuck *policy.Stuck, asks *policy.StuckAsks, now int64) {
	if p.slice.load(m) == sliceFresh {
		stuck.Fresh(now)
		p.slice.store(m, sliceSeen)
		return
	}
	m.askFor(p, now)
	after := m.s.stuckAfter
	if !asks.Due(stuck, after, now) || p.status.load(m)&inSyscall != 0 || !m.workFor(p.node) || m.pIdle(p) {
		return
	}
	asks.Asked(stuck, after, now)
	if waits := m.s.machine.NativeWaits(); len(waits) > 0 {
		if m.events != nil {
			m.events.Event(&m.M, machine.Event{Kind: machine.EventStuck, M: int32(m.ID), P: int32(p.id), Arg: uint64(len(waits))})
		}
		m.s.report("sched: Gs keep their Ps and wait for what the scheduler does not know, while other Gs are ready " +
			"(see \"What a G must not do\" in package sched). If the process has several schedulers, these are the Gs of all:\n\n" + strings.Join(waits, "\n\n") + "\n")
	}
}

// pIdle reports whether p is idle, or has gone.
func (m *M) pIdle(p *P) bool {
	n := p.node
	n.lock.lock(m)
	idle := p.idle || p.gone
	n.lock.unlock(m)
	return idle
}
