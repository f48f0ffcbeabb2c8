package sched

import "strings"

// sysmon is an M without a P that looks at what the others do, after Go's. It takes Ps
// away from Ms in system calls, and it finds Gs that keep a P while they wait for
// something that the scheduler does not know.
//
// It looks every 20 us, and less often when it had nothing to do for a while, down to
// every 10 ms: Go's numbers (Vyukov 2013). While every P is idle it sleeps.
const (
	sysmonMin   = 20_000     // nanoseconds between two looks
	sysmonMax   = 10_000_000 // likewise, when nothing happens
	sysmonPause = 50         // looks without anything to do before it doubles the time

	// syscallPatience is how long a P that nobody needs stays with a system call, in
	// nanoseconds, as in Go.
	syscallPatience = 10_000_000

	// timersLate is how late the timers of a node must be until another node runs them, in
	// nanoseconds.
	timersLate = 1_000_000

	// stuckAfter is how long a G may keep its P before sysmon asks whether it waits
	// natively, in nanoseconds.
	stuckAfter = 5_000_000_000

	// asksMax is the longest time between two such questions. Each stops the world on a
	// host, so after each the time doubles: on a machine that is so busy that Gs keep
	// their Ps for seconds, questions would make it busier.
	asksMax = 16 * stuckAfter
)

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

// A sighting is what sysmon has seen of a P.
type sighting struct {
	status uint32 // of an odd P.status
	when   int64  // when that was first seen

	since int64 // since when the same G keeps the P
	told  bool  // sysmon has asked whether it waits natively
}

// asks is when sysmon may next ask which Gs wait natively.
type asks struct{ next, pause int64 }

// sysmon is what the M runs.
func (m *M) sysmon() {
	s := m.s
	seen, ask := make([]sighting, len(s.ps)), new(asks)
	delay, idle, watched := int64(sysmonMin), 0, int64(0)
	traced := m.memory == nil && s.trace.Every != 0 // there are lines while all is idle, too, as Go has it
	for {
		if s.machine.Futexsleep(&m.M, m.note.key.futex(), noteClear, delay); s.stopping.load(m) == stopping {
			return
		}
		if !traced && int(s.npidle.load(m)) == len(s.ps) {
			m.sysmonSleep()
			delay, idle = sysmonMin, 0
			continue
		}
		now := s.machine.Nanotime(&m.M)
		m.traceDue(now)
		watch, did := now >= watched+sysmonMax, false
		if watch {
			watched = now
		}
		for i, p := range s.ps {
			did = m.retakeLong(p, &seen[i], now) || did
			if watch {
				m.watchSlice(p, &seen[i], ask, now)
			}
		}
		for _, n := range s.nodes {
			did = m.helpTimers(n, now) || did
			if n.poller() != nil && now-int64(n.polled.load(m)) > sysmonMax {
				did = m.netpoll(n) || did
			}
		}
		if did {
			delay, idle = sysmonMin, 0
		} else if idle++; idle > sysmonPause {
			delay = min(2*delay, sysmonMax)
		}
	}
}

// sysmonSleep sleeps until some P is not idle: see wakeSysmon.
func (m *M) sysmonSleep() {
	s := m.s
	s.sysmonWaits.store(m, 1)
	if int(s.npidle.load(m)) == len(s.ps) && s.stopping.load(m) != stopping {
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
// last look, and reports whether it did. A P that has no work of its own stays there for
// a while if others can take up what comes.
func (m *M) retakeLong(p *P, seen *sighting, now int64) bool {
	status := p.status.load(m)
	if status&inSyscall == 0 {
		return false
	}
	if seen.status != status {
		seen.status, seen.when = status, now
		return false
	}
	n := p.node
	if !p.hasWork(m) && n.nrunq.load(m) == 0 && n.nsearch.load(m)+n.nidle.load(m) > 0 && now < seen.when+syscallPatience {
		return false
	}
	return m.retake(p, status)
}

// helpTimers has an M of another node run n's timers if they are late and every P of n is
// busy with a G that does not come back to the scheduler. It reports whether it did.
func (m *M) helpTimers(n *Node, now int64) bool {
	when := n.firstTimer(m)
	if when == 0 || now < max(when, n.helped)+timersLate || n.nidle.load(m) != 0 {
		return false
	}
	for _, far := range n.near[1:] {
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
func (m *M) watchSlice(p *P, seen *sighting, ask *asks, now int64) {
	if p.slice.load(m) == sliceFresh {
		seen.since, seen.told = now, false
		p.slice.store(m, sliceSeen)
		return
	}
	m.askFor(p, now)
	if seen.told || now < max(seen.since+stuckAfter, ask.next) || p.status.load(m)&inSyscall != 0 || !m.workFor(p.node) || m.pIdle(p) {
		return
	}
	seen.told = true
	ask.pause = min(2*ask.pause+stuckAfter, asksMax)
	ask.next = now + ask.pause
	if waits := m.s.machine.NativeWaits(); len(waits) > 0 {
		m.s.report("sched: Gs keep their Ps and wait for what the scheduler does not know, while other Gs are ready " +
			"(see \"What a G must not do\" in package sched):\n\n" + strings.Join(waits, "\n\n") + "\n")
	}
}

// pIdle reports whether p is idle.
func (m *M) pIdle(p *P) bool {
	n := p.node
	n.lock.lock(m)
	idle := p.idle
	n.lock.unlock(m)
	return idle
}
