package policy

// What NUMA-WS does otherwise (Deters, Wu, Xu and Lee, 2018): a thief draws its victim, and
// near ones have better odds. A task that belongs to another place is pushed into a
// mailbox there. A worker has one mailbox with room for one task. If the mailbox that was
// drawn is full, another one is drawn, a few times. Then the task stays where it is, and a
// thief may take it.
//
// The mailboxes of a Node are its queue: a G that is pushed there is in one of them, and
// the odds that a drawn one is full are as good as the queue is long. A thief that draws a
// victim on another node takes what is in the mailboxes there half of the time.

// The odds of a victim on the own node, on the nearest other nodes, and farther away, in
// percent. Where all other nodes are equally near, they have both of their shares.
const (
	NearOdds = 70
	NextOdds = 24
)

// PushLimit is how many mailboxes are drawn before a task stays where it is.
const PushLimit = 4

// Push reports whether a G that is at home on another Node goes there: whether one of
// PushLimit mailboxes is free, of which that Node has one for each of its procs Ps, and
// queued are full.
func (p *P) Push(queued, procs uint32) bool {
	if !p.Odds {
		return true
	}
	for range PushLimit {
		if p.Rand.Next()%procs >= queued {
			return true
		}
	}
	return false
}

// drawTier draws the tier of a victim: which tiers there are depends on the machine. A
// tier of near victims has odds in proportion to its Ps.
func (p *P) drawTier() uint32 {
	near, first := uint32(0), len(p.Tiers)
	for i := range p.Tiers {
		if p.Tiers[i].Remote {
			first = i
			break
		}
		near += p.Tiers[i].N
	}
	odds := p.Rand.Next() % 100
	switch rest := len(p.Tiers) - first; {
	case rest == 0 || near > 0 && odds < NearOdds:
		at := p.Rand.Next() % max(near, 1)
		for i := range p.Tiers[:first] {
			if at < p.Tiers[i].N {
				return uint32(i)
			}
			at -= p.Tiers[i].N
		}
		return 0
	case rest == 1 || odds < NearOdds+NextOdds:
		return uint32(first)
	default:
		return uint32(first+1) + p.Rand.Next()%uint32(rest-1)
	}
}

// draw returns the next step of a search by odds. There are as many draws as Ps; then the
// thief looks at all of them in the usual order, once, before it gives up. Else a G could
// stay with nobody to find it.
func (s *Search) draw(p *P) (Step, bool) {
	if s.draws >= p.Procs || len(p.Tiers) == 0 {
		return Step{}, false
	}
	s.draws++
	t := p.drawTier()
	tier := &p.Tiers[t]
	if tier.Remote && p.Queues > 1 && p.Rand.Next()&1 == 0 {
		return Step{Kind: FarQueue, Index: p.FarNode(), Theft: s.theft(true, false, true)}, true
	}
	return Step{Kind: Victim, Tier: t, Index: p.Rand.Next() % tier.N, Theft: s.theft(tier.Remote, false, false)}, true
}
