// Package inspect lets package explore look inside a scheduler, and use it again. Nothing
// of it is called while any other machine's scheduler does its work.
package inspect

import "numasched/sched/internal/machine"

// Of returns the inside of s, which is a *sched.Sched. Package sched sets it.
var Of func(s any) Inside

// Inside is what a scheduler shows the explorer.
type Inside interface {
	// ReportOuter has the accesses of callers from outside (Run, Close) reported to the
	// machine's Memory too, as those of an M with the ID -1. A machine that charges for time
	// does not want them. Call it before the first Run.
	ReportOuter()

	// WithSysmon says whether there is a sysmon. Call it before the first Run.
	WithSysmon(on bool)

	// CheckQuiet checks what must hold when every M sleeps, has ended or was never
	// started, no Run waits and the scheduler has not stopped: no queue holds a G,
	// every P is idle and the idle lists are whole, nobody is counted as a searcher
	// and no lock is held. The error names the first thing found wrong.
	CheckQuiet() error

	// CheckAttended checks what must hold when no M can go on before some time has passed: if a
	// P of a node is idle, and there is a timer or a descriptor to wait for on the node, an M
	// waits for it. Or an M has left the poller briefly, and is away for not too long at the time
	// now; or one that searches or is idle sleeps for a while, and looks afterwards. dozes says
	// whether an M does.
	CheckAttended(now int64, dozes func(m *machine.M) bool) error

	// DescribeLine returns a name for what lies in a cache line and its value now,
	// or "" if it is no word of the scheduler's own but of a G, Group or Chan.
	DescribeLine(line machine.Line) (name, value string)

	// Visit has a guest call fns, each as Do does from outside, one after another. g, which is a
	// *sched.G, starts the guest, and fns are a []func(*sched.G).
	Visit(g, fns any)

	// Stopping reports whether the scheduler has failed or is being closed.
	Stopping() bool

	// Reuse prepares the scheduler for Reset. Call it before the first Run.
	Reuse()

	// Reset makes the scheduler, which has been closed, what sched.New had made it.
	Reset()

	// Discard ends the coroutines that Reuse has kept. The scheduler cannot be used
	// afterwards.
	Discard()
}
