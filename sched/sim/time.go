package sim

import "math"

// Time is virtual time, or a span of it, in picoseconds. 63 bits hold 106 days.
type Time int64

// Units of [Time].
const (
	Picosecond  Time = 1
	Nanosecond       = 1000 * Picosecond
	Microsecond      = 1000 * Nanosecond
	Millisecond      = 1000 * Microsecond
	Second           = 1000 * Millisecond

	never Time = math.MaxInt64
)
