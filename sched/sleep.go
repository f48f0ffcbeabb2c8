package sched

import (
	"context"
	"time"

	"numasched/sched/internal/machine"
)

// What Gs do with timers: Sleep, and Timer and Ticker with the meaning that Go's have
// since Go 1.23. In virtual time they cost nothing but the virtual time.
//
// A Timer's channel is one that nobody else sends to. While no G waits for it, the timer
// is in no heap: it is only a time, and whoever looks at the channel after that time
// finds the value there. So a timer that was forgotten costs nothing, and does not hide a
// deadlock.
//
// The lock of the channel protects the timer. It is taken before the lock of a heap. An M
// that runs the timer has taken it out of its heap and then takes the lock of the channel.
// In between Stop or Reset may come. They change Timer.when, so that the M sends nothing,
// and they rightly say that the timer was stopped in time.

// Sleep blocks g for at least d of the machine's time. It returns at once if d is 0 or
// less.
func (g *G) Sleep(d time.Duration) {
	m := g.running()
	if d <= 0 {
		return
	}
	rest := g.needRest()
	if rest.sleep == nil {
		rest.sleep = newApart[timer]()
		rest.sleep.fire, rest.sleep.arg = fireSleep, g
	}
	rest.wake = m.whenAfter(int64(d))
	g.park(WaitSleep, commitSleep)
}

// SleepContext is Sleep until ctx is done. Then it returns ctx.Err(), as it does if ctx is done
// already.
func (g *G) SleepContext(ctx context.Context, d time.Duration) error {
	t := g.NewTimer(d)
	_, _, err := t.C.RecvContext(ctx, g)
	return err
}

// commitSleep adds the timer after g has left its carrier: it may be due at once.
func commitSleep(m *M, g *G) bool {
	m.addTimer(g.rest.sleep, g.rest.wake)
	return true
}

func fireSleep(m *M, t *timer, _ int64) { m.readyHome(t.arg.(*G)) }

// readyHome makes the parked gp runnable, at its home node if it has one. It is for a gp
// that a clock or a device has woken: the P that noticed it says nothing about where gp
// should run.
func (m *M) readyHome(gp *G) {
	if m.putHome(gp) {
		m.wakep(m.p.node)
	}
}

// putHome is readyHome, but wakes nobody if gp runs here next. It reports whether it does.
func (m *M) putHome(gp *G) bool {
	m.eventG(machine.EventReady, gp, 1)
	if home := m.placeOf(gp.home.Load(), m.p.domain); home != nil {
		m.readyAt(home, gp)
		return false
	}
	m.runqput(gp, true)
	return true
}

// A Timer sends a value, or starts a G, once. Make it with [G.NewTimer] or [G.AfterFunc].
type Timer struct {
	// C receives the time when the timer was due, as [G.Nanotime] gives it. It counts as
	// unbuffered: its Len and Cap are 0. It is nil for a timer of AfterFunc. Nobody should
	// send to it or close it.
	C *Chan[int64]

	s    *Sched
	lock *mutex // that of C, or of own
	own  mutex
	t    timer
	when int64 // when it is due; 0 if it is not; under lock; unused by AfterFunc

	waiting int // Gs that wait at C

	_ [32]byte // see line.go
}

// NewTimer returns a Timer that sends to its channel after d.
func (g *G) NewTimer(d time.Duration) *Timer { return g.newTimer(d, 0) }

func (g *G) newTimer(d time.Duration, period int64) *Timer {
	m := g.running()
	t := &Timer{s: m.s, C: NewChan[int64](m.s, 1)}
	t.C.timer, t.C.timed, t.lock = t, true, &t.C.lock
	t.t = timer{fire: fireChan, arg: t, period: period}
	t.when = m.whenAfter(int64(d))
	return t
}

// After returns a channel that receives once, after d: the channel of a Timer that cannot
// be stopped. A Select with a time limit reads:
//
//	switch g.Select(c.RecvCase(&v, nil), g.After(time.Second).RecvCase(nil, nil)) {
//	case 0: // v has come
//	case 1: // too late
//	}
func (g *G) After(d time.Duration) *Chan[int64] { return g.NewTimer(d).C }

// AfterFunc returns a Timer that starts f as a G of its own after d. That G is at home
// where it first runs.
func (g *G) AfterFunc(d time.Duration, f func(*G)) *Timer {
	m := g.running()
	mustRun(f != nil)
	t := &Timer{s: m.s}
	t.lock = &t.own
	t.own.key.line = m.s.newLines(1)
	t.t = timer{fire: fireFunc, arg: f}
	m.addTimer(&t.t, m.whenAfter(int64(d)))
	return t
}

