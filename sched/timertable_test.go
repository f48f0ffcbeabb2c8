package sched_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"numasched/sched"
)

// What Go's timers do and what ours do is found out by the same cases, and must be the
// same.

// A timing is one of the two.
type timing interface {
	sleep(time.Duration)
	timer(time.Duration) timed
	ticker(time.Duration) timed
	after(d time.Duration, f func()) timed
	flag() flag
}

type timed interface {
	stop() bool
	reset(time.Duration) bool
	receive()         // blocks
	poll() bool       // whether there was a value
	size() (int, int) // len and cap of the channel
}

// A flag is set once, and can be waited for.
type flag interface {
	set()
	wait()
}

type goTiming struct{}

type goTimer struct{ *time.Timer }

type goTicker struct{ *time.Ticker }

type goFlag chan bool

func (goTiming) sleep(d time.Duration)                 { time.Sleep(d) }
func (goTiming) timer(d time.Duration) timed           { return goTimer{time.NewTimer(d)} }
func (goTiming) ticker(d time.Duration) timed          { return goTicker{time.NewTicker(d)} }
func (goTiming) after(d time.Duration, f func()) timed { return goTimer{time.AfterFunc(d, f)} }
func (goTiming) flag() flag                            { return make(goFlag, 100) }
func (f goFlag) set()                                  { f <- true }
func (f goFlag) wait()                                 { <-f }
func (t goTimer) stop() bool                           { return t.Stop() }
func (t goTimer) reset(d time.Duration) bool           { return t.Reset(d) }
func (t goTimer) receive()                             { <-t.C }
func (t goTimer) poll() bool                           { return goPoll(t.C) }
func (t goTimer) size() (int, int)                     { return len(t.C), cap(t.C) }
func (t goTicker) stop() bool                          { t.Stop(); return false }
func (t goTicker) reset(d time.Duration) bool          { t.Reset(d); return false }
func (t goTicker) receive()                            { <-t.C }
func (t goTicker) poll() bool                          { return goPoll(t.C) }
func (t goTicker) size() (int, int)                    { return len(t.C), cap(t.C) }

func goPoll(c <-chan time.Time) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

type gTiming struct{ g *sched.G }

type gTimer struct {
	g *sched.G
	*sched.Timer
}

type gTicker struct {
	g *sched.G
	*sched.Ticker
}

type gFlag struct {
	g *sched.G
	c *sched.Chan[bool]
}

func (c gTiming) sleep(d time.Duration)        { c.g.Sleep(d) }
func (c gTiming) timer(d time.Duration) timed  { return gTimer{c.g, c.g.NewTimer(d)} }
func (c gTiming) ticker(d time.Duration) timed { return gTicker{c.g, c.g.NewTicker(d)} }
func (c gTiming) after(d time.Duration, f func()) timed {
	return gTimer{c.g, c.g.AfterFunc(d, func(*sched.G) { f() })}
}
func (c gTiming) flag() flag                 { return gFlag{c.g, sched.NewChan[bool](c.g.Sched(), 100)} }
func (f gFlag) set()                         { f.c.Send(sched.Current(), true) }
func (f gFlag) wait()                        { f.c.Recv(f.g) }
func (t gTimer) stop() bool                  { return t.Stop(t.g) }
func (t gTimer) reset(d time.Duration) bool  { return t.Reset(t.g, d) }
func (t gTimer) receive()                    { t.C.Recv(t.g) }
func (t gTimer) poll() bool                  { _, _, done := t.C.TryRecv(t.g); return done }
func (t gTimer) size() (int, int)            { return t.C.Len(t.g), t.C.Cap() }
func (t gTicker) stop() bool                 { t.Stop(t.g); return false }
func (t gTicker) reset(d time.Duration) bool { t.Reset(t.g, d); return false }
func (t gTicker) receive()                   { t.C.Recv(t.g) }
func (t gTicker) poll() bool                 { _, _, done := t.C.TryRecv(t.g); return done }
func (t gTicker) size() (int, int)           { return t.C.Len(t.g), t.C.Cap() }

const (
	soon  = 100 * time.Microsecond
	later = 5 * time.Millisecond // soon is over by then: the same clock says so
	never = time.Hour
)

