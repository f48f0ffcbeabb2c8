package policy

// A G that waits for what the scheduler does not know, such as a Go channel, keeps its P.
// To find such Gs the machine is asked what its threads do. On a host that stops the
// world, so it is asked seldom. Go has no such thing. The times are choices: others were not
// measured, and neither was what a question costs.
const (
	// StuckAfter is how long a G may keep its P before sysmon asks, in nanoseconds. It is
	// far more than what computes between two calls of a program that shares its Ps.
	StuckAfter = 5_000_000_000

	// StuckAsksMax is the longest time between two questions. After each the time doubles:
	// on a machine that is so busy that Gs keep their Ps for seconds, questions would make it
	// busier.
	StuckAsksMax = 16 * StuckAfter
)

// A Stuck is what sysmon remembers of the G that keeps a P.
type Stuck struct {
	since int64 // when it was first seen
	told  bool  // sysmon has asked about it
}

// Fresh notes that another G has begun its slice on the P since the last look.
func (s *Stuck) Fresh(now int64) { s.since, s.told = now, false }

// StuckAsks is when sysmon may ask next.
type StuckAsks struct{ next, pause int64 }

// Due reports whether sysmon may ask about a G, if after is how long that must have kept
// its P: [StuckAfter].
func (a *StuckAsks) Due(s *Stuck, after, now int64) bool {
	return !s.told && now >= max(s.since+after, a.next)
}

// Asked notes that sysmon asks about a G.
func (a *StuckAsks) Asked(s *Stuck, after, now int64) {
	s.told = true
	a.pause = min(2*a.pause+after, StuckAsksMax)
	a.next = now + a.pause
}
