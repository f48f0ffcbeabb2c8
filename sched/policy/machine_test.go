package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A mock is a scheduler without Gs: eight Ps on two nodes with two L3 caches each. It does
// what the policy of its P 0 says, finds nothing, and writes down where it has looked.
type mock struct {
	p    P
	tier [][]int // the Ps of each tier

	log []string
}

func newMock(t *testing.T, arm string) *mock {
	a, err := ByName(arm)
	if err != nil {
		t.Fatal(err)
	}
	m := &mock{p: P{Rules: a.Rules(true), Procs: 8, Queues: 1, Rand: 1}}
	if a.NodeQ {
		m.p.Queues = 2
	}
	if a.Near {
		m.tier = [][]int{{1}, {2, 3}, {4, 5, 6, 7}}
	} else {
		m.tier = [][]int{{0, 1, 2, 3, 4, 5, 6, 7}}
	}
	for _, ps := range m.tier {
		m.p.Tiers = append(m.p.Tiers, NewTier(uint32(len(ps)), ps[0] >= 4))
	}
	return m
}

func (m *mock) say(format string, args ...any) { m.log = append(m.log, fmt.Sprintf(format, args...)) }

// turn does what an M does in one turn. yes answers the questions of a Rest.
func (m *mock) turn(searchers uint32, yes func(Rest) bool) {
	m.p.Tick()
	for turn := m.p.Turn(); turn != 0; turn = turn.Next() {
		switch turn.Look() {
		case Own:
			m.say("runnext, ring")
		case RingFirst:
			m.say("ring, runnext")
		case Queue:
			m.say("queue")
		case QueueOne:
			m.say("one of queue")
		case FarOne:
			m.say("one of far queue %d", m.p.FarNode())
		case PollNet:
			m.say("netpoller")
		case StealWork:
			m.search(0)
		case PollNode:
			m.say("timers")
		case GoIdle:
			m.rest(searchers, yes)
		}
	}
}

// search does all steps of a search. The Ps of a tier come in a random order, so they are
// written down in ascending order. A ! marks steps that take what others leave alone.
func (m *mock) search(hunger uint32) {
	var robbed []int
	var before Step
	mark := func(step Step) string {
		if step.Last {
			return "!"
		}
		return ""
	}
	for search := m.p.Search(hunger); ; {
		step := search.Next(&m.p)
		if robbed != nil && (step.Kind != Victim || step.Tier != before.Tier) {
			slices.Sort(robbed)
			m.say("%v%s", robbed, mark(before))
			robbed = nil
		}
		switch before = step; step.Kind {
		case Victim:
			robbed = append(robbed, m.tier[step.Tier][step.Index])
		case AnyP:
			m.say("any")
		case OwnQueue:
			m.say("queue")
		case FarQueue:
			m.say("far queue %d%s", step.Index, mark(step))
		case GiveUp:
			return
		}
	}
}

func (m *mock) rest(searchers uint32, yes func(Rest) bool) {
	names := map[Rest]string{LastLook: "work anywhere?", LastLookHomes: "work anywhere?", FarOnly: "only far?", Doze: "doze", LookAgain: "work still?",
		Resume: "resume", ResumeHungry: "resume, hungry", SleepNow: "sleep"}
	for step := m.p.Rest(searchers); ; {
		m.say("%s", names[step])
		switch step {
		case SleepNow:
			return
		case Resume, ResumeHungry:
			if yes(step) {
				return
			}
		}
		step = step.Next(yes(step))
	}
}

func no(Rest) bool  { return false }
func yes(Rest) bool { return true }