// timerTable are the cases. Each says what it has seen.
var timerTable = []struct {
	name string
	run  func(c timing, saw func(...any))
}{
	{"stop before it is due", func(c timing, saw func(...any)) {
		t := c.timer(never)
		saw(t.stop(), t.stop(), t.poll())
	}},
	{"stop after it was received", func(c timing, saw func(...any)) {
		t := c.timer(soon)
		t.receive()
		saw(t.stop(), t.poll())
	}},
	{"stop when it is due and nobody has looked", func(c timing, saw func(...any)) {
		t := c.timer(soon)
		c.sleep(later)
		saw(t.stop(), t.poll(), t.stop())
	}},
	{"look when it is due", func(c timing, saw func(...any)) {
		t := c.timer(soon)
		c.sleep(later)
		saw(t.poll(), t.poll(), t.stop())
	}},
	{"look before it is due", func(c timing, saw func(...any)) {
		t := c.timer(never)
		saw(t.poll())
		t.stop()
	}},
	{"length and capacity", func(c timing, saw func(...any)) {
		t := c.timer(soon)
		saw(t.size())
		c.sleep(later)
		saw(t.size())
		k := c.ticker(soon)
		c.sleep(later)
		saw(k.size())
		k.stop()
	}},
	{"no time at all", func(c timing, saw func(...any)) {
		for _, d := range []time.Duration{0, -1, -never} {
			t := c.timer(d)
			t.receive()
			saw(t.stop())
		}
	}},
	{"reset before it is due", func(c timing, saw func(...any)) {
		t := c.timer(never)
		saw(t.reset(soon))
		t.receive()
		saw(t.poll())
	}},
	{"reset after it was received", func(c timing, saw func(...any)) {
		t := c.timer(soon)
		t.receive()
		saw(t.reset(soon))
		t.receive()
		saw(t.stop())
	}},
	{"reset when it is due and nobody has looked", func(c timing, saw func(...any)) {
		t := c.timer(soon)
		c.sleep(later)
		saw(t.reset(never), t.poll(), t.reset(soon))
		t.receive()
		saw(t.poll())
	}},
	{"reset after stop", func(c timing, saw func(...any)) {
		t := c.timer(never)
		t.stop()
		saw(t.reset(soon))
		t.receive()
	}},
	{"the earlier of two first", func(c timing, saw func(...any)) {
		b, a := c.timer(later), c.timer(soon)
		a.receive()
		saw(b.stop(), a.stop())
	}},
	{"stop a function in time", func(c timing, saw func(...any)) {
		t := c.after(never, func() { saw("it runs") })
		saw(t.stop(), t.stop())
	}},
	{"stop a function that has run", func(c timing, saw func(...any)) {
		ran := c.flag()
		t := c.after(soon, ran.set)
		ran.wait()
		saw(t.stop())
	}},
	{"reset a function that has run", func(c timing, saw func(...any)) {
		ran := c.flag()
		t := c.after(soon, ran.set)
		ran.wait()
		saw(t.reset(soon))
		ran.wait()
		saw(t.reset(never), t.stop(), t.reset(soon))
		ran.wait()
	}},
	{"functions with no time", func(c timing, saw func(...any)) {
		ran := c.flag()
		for _, d := range []time.Duration{0, -1} {
			c.after(d, ran.set)
			ran.wait()
		}
	}},
	{"ticks", func(c timing, saw func(...any)) {
		t := c.ticker(soon)
		for range 3 {
			t.receive()
		}
		c.sleep(later) // many are lost
		saw(t.poll())
		t.stop()
		saw(t.poll())
	}},
	{"a ticker that is stopped with a tick in it", func(c timing, saw func(...any)) {
		t := c.ticker(soon)
		c.sleep(later)
		t.stop()
		saw(t.poll())
		t.reset(soon)
		t.receive()
		t.reset(never)
		saw(t.poll())
		t.stop()
	}},
	{"a ticker of no time", func(c timing, saw func(...any)) {
		for _, d := range []time.Duration{0, -1} {
			func() {
				defer func() { saw(recover() != nil) }()
				c.ticker(d)
			}()
			func() {
				t := c.ticker(never)
				defer t.stop()
				defer func() { saw(recover() != nil) }()
				t.reset(d)
			}()
		}
	}},
	{"one end of time", func(c timing, saw func(...any)) {
		t := c.timer(1<<63 - 1)
		saw(t.poll(), t.stop())
	}},
}

func TestTimersDoWhatGosDo(t *testing.T) {
	var want []string
	for i := range timerTable {
		want = append(want, outcome(goTiming{}, i))
	}
	compare := func(t *testing.T, g *sched.G) {
		for i, k := range timerTable {
			if got := outcome(gTiming{g}, i); got != want[i] {
				t.Errorf("%s: %s, where Go's have %s", k.name, got, want[i])
			}
		}
	}
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) { compare(t, g) })
	})
	t.Run("virtual", func(t *testing.T) { inVirtualTime(t, compare) })
}

func outcome(c timing, i int) string {
	var text strings.Builder
	timerTable[i].run(c, func(seen ...any) { fmt.Fprint(&text, seen...); text.WriteString("; ") })
	return text.String()
}
