package sched

// checkBinding samples which CPU m's thread is on, and binds the thread if that CPU is
// not of m's node, or not its P's under static. A goroutine does not own its thread: Go's runtime preempts one that
// has run for 10 ms, and another thread may take it up. So this is called every few
// turns, after every sleep and before every [G.Work].
func (m *M) checkBinding() {
	p := m.p
	if !m.s.arm.Bind || m.Locked() || m.guest {
		return
	}
	if m.bindTried {
		cpu := m.s.machine.Getcpu(&m.M)
		if cpu < 0 {
			return
		}
		p.stats.Samples++
		if p.mask.Contains(cpu) {
			p.stats.OnNode++
			return
		}
	}
	m.bindTried = true
	if seen := m.s.cpuChanges.Load(); m.bindErr == nil || m.bindSeen != seen {
		m.bindSeen = seen
		m.bindErr = m.s.machine.Bind(&m.M, p.mask)
		p.stats.Binds++
	}
}
