package policy

import "testing"

// Of many draws 70 % are near, 24 % next and 6 % far. Where there is no third class, the
// second has the rest, and where nothing is far, all are near.
func TestOddsOfVictims(t *testing.T) {
	for _, c := range []struct {
		name  string
		tiers []Tier
		want  []int // percent
	}{
		{"three classes", []Tier{NewTier(1, false), NewTier(6, false), NewTier(8, true), NewTier(16, true)}, []int{10, 60, 24, 6}},
		{"two far tiers share", []Tier{NewTier(7, false), NewTier(8, true), NewTier(8, true), NewTier(8, true)}, []int{70, 24, 3, 3}},
		{"two classes", []Tier{NewTier(7, false), NewTier(8, true)}, []int{70, 30}},
		{"nothing far", []Tier{NewTier(1, false), NewTier(3, false)}, []int{25, 75}},
		{"nothing near", []Tier{NewTier(3, true), NewTier(3, true)}, []int{94, 6}},
	} {
		const draws = 20000
		p, count := P{Rules: Rules{Local: true, Near: true, Homes: true, Odds: true}, Tiers: c.tiers, Rand: 1}, make([]int, len(c.tiers))
		for range draws {
			count[p.drawTier()]++
		}
		for i, n := range count {
			if got := float64(n) * 100 / draws; got < float64(c.want[i])-1.5 || got > float64(c.want[i])+1.5 {
				t.Errorf("%s: tier %d is drawn %.1f %% of the time, want %d", c.name, i, got, c.want[i])
			}
		}
	}
}

// A search by odds ends, and its last round leaves nobody out and spares nobody.
func TestASearchByOddsFindsWhatThereIs(t *testing.T) {
	p := P{Rules: Rules{Local: true, Near: true, Homes: true, Odds: true}, Queues: 3, Procs: 12, Rand: 1,
		Tiers: []Tier{NewTier(3, false), NewTier(4, true), NewTier(4, true)}}
	seen := make(map[[3]uint32]bool)
	search := p.Search(0)
	for steps := 0; ; steps++ {
		step := search.Next(&p)
		if step.Kind == GiveUp {
			break
		}
		if steps > 100 {
			t.Fatal("the search does not end")
		}
		if step.Spares {
			t.Errorf("%+v spares what is at home elsewhere", step)
		}
		if step.Last {
			seen[[3]uint32{uint32(step.Kind), step.Tier, step.Index}] = true
		}
	}
	for tier, n := range []uint32{3, 4, 4} {
		for i := range n {
			if !seen[[3]uint32{uint32(Victim), uint32(tier), i}] {
				t.Errorf("victim %d of tier %d is left out", i, tier)
			}
		}
	}
}

// A G is pushed to another node's mailboxes if one of four draws hits an empty one.
func TestMailboxesAreBounded(t *testing.T) {
	p := P{Rules: Rules{Odds: true}, Rand: 1}
	for _, c := range []struct {
		queued, procs uint32
		want          float64
	}{{0, 8, 1}, {4, 8, 1 - 1.0/16}, {6, 8, 1 - 81.0/256}, {8, 8, 0}, {20, 8, 0}} {
		const draws = 20000
		n := 0
		for range draws {
			if p.Push(c.queued, c.procs) {
				n++
			}
		}
		if got := float64(n) / draws; got < c.want-0.015 || got > c.want+0.015 {
			t.Errorf("%d of %d mailboxes are full: %.3f are pushed, want %.3f", c.queued, c.procs, got, c.want)
		}
	}
	if p.Odds = false; !p.Push(100, 1) {
		t.Error("a queue of other arms is full")
	}
}
