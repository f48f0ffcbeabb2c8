package policy

import (
	"testing"

	"pgregory.net/rapid"
)

// A search of any machine ends. In each of its four rounds it robs every victim once and
// looks at the own queue once, but in the first round it stays on its node. It spares
// until the last round.
func TestSearchVisitsEachOncePerRound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		arm := rapid.SampledFrom(Arms[:]).Draw(t, "arm")
		if arm.Biased {
			t.Skip("draws victims: see TestOddsOfVictims")
		}
		p := P{Rules: arm.Rules(true), Queues: rapid.Uint32Range(1, 5).Draw(t, "queues")}
		p.Rand = Rand(rapid.Uint64Range(1, 1<<63).Draw(t, "rand"))
		near := rapid.IntRange(0, 3).Draw(t, "near tiers")
		for i := range near + rapid.IntRange(0, 3).Draw(t, "far tiers") {
			p.Tiers = append(p.Tiers, NewTier(rapid.Uint32Range(1, 20).Draw(t, "victims"), arm.Near && i >= near))
			p.Procs += p.Tiers[i].N
		}
		if p.Procs == 0 {
			p.Procs = 1 // the only one
		}
		hunger := rapid.Uint32Range(0, MaxHunger).Draw(t, "hunger")
		p.smallRow = rapid.Uint32Range(0, 2*SmallThefts).Draw(t, "smallRow")

		type victim struct{ tier, index uint32 }
		robbed, queues, round := map[victim]bool{}, map[uint32]bool{}, 0
		search := p.Search(hunger)
		for steps := uint32(0); ; steps++ {
			if steps > FarProbes+p.Queues+StealRounds*(p.Procs+1+p.Queues) {
				t.Fatal("the search does not end")
			}
			step := search.Next(&p)
			if step.Kind == GiveUp {
				break
			}
			if step.Kind != OwnQueue && step.Hunger != hunger {
				t.Fatalf("%+v forgets its hunger", step)
			}
			switch before := round == 0 && len(robbed) == 0; step.Kind {
			case AnyP:
				if p.smallRow != 0 || !before || step.Index >= p.Procs {
					t.Fatalf("%+v in round %d", step, round)
				}
			case Victim:
				v := victim{step.Tier, step.Index}
				if robbed[v] {
					t.Fatalf("round %d robs %v twice", round, v)
				}
				robbed[v] = true
				if remote := p.Tiers[step.Tier].Remote; step.Remote != remote || step.Spares != (remote && p.Homes) || step.Last != (round == StealRounds-1) {
					t.Fatalf("round %d: %+v, remote %v, homes %v", round, step, remote, p.Homes)
				}
				if step.Remote && round < Patience {
					t.Fatalf("round %d leaves the node", round)
				}
			case OwnQueue:
				for i, tier := range p.Tiers {
					for k := range tier.N {
						if want := round >= Patience || !tier.Remote; robbed[victim{uint32(i), k}] != want {
							t.Fatalf("round %d: has robbed %d of tier %d %v, want %v", round, k, i, !want, want)
						}
					}
				}
				clear(robbed)
				clear(queues)
				round++
			case FarQueue:
				if step.Index == 0 || step.Index >= p.Queues || queues[step.Index] || !step.Spares {
					t.Fatalf("%+v of %d queues, visited %v", step, p.Queues, queues)
				}
				queues[step.Index] = true
				if after := round - 1; after < Patience && !(hunger > 1 && before) {
					t.Fatalf("round %d goes to a far queue with hunger %d", after, hunger)
				}
			}
			if step.Kind == OwnQueue && round > StealRounds {
				t.Fatal("a fifth round")
			}
		}
		if round != StealRounds || p.Queues > 1 && len(queues) != int(p.Queues-1) {
			t.Fatalf("the search ends in round %d, after queues %v of %d", round, queues, p.Queues)
		}
	})
}

// Whatever the answers, an M sleeps only after somebody else has promised to look, or
// after a look that found nothing, or when others have taken its P. It does not doze
// twice, and not where there are no homes.
func TestNobodySleepsWithoutALastLook(t *testing.T) {
	for _, homes := range []bool{false, true} {
		for _, searchers := range []uint32{0, 1, 5} {
			for answers := range 1 << 8 {
				p := P{Rules: Rules{Homes: homes}}
				step := p.Rest(searchers)
				looked, dozes := searchers != 0, 0
				for i := 0; ; i++ {
					if i == 8 {
						t.Fatalf("homes %v, answers %b: the rest does not end", homes, answers)
					}
					yes := answers>>i&1 != 0
					if step == SleepNow {
						if !looked {
							t.Errorf("homes %v, answers %b: sleeps without a last look", homes, answers)
						}
						break
					}
					switch step {
					case LastLook, LastLookHomes, LookAgain:
						looked = !yes
					case Doze:
						dozes++
						if looked = false; dozes > 1 || !homes {
							t.Errorf("homes %v, answers %b: dozes %d times", homes, answers, dozes)
						}
					case Resume, ResumeHungry:
						if (step == ResumeHungry) != (dozes == 1) {
							t.Errorf("homes %v, answers %b: step %d after %d dozes", homes, answers, step, dozes)
						}
						looked = true // it has found work; others wake somebody for that, see wakep
					}
					if step >= Resume && yes {
						break
					}
					step = step.Next(yes)
				}
			}
		}
	}
}

// Searchers that come one after the other are never more than half of the busy Ps, rounded
// up, and one may search whenever a P is busy.
func TestAtMostHalfSearch(t *testing.T) {
	for procs := uint32(1); procs <= 64; procs++ {
		for idle := range procs + 1 {
			searchers := uint32(0)
			for MaySearch(searchers, procs, idle) {
				searchers++
			}
			if busy := procs - idle; searchers != (busy+1)/2 {
				t.Errorf("%d of %d Ps are busy: %d may search, want %d", busy, procs, searchers, (busy+1)/2)
			}
		}
	}
	if MaySearch(0, 4, 5) {
		t.Error("a count of idle Ps that is for a moment too large lets one search")
	}
}

func TestBatches(t *testing.T) {
	for _, c := range []struct{ queued, procs, ring, want uint32 }{
		{0, 4, 256, 1}, // the queue may have grown since
		{3, 4, 256, 1},
		{4, 4, 256, 2},
		{1000, 4, 256, 128},
		{1000, 4, 4, 2},
		{100, 1, 256, 101},
	} {
		if got := QueueBatch(c.queued, c.procs, c.ring); got != c.want {
			t.Errorf("QueueBatch(%d, %d, %d) = %d, want %d", c.queued, c.procs, c.ring, got, c.want)
		}
	}
	for n, want := range []uint32{0, 1, 1, 2, 2, 3} {
		if got := StealHalf(uint32(n)); got != want {
			t.Errorf("StealHalf(%d) = %d, want %d", n, got, want)
		}
	}
}

func TestAThiefTakesWhatRunsNextLast(t *testing.T) {
	for _, c := range []struct {
		theft Theft
		homed bool
		want  bool
	}{
		{Theft{}, false, false},
		{Theft{Last: true}, true, true},
		{Theft{Last: true, Remote: true}, true, true}, // an arm without homes
		{Theft{Last: true, Remote: true, Spares: true}, false, true},
		{Theft{Last: true, Remote: true, Spares: true}, true, false},
		{Theft{Last: true, Remote: true, Spares: true, Hunger: 1}, true, true},
	} {
		if got := c.theft.TakeNext(c.homed); got != c.want {
			t.Errorf("%+v takes what runs next, homed %v: %v, want %v", c.theft, c.homed, got, c.want)
		}
	}
}
