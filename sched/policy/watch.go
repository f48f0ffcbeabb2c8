package policy

// sysmon is an M without a P that looks at what the others do. It looks often while that
// finds something to do, and seldom while it does not. These are Go's numbers (Vyukov
// 2013): a P in a system call is missed for 20 us at most while the machine is busy with
// such calls, and an M that finds nothing takes a ten-thousandth of a CPU.
const (
	WatchMin   = 20_000     // nanoseconds between two looks
	WatchMax   = 10_000_000 // likewise, after long without anything to do
	WatchPause = 50         // looks without anything to do before the time doubles with each

	// PollPatience is how long nobody may have looked at a poller before sysmon does, in
	// nanoseconds, as in Go. Ps that always find something to run do not look.
	PollPatience = WatchMax

	// TimersLate is how late the timers of a node must be before sysmon has another node run
	// them, in nanoseconds. Those of a P are run by the other Ps of its node. If none of these
	// comes back to the scheduler, a G that sleeps there would wait for the end of a time
	// slice. Earlier than this a remote M would only be in the way of one that is about to.
	TimersLate = 1_000_000
)

// SleepLooks is how many looks in a row must find every P idle before sysmon sleeps until it is
// woken. Go's sleeps at the first. But a server with one client has all Ps idle between any
// two requests, and each request would wake sysmon, which takes longer than the request. An HTTP
// server on Gs with one client made 0.40 futex calls for each request with Go's rule, and made
// 0.09 with this one (counted by strace, before BriefSpell).
const SleepLooks = 8

// A Pace is how often sysmon looks. The zero Pace is that of one who begins.
type Pace struct {
	delay int64
	idle  uint32 // looks without anything to do
	slept uint32 // looks in a row with every P idle
	slice int64  // when it last looked at time slices
	came  uint64 // visits by guests until the last look
}

// MaySleep notes whether every P is idle at a look, and how many visits by guests there have been.
// It reports whether sysmon is to sleep until a P is not idle. Guests visit for so short a time that
// most looks find every P idle. If sysmon slept then, the next visit would wake it, and it would
// look as often as it can again. In an HTTP server with one client, whose handlers were guests,
// sysmon's waits so took 10 us of the 113 us of CPU time of each request (sampled by perf on two
// CPUs). So a look after a visit is one without anything to do, and the time between looks grows.
func (p *Pace) MaySleep(allIdle bool, came uint64) bool {
	visited := came != p.came
	p.came = came
	if !allIdle || visited {
		p.slept = 0
		return false
	}
	p.slept++
	return p.slept >= SleepLooks
}

// Delay is how long sysmon sleeps before its next look, in nanoseconds.
func (p *Pace) Delay() int64 { return max(p.delay, WatchMin) }

// Looked notes whether the last look found anything to do.
func (p *Pace) Looked(did bool) {
	if did {
		p.Again()
	} else if p.idle++; p.idle > WatchPause {
		p.delay = min(2*p.Delay(), WatchMax)
	}
}

// Again has sysmon look often: it has slept while every P was idle, or found something.
func (p *Pace) Again() { p.delay, p.idle, p.slept = 0, 0, 0 }

// Slices reports whether this look at time now is also one at time slices, see [SliceTime].
func (p *Pace) Slices(now int64) bool {
	due := now >= p.slice+SliceTime
	if due {
		p.slice = now
	}
	return due
}

// NobodyPolls reports whether sysmon must look at a poller that somebody last looked at
// at time last.
func NobodyPolls(last, now int64) bool { return now-last > PollPatience }

// BriefSpell is how long an M may have been away from the poller, in nanoseconds, to be
// believed to be back soon the next time. If so it wakes no other M to wait there when it leaves
// with one G. Go never wakes one. If the G computes for long, and no other M waits, news is
// heard, and timers run, up to two PollPatiences late. To wake one each time costs a server with one client most of
// what its scheduler takes: an HTTP server on Gs made 1.23 futex calls for each request, and
// made 0.17 afterwards (counted by perf on two CPUs; the same server on goroutines made 0.13).
const BriefSpell = 50_000

// MayLeave reports whether an M may leave the poller at time left without being replaced there, if
// the first timer of the node is due at first, or never if that is 0: sysmon has somebody look
// within two PollPatiences.
func MayLeave(first, left int64) bool { return first == 0 || first-left > 2*PollPatience }

// Brief reports whether an M that left the poller at time left, and is back now, was away for
// so short a time that it need not be replaced there.
func Brief(left, now int64) bool { return now-left < BriefSpell }

// TimersOverdue reports whether another node is to run timers of which the first was due
// at when, if it was last asked to at asked. A when of 0 means that there are none.
func TimersOverdue(when, asked, now int64) bool {
	return when != 0 && now >= max(when, asked)+TimersLate
}
