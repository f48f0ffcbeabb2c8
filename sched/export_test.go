package sched

import "time"

// SetStuckAfter has sysmon ask what a G waits for that keeps its P for as long as d, and
// not for seconds. Call it before the first Run.
func (s *Sched) SetStuckAfter(d time.Duration) { s.stuckAfter = int64(d) }
