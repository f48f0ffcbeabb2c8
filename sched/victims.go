package sched

import (
	"maps"
	"slices"

	"numasched/sched/policy"
	"numasched/topology"
)

// Whom a P robs: tiers of Ps, nearest first. Arms that do not steal near first have all Ps
// in one tier. Tiers are made once and shared by all Ps that have the same: if each of 4096
// Ps had its own, they would take 200 MB, and longer to make than a short run lasts.
//
// Invariant: nobody changes a tier.

// victims are what the Ps of one domain have in common.
type victims struct {
	own  []*P          // in the domain
	ps   [][]*P        // elsewhere, or everywhere if near ones are not first
	tier []policy.Tier // of ps
}

// findVictims fills in l.victims.
func (l *layout) findVictims(topo *topology.Topology, s *Sched) {
	l.victims = make([]victims, len(s.domains))
	for _, p := range l.ps {
		v := &l.victims[p.domain.index]
		v.own = append(v.own, p)
	}
	all := tierOf(l.ps, false)
	for i := range l.victims {
		switch v := &l.victims[i]; {
		case s.arm.Near && !s.arm.Closed:
			v.findFar(topo, s.domains[i], l)
		case !s.arm.Near && !s.arm.Closed:
			v.ps, v.tier = [][]*P{l.ps}, []policy.Tier{all}
		case !s.arm.Near && len(v.own) > 0:
			v.ps, v.tier = [][]*P{v.own}, []policy.Tier{tierOf(v.own, false)}
		}
	}
}

// findFar has v, which is of the domain here, have the Ps of others as its tiers.
func (v *victims) findFar(topo *topology.Topology, here *domain, l *layout) {
	byDistance := make(map[int][]*P)
	for i := range l.victims {
		if own := l.victims[i].own; i != here.index && len(own) > 0 {
			d := policy.Distance(false, false, topo.Distance(here.id, own[0].domain.id))
			byDistance[d] = append(byDistance[d], own...)
		}
	}
	for _, d := range slices.Sorted(maps.Keys(byDistance)) {
		tier := byDistance[d]
		slices.SortFunc(tier, func(a, b *P) int { return a.id - b.id })
		v.ps, v.tier = append(v.ps, tier), append(v.tier, tierOf(tier, true))
	}
}

func tierOf(ps []*P, remote bool) policy.Tier { return policy.NewTier(uint32(len(ps)), remote) }

// follow has p decide by l: by its rules and its victims.
func (p *P) follow(s *Sched, l *layout) {
	v := &l.victims[p.domain.index]
	p.layout, p.tiers, p.pol.Tiers = l, v.ps, v.tier
	p.pol.Procs, p.pol.Queues = uint32(len(l.ps)), uint32(len(l.near[p.node.index]))
	if !s.arm.Near {
		return
	}
	var near [2][]*P // under one L3, and elsewhere in the domain
	for _, o := range v.own {
		if o != p {
			d := policy.Distance(true, p.l3 == o.l3 || s.arm.Map == policy.RandomMap, 0)
			near[d] = append(near[d], o)
		}
	}
	p.tiers, p.pol.Tiers = nil, nil
	for _, tier := range near {
		if len(tier) > 0 {
			p.tiers, p.pol.Tiers = append(p.tiers, tier), append(p.pol.Tiers, tierOf(tier, false))
		}
	}
	p.tiers, p.pol.Tiers = append(p.tiers, v.ps...), append(p.pol.Tiers, v.tier...)
}