// What an M does, in order, that finds nothing.
func TestOrder(t *testing.T) {
	const (
		flatRound = "[0 1 2 3 4 5 6 7], queue, "
		nearRound = "[1], [2 3], "
		farRound  = "[1], [2 3], [4 5 6 7], queue, far queue 1, "
	)
	flatSearch := strings.Repeat(flatRound, 3) + "[0 1 2 3 4 5 6 7]!, queue"
	numaSearch := nearRound + "queue, " + farRound + farRound + "[1]!, [2 3]!, [4 5 6 7]!, queue, far queue 1!"
	for _, c := range []struct {
		arm       string
		tick      uint32 // of the turn before
		searchers uint32
		yes       func(Rest) bool
		want      string
	}{
		{"gm", 0, 0, no, "queue, netpoller, timers, work anywhere?, sleep"},
		{"gm", FairTicks - 1, 0, no, "one of queue, queue, netpoller, timers, work anywhere?, sleep"},
		{"flat", 0, 1, no, "runnext, ring, queue, netpoller, " + flatSearch + ", timers, sleep"},
		{"flat", 0, 0, no, "runnext, ring, queue, netpoller, " + flatSearch + ", timers, work anywhere?, sleep"},
		{"flat", 0, 0, yes, "runnext, ring, queue, netpoller, " + flatSearch + ", timers, work anywhere?, resume"},
		{"flat", RingTick - 1, 1, no, "ring, runnext, queue, netpoller, " + flatSearch + ", timers, sleep"},
		{"flat", FairTicks - 1, 1, no, "one of queue, runnext, ring, queue, netpoller, " + flatSearch + ", timers, sleep"},
		{"flat", FarTicks - 1, 1, no, "one of queue, runnext, ring, queue, netpoller, " + flatSearch + ", timers, sleep"},
		{"numa", 0, 1, no, "runnext, ring, queue, netpoller, " + numaSearch + ", timers, sleep"},
		{"numa", FairTicks - 1, 1, no, "one of queue, runnext, ring, queue, netpoller, " + numaSearch + ", timers, sleep"},
		{"numa", FarTicks - 1, 1, no, "one of far queue 1, one of queue, runnext, ring, queue, netpoller, " + numaSearch + ", timers, sleep"},
		{"numa", 0, 0, no, "runnext, ring, queue, netpoller, " + numaSearch + ", timers, work anywhere?, sleep"},
		{"numa", 0, 0, yes, "runnext, ring, queue, netpoller, " + numaSearch + ", timers, work anywhere?, only far?, doze, work still?, resume, hungry"},
		{"numa-home", 0, 0, yes, "runnext, ring, queue, netpoller, " + numaSearch + ", timers, work anywhere?, resume"},
		{"numa-near", 0, 1, no, "runnext, ring, queue, netpoller, " + flatRound + strings.Repeat(flatRound+"far queue 1, ", 2) +
			"[0 1 2 3 4 5 6 7]!, queue, far queue 1!, timers, sleep"},
		{"numa-nodeq", 0, 1, no, "runnext, ring, queue, netpoller, " + strings.ReplaceAll(strings.ReplaceAll(numaSearch, ", far queue 1!", ""), ", far queue 1", "") +
			", timers, sleep"},
	} {
		m := newMock(t, c.arm)
		m.p.tick = c.tick
		m.turn(c.searchers, c.yes)
		if got := strings.Join(m.log, ", "); got != c.want {
			t.Errorf("%s, turn %d, %d searchers:\n got %s\nwant %s", c.arm, c.tick+1, c.searchers, got, c.want)
		}
	}
}

// A search of a hungry Node begins at the other Nodes' queues, and one after small thefts at Ps
// of all nodes.
func TestSearchBegins(t *testing.T) {
	for _, c := range []struct {
		arm    string
		hunger uint32
		thefts []uint32 // of how many Gs, on the own node
		want   string
	}{
		{"numa", 0, nil, "[1]"},
		{"numa", 1, nil, "[1]"},
		{"numa", 2, nil, "far queue 1!, [1]"},
		{"numa", 0, []uint32{SmallTheft}, "[1]"},
		{"numa", 0, []uint32{SmallTheft, SmallTheft + 1}, "[1]"},
		{"numa", 0, []uint32{1, SmallTheft}, "any, any, any, any, [1]"},
		{"numa", 2, []uint32{1, SmallTheft}, "any, any, any, any, far queue 1!, [1]"},
		{"flat", 0, []uint32{1, 1}, "[0 1 2 3 4 5 6 7]"},
	} {
		m := newMock(t, c.arm)
		for _, n := range c.thefts {
			m.p.Stole(n, false)
		}
		m.search(c.hunger)
		if got := strings.Join(m.log, ", "); !strings.HasPrefix(got, c.want+", ") {
			t.Errorf("%s, hunger %d, after thefts %v: the search begins %.40s..., want %s", c.arm, c.hunger, c.thefts, got, c.want)
		}
		m.log = nil
		m.search(0)
		if got := m.log[0]; got == "any" {
			t.Errorf("%s: one row of small thefts makes two searches begin afar", c.arm)
		}
	}
	m := newMock(t, "numa")
	m.p.Stole(1, false)
	m.p.Stole(1, true)
	m.p.Stole(1, false)
	if m.search(0); m.log[0] == "any" {
		t.Error("a theft from another node does not end a row of small thefts")
	}
}
