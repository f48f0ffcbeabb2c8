package sim

// M. Hohnbaum's simple NUMA scheduler, a patch for Linux 2.5.40 (sched40a, October 2002)
// on top of policy_o1.go. Its rules:
//
//   - A CPU looks on its own node first. If it has threads, another CPU there must have
//     more than a quarter more.
//   - If there is none, it looks at other nodes. The other CPU must have more than four
//     times as many threads, and at least one counts for one that has none. One thread is
//     taken at a time.
//   - exec goes to the CPU with the fewest threads, but stays if its own has two or
//     fewer.
type simpleNUMA struct{ blind }

func newSimpleNUMA(k *Machine, _ OSPolicy) osPolicy {
	p := &o1{busy: o1Busy}
	p.init(k, &simpleNUMA{blind{p}})
	return p
}

func (p *simpleNUMA) exec(t *thread) int32 {
	best, least := p.loginCPU, p.length(p.loginCPU)+1 // the thread itself is there
	if least <= 2 {
		return best
	}
	for _, cpu := range p.online {
		if n := p.length(cpu); n < least && t.allowed.has(cpu) {
			best, least = cpu, n
		}
	}
	return best
}

func (p *simpleNUMA) busiest(cpu int32, idle bool) (int32, int) {
	own := max(1, p.own(cpu, idle))
	at, most := [2]int32{-1, -1}, [2]int{1, 1} // on the node, and elsewhere
	for _, v := range p.online {
		far := 0
		if p.cpus[v].node != p.cpus[cpu].node {
			far = 1
		}
		if n := p.queue(v, cpu, idle); n > most[far] && v != cpu {
			at[far], most[far] = v, n
		}
	}
	switch {
	case at[0] >= 0 && (idle || own*5/4 < most[0]) && p.length(at[0]) > p.length(cpu):
		return at[0], max(1, (most[0]-own)/2)
	case at[1] >= 0 && own*4 < most[1] && p.length(at[1]) > p.length(cpu):
		return at[1], 1
	}
	return -1, 0
}
