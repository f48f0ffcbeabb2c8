package explore

import "numasched/sched/internal/machine"

// Queues. A P's queue is one word: its own algorithm is not looked at here.

func (r *goRuntime) runqput(mp *goM, pp *goP, gp *goG, next bool) {
	pp.runq.add(mp, 1)
	if next {
		gp, pp.next = pp.next, gp
	}
	if gp != nil {
		pp.ring = append(pp.ring, gp)
	}
}

func (r *goRuntime) runqputbatch(mp *goM, pp *goP, gs []*goG) {
	if len(gs) == 0 {
		return
	}
	pp.runq.add(mp, int32(len(gs)))
	pp.ring = append(pp.ring, gs...)
}

func (r *goRuntime) runqget(mp *goM, pp *goP) (gp *goG) {
	if pp.runq.load(mp) == 0 {
		return nil
	}
	pp.runq.access(mp, machine.RMW)
	switch {
	case pp.next != nil:
		gp, pp.next = pp.next, nil
	case len(pp.ring) > 0:
		gp, pp.ring = pp.ring[0], pp.ring[1:]
	default:
		return nil // stolen meanwhile
	}
	pp.runq.v--
	return gp
}

func (r *goRuntime) runqempty(mp *goM, pp *goP) bool { return pp.runq.load(mp) == 0 }

func (r *goRuntime) runqsteal(mp *goM, pp, p2 *goP, stealRunNext bool) *goG {
	if p2.runq.load(mp) == 0 || len(p2.ring) == 0 && !stealRunNext {
		return nil
	}
	if len(p2.ring) == 0 {
		next := p2.next
		if next == nil {
			return nil
		}
		r.usleep(mp) // stock does not if no M runs p2; here nobody asks
		p2.runq.access(mp, machine.RMW)
		if p2.next != next {
			return nil
		}
		p2.next = nil
		p2.runq.v--
		return next
	}
	p2.runq.access(mp, machine.RMW)
	return r.grab(mp, pp, p2, (len(p2.ring)+1)/2)
}

// grab moves the oldest n of p2's ring to pp, and returns the last of them instead.
func (r *goRuntime) grab(mp *goM, pp, p2 *goP, n int) *goG {
	if n == 0 {
		return nil
	}
	gs := p2.ring[:n:n]
	p2.ring = p2.ring[n:]
	p2.runq.v -= uint32(n)
	r.runqputbatch(mp, pp, gs[:n-1])
	return gs[n-1]
}

func (r *goRuntime) globrunqput(mp *goM, gp *goG)     { r.pushBack(mp, gp) }
func (r *goRuntime) globrunqputhead(mp *goM, gp *goG) { r.push(mp, gp) }