func fireFunc(m *M, t *timer, _ int64) {
	gp := m.newG()
	gp.arg.Data = t.arg.(func(*G))
	m.runqput(gp, false)
	m.wakep(m.p.node)
}

// Stop prevents the timer from being due. It returns false if it was due already, or
// stopped. Nothing that was sent before can be received afterwards. If Stop of a timer of
// [G.AfterFunc] returns false, its G was started, or the timer stopped before.
func (t *Timer) Stop(g *G) bool {
	m := t.on(g)
	t.lock.lock(m)
	was := t.stop(m)
	t.lock.unlock(m)
	return was
}

// Reset has the timer be due after d, whether it was due before or not. It returns what
// Stop would have returned.
func (t *Timer) Reset(g *G, d time.Duration) bool { return t.reset(g, d, 0) }

func (t *Timer) reset(g *G, d time.Duration, period int64) bool {
	m := t.on(g)
	t.lock.lock(m)
	was := t.stop(m)
	when := m.whenAfter(int64(d))
	if t.C == nil {
		m.addTimer(&t.t, when)
	} else {
		t.t.period = period // it is in no heap
		t.when = when
		if t.waiting > 0 {
			m.addTimer(&t.t, when)
		}
	}
	t.lock.unlock(m)
	return was
}

// on returns g's M if g may use t.
func (t *Timer) on(g *G) *M {
	m := g.running()
	if t == nil || t.s == nil {
		panic(errZeroTimer)
	}
	if m.s != t.s {
		panic(errOtherTimer)
	}
	return m
}

// stop makes the timer one that is not due, and reports whether it was yet to come, or
// nobody had received what it sent. t.lock is held.
func (t *Timer) stop(m *M) (was bool) {
	was = m.delTimer(&t.t)
	if c := t.C; c != nil {
		was = t.when != 0 || c.n != 0
		t.when, c.n = 0, 0
	}
	return was
}

// fireChan sends, unless the timer was stopped or set anew after it was due.
func fireChan(m *M, rt *timer, when int64) {
	t := rt.arg.(*Timer)
	t.lock.lock(m)
	var gp *G
	if t.when != 0 && t.when <= when {
		gp = t.send(m)
	}
	t.lock.unlock(m)
	if gp != nil {
		m.readyHome(gp)
	}
}

// send passes the time to a G that waits, which it returns, or leaves it in the channel,
// unless there is one already. t.lock is held.
func (t *Timer) send(m *M) *G {
	c, when := t.C, t.when
	t.when = 0
	if t.t.period > 0 {
		t.when = nextTick(when, t.t.period, m.s.machine.Nanotime(&m.M))
	}
	if c.closed {
		return nil
	}
	if w := c.recvq.dequeue(m); w != nil {
		put(w, when)
		return w.serve()
	}
	if c.n == 0 {
		c.buf[0], c.head, c.n = when, 0, 1
	}
	return nil
}

// look sends if the timer is due and in no heap because nobody waits. t.lock is held.
func (t *Timer) look(m *M) {
	if t.waiting == 0 && t.when != 0 && t.when <= m.s.machine.Nanotime(&m.M) {
		t.send(m)
	}
}

// block notes that another G is about to wait at the channel. t.lock is held.
func (t *Timer) block(m *M) {
	if t.waiting++; t.waiting == 1 && t.when != 0 {
		m.addTimer(&t.t, t.when)
	}
}

// unblock notes that a G waits no longer. t.lock is held.
func (t *Timer) unblock(m *M) {
	if t.waiting--; t.waiting == 0 && t.when != 0 {
		m.delTimer(&t.t)
	}
}

// A Ticker sends the time again and again. Make it with [G.NewTicker].
type Ticker struct {
	C *Chan[int64] // as that of a [Timer]; holds one tick at most, and others are lost
	t *Timer
}

// NewTicker returns a Ticker that sends every d, which must be more than 0.
func (g *G) NewTicker(d time.Duration) *Ticker {
	if d <= 0 {
		panic(errTick)
	}
	t := g.newTimer(d, int64(d))
	return &Ticker{t.C, t}
}

// Stop ends the ticks. Nothing that was sent before can be received afterwards.
func (t *Ticker) Stop(g *G) { t.timer().Stop(g) }

// timer returns t's Timer, or nil if t was not made by NewTicker.
func (t *Ticker) timer() *Timer {
	if t == nil {
		return nil
	}
	return t.t
}

// Reset has the next tick come after d, and others every d after it. d must be more than
// 0.
func (t *Ticker) Reset(g *G, d time.Duration) {
	if d <= 0 {
		panic(errTick)
	}
	t.timer().reset(g, d, int64(d))
}
