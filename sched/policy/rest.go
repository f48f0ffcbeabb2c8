package policy

// A Rest is what an M does that has found nothing and has made its P idle, so that others
// can see that the P is free. A submitter of work relies on a searcher of its Node, see
// [EnoughSearchers]. So the last searcher looks everywhere once more before it sleeps.
// An M that was not allowed to search does so, too, if nobody of its Node searches.
//
// That look may find only what the M has just spared: Gs at home on other nodes. Then it
// dozes for a [Grace], and may take some of them afterwards.
//
// The last look is Go's, and was not measured here. What was measured of how much an M
// takes after its Grace stands in hunger.go.
//
// Every value but the first is a question or an act. Next is told the answer, or whether the act
// was done.
type Rest uint8

const (
	SleepNow      Rest = iota // until somebody wakes the M; that ends the Rest
	LastLook                  // is there work anywhere?
	LastLookHomes             // likewise, where Gs have homes
	FarOnly                   // is all of it on other nodes?
	Doze                      // for a Grace; an M that is woken meanwhile ends its Rest
	LookAgain                 // is there work anywhere still?
	Resume                    // take the P back and search; that ends the Rest
	ResumeHungry              // likewise, and take what is at home elsewhere, see [Appetite]
)

// Rest returns the first step of the rest of an M that held p, while searchers other Ms
// of its Node search.
func (p *P) Rest(searchers uint32) Rest {
	if searchers != 0 {
		return SleepNow
	}
	if p.Homes {
		return LastLookHomes
	}
	return LastLook
}

// Next returns the step that follows.
func (r Rest) Next(yes bool) Rest {
	switch r {
	case LastLook:
		if yes {
			return Resume
		}
	case LastLookHomes:
		if yes {
			return FarOnly
		}
	case FarOnly:
		if yes {
			return Doze
		}
		return Resume
	case Doze:
		return LookAgain
	case LookAgain:
		if yes {
			return ResumeHungry
		}
	}
	return SleepNow // also when others have taken the P before it could be taken back
}
