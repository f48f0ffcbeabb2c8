package sched

// checkBinding samples which CPU m's thread is on, and binds the thread if that CPU is
// not of m's node, or not its P's under static. A goroutine does not own its thread: Go's
// runtime preempts one that has run for 10 ms, and another thread may take it up. So this
// is called every few turns, after every sleep and before every [G.Work].
//
// held says that m keeps this thread for now. A thread that nobody has bound may be on the
// right CPU by chance, and the kernel may move it at any time. The M that bound it last may
// have left it for another, and then gives this one its former mask back. A Work must be on
// its node to its end, so a held thread is bound even if it is on the right CPU.
func (m *M) checkBinding(held bool) {
	if !m.isBound(held) {
		m.bind()
	}
}

// isBound reports whether checkBinding has nothing more to do.
func (m *M) isBound(held bool) bool {
	p := m.p
	if !m.s.arm.Bind || m.Locked() || m.guest {
		return true
	}
	if !m.bindTried {
		return false
	}
	cpu := m.s.machine.Getcpu(&m.M)
	if cpu < 0 {
		return true
	}
	p.stats.Samples++
	if !p.mask.Contains(cpu) {
		return false
	}
	p.stats.OnNode++
	return !held || !m.s.severalDomains || m.s.machine.BoundHere(&m.M)
}

// bind binds m's thread to the CPUs of its P, unless that has failed before.
func (m *M) bind() {
	p := m.p
	m.bindTried = true
	if seen := m.s.cpuChanges.Load(); m.bindErr == nil || m.bindSeen != seen {
		m.bindSeen = seen
		m.bindErr = m.s.machine.Bind(&m.M, p.mask)
		p.stats.Binds++
	}
}
