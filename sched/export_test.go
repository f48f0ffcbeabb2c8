package sched

import (
	"time"

	"numasched/sched/internal/machine"
)

// SetStuckAfter has sysmon ask what a G waits for that keeps its P for as long as d, and
// not for seconds. Call it before the first Run.
func (s *Sched) SetStuckAfter(d time.Duration) { s.stuckAfter = int64(d) }

// LockLine returns the cache line of the lock of the first P's Node.
func (s *Sched) LockLine() machine.Line { return s.layout.v.Load().ps[0].node.lock.key.line }
