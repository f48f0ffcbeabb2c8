package numa

import "fmt"

// A Capability says whether this process can make one of the calls of this package.
// It was found by making the call.
type Capability struct {
	Call   string
	State  CapabilityState
	Reason string // what the kernel said, and what does not work without the call; empty if it works
	Fix    string // what to do about it; empty if it works or nothing helps
}

// A CapabilityState is the outcome of a probe.
type CapabilityState int

const (
	Works       CapabilityState = iota
	Refused                     // the system knows the call; this process may not make it
	Unsupported                 // the system does not have it
)

func (s CapabilityState) String() string {
	return [...]string{"works", "refused", "unsupported"}[s]
}

// String returns one line, such as "mbind: refused: ...: run with ...".
func (c Capability) String() string {
	s := fmt.Sprintf("%s: %s", c.Call, c.State)
	if c.Reason != "" {
		s += ": " + c.Reason
	}
	if c.Fix != "" {
		s += ": " + c.Fix
	}
	return s
}
