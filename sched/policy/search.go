package policy

// In the four (doc.go) two rounds instead of four, and none or three of them near instead of
// one, change pingpong by 3 % at most, triad by -15 to +5 %, and fib and wakestorm by no more than
// another seed does. So these numbers matter little there, and no other is better
// on both machines.
const (
	// StealRounds is how often a searcher goes over its victims, as in Go.
	StealRounds = 4

	// Patience is how many of the rounds stay on the searcher's own node, in arms that
	// steal near first.
	Patience = 1
)

// A Kind is what a Step of a Search does.
type Kind uint8

const (
	GiveUp   Kind = iota // there is nothing
	Victim               // rob P number Index of tier Tier, unless that is the thief itself
	AnyP                 // rob P number Index of all, if it is on another node
	OwnQueue             // take a batch from the queue of the own Node, see [QueueBatch]
	FarQueue             // take what [Theft.Take] says from the queue of Node number Index, by distance
)

// A Step is one step of a Search. Theft says how much to take.
type Step struct {
	Theft
	Kind  Kind
	Tier  uint32
	Index uint32
}

// A Search is the order in which an M that may search looks at other Ps and Nodes:
//
//   - If the last thefts were small: at a few Ps of other nodes (smallthefts.go).
//   - If its Node is very hungry: at the other Nodes' queues (hunger.go).
//   - Then in four rounds, as in Go: at all Ps, tier by tier and each tier in a random
//     order; at its own Node's queue; at the other Nodes' queues, in order of distance.
//     The first round stays on the own node. Only the last takes what a victim runs next.
//
// By NUMA-WS's odds, the thief draws victims instead, and makes the last round at the end
// (biased.go).
//
// A Search ends when a step has found a G, or with GiveUp.
type Search struct {
	stage  stage
	round  uint8
	probes uint8  // left
	tier   uint32 // the next one
	queue  uint32 // the next one
	walk   Walk   // over the tier before
	hunger uint32
	draws  uint32 // by odds, so far
}

// A stage is what a Search goes over.
type stage uint8

const (
	overAny stage = iota
	overQueuesHungry
	overTiers
	overQueues
)

// Search begins a search by an M that holds p. hunger is what [Appetite.After] said, if
// the M has just waited for its [Grace], and 0 otherwise.
func (p *P) Search(hunger uint32) Search {
	return Search{probes: p.probes(), queue: 1, hunger: hunger}
}

// Next returns the next step, after one that found nothing.
func (s *Search) Next(p *P) Step {
	if p.Odds {
		if step, ok := s.draw(p); ok {
			return step
		}
		s.round = StealRounds - 1
	}
	for {
		last := s.round == StealRounds-1
		switch s.stage {
		case overAny:
			if s.probes > 0 {
				s.probes--
				return Step{Kind: AnyP, Index: p.Rand.Next() % p.Procs, Theft: s.theft(true, p.Homes, false)}
			}
			s.stage = overQueuesHungry

		case overQueuesHungry:
			if s.hunger > 1 && s.queue < p.Queues {
				s.queue++
				return Step{Kind: FarQueue, Index: s.queue - 1, Theft: s.theft(true, true, true)}
			}
			s.stage = overTiers

		case overTiers:
			if i, ok := s.walk.Next(); ok {
				remote := p.Tiers[s.tier-1].Remote
				return Step{Kind: Victim, Tier: s.tier - 1, Index: i, Theft: s.theft(remote, remote && p.Homes && !p.Odds, last)}
			}
			if t := s.tier; int(t) < len(p.Tiers) && !(p.Tiers[t].Remote && s.round < Patience) {
				s.tier++
				s.walk = NewWalk(p.Tiers[t].N, p.Tiers[t].strides, p.Rand.Next())
				continue
			}
			s.stage, s.queue = overQueues, 1
			return Step{Kind: OwnQueue}

		case overQueues:
			if s.round >= Patience && s.queue < p.Queues {
				s.queue++
				return Step{Kind: FarQueue, Index: s.queue - 1, Theft: s.theft(true, !p.Odds, last)}
			}
			if last {
				return Step{Kind: GiveUp}
			}
			s.round++
			s.stage, s.tier = overTiers, 0
		}
	}
}

func (s *Search) theft(remote, spares, last bool) Theft {
	return Theft{Remote: remote, Spares: spares, Last: last, Hunger: s.hunger}
}
