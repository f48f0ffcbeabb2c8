package sched

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"numasched/sched/policy"
	"numasched/topology"
)

// A P's victims are the other Ps, or those of its domain alone, by their distance and then
// by their number, whoever shares the tiers with it, and though domains lack Ps.
func TestVictimsAreByDistance(t *testing.T) {
	topo, err := topology.Load("synthetic:2x2x2x2x1")
	if err != nil {
		t.Fatal(err)
	}
	for _, arm := range []policy.Arm{{}, {Near: true}, {Closed: true}, {Near: true, Closed: true}, {Near: true, Map: policy.RandomMap}} {
		s := &Sched{arm: arm}
		for i, n := range topo.Nodes {
			s.domains = append(s.domains, &domain{index: i, id: n.ID})
		}
		made := make([]*P, 16)
		for i := range made {
			made[i] = &P{id: i, node: new(Node), domain: s.domains[i/2%4], l3: i/2%4*2 + i%2}
		}
		for _, n := range []int{1, 2, 5, 16} {
			l := &layout{ps: made[:n], near: make([][]*Node, 1)}
			l.findVictims(topo, s)
			for _, p := range made { // one that has gone may look for work, too
				p.follow(s, l)
				var got []string
				for i, tier := range p.tiers {
					if pol := p.pol.Tiers[i]; int(pol.N) != len(tier) || pol.Remote != (arm.Near && tier[0].domain != p.domain) {
						t.Errorf("%+v: the policy has %d Ps in a tier of %d, remote %v", arm, pol.N, len(tier), pol.Remote)
					}
					got = append(got, ids(tier))
				}
				if want := victimsOf(topo, arm, p, l); !slices.Equal(got, want) {
					t.Errorf("%+v, %d Ps: P %d robs %v, want %v", arm, n, p.id, got, want)
				}
			}
		}
	}
}

// victimsOf goes over all Ps.
func victimsOf(topo *topology.Topology, arm policy.Arm, p *P, l *layout) (tiers []string) {
	byDistance := make(map[int][]*P)
	for _, v := range l.ps {
		if arm.Closed && v.domain != p.domain || arm.Near && v == p {
			continue
		}
		d := 0
		if arm.Near {
			d = policy.Distance(p.domain == v.domain, p.l3 == v.l3 || arm.Map == policy.RandomMap, topo.Distance(p.domain.id, v.domain.id))
		}
		byDistance[d] = append(byDistance[d], v)
	}
	for _, d := range slices.Sorted(maps.Keys(byDistance)) {
		tiers = append(tiers, ids(byDistance[d]))
	}
	return tiers
}

func ids(ps []*P) (s string) {
	for _, p := range ps {
		s += fmt.Sprint(p.id, " ")
	}
	return s
}
