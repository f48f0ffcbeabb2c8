package workload

import (
	"testing"

	"numasched/sched"
	"numasched/sched/policy"
)

// The published sizes: T1 and T3 of the UTS distribution.
func TestUTSTreesHaveTheirPublishedSizes(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("counts 8 million nodes, too many under the race detector")
	}
	for _, sizes := range []string{"binomial=0", "binomial=1"} {
		if sizes == "binomial=1" && !longTests() {
			continue // a tree of this kind is among the small sizes, and is counted there
		}
		p, err := uts.Parse(sizes, false)
		if err != nil {
			t.Fatal(err)
		}
		in, err := p.New()
		if err != nil {
			t.Fatal(err)
		}
		arm, _ := policy.ByName("numa")
		onHost(t, "", arm, 0, func(s *sched.Sched) {
			var wrong error
			if err := s.Run(func(g *sched.G) { wrong = in.Run(g) }); err != nil {
				t.Fatal(err)
			}
			if wrong != nil {
				t.Error(wrong)
			}
		})
	}
}
