package sched

import "numasched/sched/internal/machine"

// A Machine is what a scheduler runs on: one of package host, which is made of real
// threads, or one of package sim, which is made of events in virtual time. Its other
// methods are between it and the scheduler.
type Machine interface {
	machine.Kernel

	// Work does w for a G that runs on m, from the given part on, and returns 0 when w is
	// done. A real machine calls kernel. A simulated one charges m's clock with w, and may
	// stop after a part of it because m.Preempted says so. It then returns the number of
	// the part to go on with, for m or for another M.
	Work(m *machine.M, w *Work, part int64, kernel func()) (next int64)

	// NewBuffer returns memory for Work to read and write. bytes > 0.
	NewBuffer(bytes int64, where Placement) (*Buffer, error)

	// FreeBuffer takes it back.
	FreeBuffer(*Buffer)
}
