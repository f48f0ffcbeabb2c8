package explore

import (
	"fmt"
	"math"

	"numasched/sched/internal/machine"
	"numasched/sched/policy"
)

// Of Go's time.go and proc.go: timers, and who looks at them. The timers of a P are one word, the
// time of the first. timerpMask, which only saves looks, is left out, and so is that a P that
// is given up for good leaves its timers to another: no program has both.

// A goTimer makes a G ready.
type goTimer struct {
	when int64
	gp   *goG
}

// sleep has gp wait for a time. It is a part of time.Sleep: the caller then parks gp, which others
// may run by then.
func (r *goRuntime) sleep(mp *goM, gp *goG, ns int64) {
	when, pp := mp.Nanotime()+ns, mp.p
	pp.timers.access(mp, machine.RMW)
	first := pp.timers.v == 0 || when < int64(pp.timers.v)
	pp.sleepers = append(pp.sleepers, goTimer{when, gp})
	if first {
		pp.timers.v = uint32(when)
		r.wakeNetPoller(mp, when)
	}
}

// timersCheck runs what is due of the timers of a P. It is timers.check.
func (r *goRuntime) timersCheck(mp *goM, pp *goP, now int64) (rnow, pollUntil int64, ran bool) {
	next := int64(pp.timers.load(mp))
	if next == 0 {
		return now, 0, false
	}
	if now == 0 {
		now = mp.Nanotime()
	}
	if now < next {
		return now, next, false
	}
	if now-next > policy.Grace && !r.x.hurried {
		r.throw(fmt.Sprintf("a timer of P%d is %d ns late", pp.id, now-next))
	}
	pp.timers.access(mp, machine.RMW)
	var due []*goG
	var later []goTimer
	next = math.MaxInt64
	for _, t := range pp.sleepers {
		if t.when <= now {
			due = append(due, t.gp)
		} else {
			later = append(later, t)
			next = min(next, t.when)
		}
	}
	if len(later) == 0 {
		next = 0
	}
	pp.sleepers, pp.timers.v = later, uint32(next)
	for _, gp := range due {
		r.ready(mp, gp, true)
	}
	return now, next, len(due) > 0
}

func (r *goRuntime) checkTimersNoP(mp *goM, ps []*goP, pollUntil int64) int64 {
	for _, p2 := range ps {
		if w := int64(p2.timers.load(mp)); w != 0 && (pollUntil == 0 || w < pollUntil) {
			pollUntil = w
		}
	}
	return pollUntil
}

func (r *goRuntime) wakeNetPoller(mp *goM, when int64) {
	if r.lastpoll.load(mp) == 0 {
		if until := int64(r.pollUntil.load(mp)); until == 0 || until > when {
			r.netpollBreak(mp)
		}
		return
	}
	r.numaTimer(mp, when)
	r.wakep(mp)
}

// netpollBreak ends the wait of who is in netpoll, or the next one.
func (r *goRuntime) netpollBreak(mp *goM) {
	if r.netpolled.swap(mp, 1) == 0 {
		r.x.Futexwakeup(&mp.M, r.netpolled.futex(), 1)
	}
}

// netpoll blocks for as long, or until something has come from the network if delay is less
// than 0: that is when nobody else can do anything, or earlier, at the price of a preemption.
func (r *goRuntime) netpoll(mp *goM, delay int64) (list []*goG) {
	end := int64(math.MaxInt64)
	if delay >= 0 {
		end = mp.Nanotime() + delay
	}
	comes := int64(math.MaxInt64)
	if len(r.net) > 0 {
		comes = mp.Nanotime() + netpollTakes
	}
	for {
		if r.netpolled.load(mp) != 0 {
			r.netpolled.store(mp, 0)
			return nil
		}
		left := min(end, comes) - mp.Nanotime()
		if left <= 0 {
			break
		}
		r.x.Futexsleep(&mp.M, r.netpolled.futex(), 0, left)
	}
	if comes <= end {
		list, r.net = r.net, nil
	}
	return list
}

const netpollTakes = 100_000_000 // ns
