package policy

// SyscallPatience is how long a P that nobody needs stays with a system call, in
// nanoseconds, as in Go. To take it away costs the return of the call a search for
// another P. But while it stays it counts as busy, and so does what it would do if idle.
// The number is Go's. With a tenth and with ten times of it syscalls and filereads take the same
// time in eight seeds (doc.go).
const SyscallPatience = 10_000_000

// A Sighting is what sysmon has seen of a P in a system call. It takes a P away only from
// a call that it has seen at an earlier look, so that short calls, which are most, cost
// their G nothing. Go does the same (retake).
type Sighting struct {
	call uint32 // names the call
	when int64  // when it was first seen
}

// Seen notes that the P is in a call at time now, and reports whether it was at the last
// look.
func (s *Sighting) Seen(call uint32, now int64) bool {
	if s.call != call {
		s.call, s.when = call, now
		return false
	}
	return true
}

// Patient reports whether the P may stay with the call if nobody needs it.
func (s *Sighting) Patient(now int64) bool { return now < s.when+SyscallPatience }

// A Retake is how sysmon decides whether to take a P from a call that it has seen
// before. Every value but the last two is a question. Next is told the answer.
type Retake uint8

const (
	CallHasWork  Retake = iota // is there work in the P's own queues?
	QueueHasWork               // in its Node's queue?
	OthersFree                 // does an M of the Node search, or is a P of it idle, to take up what comes?
	IsPatient                  // see [Sighting.Patient]
	TakeP                      // take it
	LeaveP                     // leave it
)

// Next returns the step that follows.
func (r Retake) Next(yes bool) Retake {
	switch r {
	case CallHasWork, QueueHasWork:
		if !yes {
			return r + 1
		}
	case OthersFree:
		if yes {
			return IsPatient
		}
	case IsPatient:
		if yes {
			return LeaveP
		}
	}
	return TakeP
}
