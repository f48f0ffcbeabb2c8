package sched_test

// What Go's channels, locks and groups do, ours do. A case is written once, against the
// interface side, and runs on goroutines and on Gs. Both must come to the same outcome.

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"numasched/sched"
)

// A side is one goroutine, or one G.
type side interface {
	spawn(func(side)) // starts another, which join waits for
	join()            // waits for those that this one has started
	yield()
	sleep(time.Duration)

	channel(size int) channel // -1: a nil channel
	choose(wait bool, cases ...choice) (index, v int, ok bool)
	mutex() mutex
	rwmutex() rwmutex
	cond(mutex) cond
	once() once
}

type channel interface {
	send(side, int)
	trySend(side, int) bool
	recv(side) (int, bool)
	tryRecv(side) (v int, ok, done bool)
	close(side)
	len(side) int
	cap() int
}

// A choice is a case of a select: a send of v, or a receive.
type choice struct {
	c     channel
	sends bool
	v     int
}

type mutex interface {
	lock(side)
	unlock(side)
	tryLock(side) bool
}

type rwmutex interface {
	mutex
	rlock(side)
	runlock(side)
	tryRLock(side) bool
}

type cond interface {
	wait(side)
	signal(side)
	broadcast(side)
}

type once interface{ do(side, func()) }

// A truth is a case. run says what it has come to.
type truth struct {
	name string
	run  func(s side) any
}

// Goroutines.
type native struct{ wg sync.WaitGroup }

func (n *native) spawn(f func(side))  { n.wg.Go(func() { f(new(native)) }) }
func (n *native) join()               { n.wg.Wait() }
func (n *native) yield()              { runtime.Gosched() }
func (*native) sleep(d time.Duration) { time.Sleep(d) }

func (n *native) channel(size int) channel {
	if size < 0 {
		return nativeChan(nil)
	}
	return nativeChan(make(chan int, size))
}

func (n *native) choose(wait bool, cases ...choice) (int, int, bool) {
	var all []reflect.SelectCase
	for _, c := range cases {
		k := reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf((chan int)(c.c.(nativeChan)))}
		if c.sends {
			k.Dir, k.Send = reflect.SelectSend, reflect.ValueOf(c.v)
		}
		all = append(all, k)
	}
	if !wait {
		all = append(all, reflect.SelectCase{Dir: reflect.SelectDefault})
	}
	i, v, ok := reflect.Select(all)
	if i == len(cases) {
		return -1, 0, false
	}
	if cases[i].sends {
		return i, 0, true
	}
	return i, int(v.Int()), ok
}

type nativeChan chan int

func (c nativeChan) send(_ side, v int)         { c <- v }
func (c nativeChan) recv(side) (v int, ok bool) { v, ok = <-c; return }
func (c nativeChan) close(side)                 { close(c) }
func (c nativeChan) len(side) int               { return len(c) }
func (c nativeChan) cap() int                   { return cap(c) }

func (c nativeChan) trySend(_ side, v int) bool {
	select {
	case c <- v:
		return true
	default:
		return false
	}
}

func (c nativeChan) tryRecv(side) (v int, ok, done bool) {
	select {
	case v, ok = <-c:
		return v, ok, true
	default:
		return 0, false, false
	}
}

func (n *native) mutex() mutex       { return new(nativeMutex) }
func (n *native) rwmutex() rwmutex   { return new(nativeRWMutex) }
func (n *native) once() once         { return new(nativeOnce) }
func (n *native) cond(mu mutex) cond { return nativeCond{sync.NewCond(&mu.(*nativeMutex).Mutex)} }

type nativeMutex struct{ sync.Mutex }

func (m *nativeMutex) lock(side)         { m.Lock() }
func (m *nativeMutex) unlock(side)       { m.Unlock() }
func (m *nativeMutex) tryLock(side) bool { return m.TryLock() }

type nativeRWMutex struct{ sync.RWMutex }

func (m *nativeRWMutex) lock(side)          { m.Lock() }
func (m *nativeRWMutex) unlock(side)        { m.Unlock() }
func (m *nativeRWMutex) tryLock(side) bool  { return m.TryLock() }
func (m *nativeRWMutex) rlock(side)         { m.RLock() }
func (m *nativeRWMutex) runlock(side)       { m.RUnlock() }
func (m *nativeRWMutex) tryRLock(side) bool { return m.TryRLock() }

type nativeCond struct{ *sync.Cond }

func (c nativeCond) wait(side)      { c.Wait() }
func (c nativeCond) signal(side)    { c.Signal() }
func (c nativeCond) broadcast(side) { c.Broadcast() }

type nativeOnce struct{ sync.Once }

func (o *nativeOnce) do(_ side, f func()) { o.Do(f) }

// Gs.
type ours struct {
	g  *sched.G
	gr sched.Group
}

func (o *ours) spawn(f func(side))    { o.gr.Go(o.g, func(g *sched.G) { f(&ours{g: g}) }) }
func (o *ours) join()                 { o.gr.Wait(o.g) }
func (o *ours) yield()                { o.g.Yield() }
func (o *ours) sleep(d time.Duration) { o.g.Sleep(d) }

func (o *ours) channel(size int) channel {
	if size < 0 {
		return ourChan{}
	}
	return ourChan{sched.NewChan[int](o.g.Sched(), size)}
}

func (o *ours) choose(wait bool, cases ...choice) (i, v int, ok bool) {
	var all []sched.Case
	for _, c := range cases {
		if c.sends {
			all = append(all, c.c.(ourChan).c.SendCase(c.v))
		} else {
			all = append(all, c.c.(ourChan).c.RecvCase(&v, &ok))
		}
	}
	if wait {
		i = o.g.Select(all...)
	} else if i, ok = o.g.TrySelect(all...); !ok && i < 0 {
		return -1, 0, false
	}
	return i, v, ok || cases[i].sends
}

type ourChan struct{ c *sched.Chan[int] }

func gOf(s side) *sched.G { return s.(*ours).g }

func (c ourChan) send(s side, v int)         { c.c.Send(gOf(s), v) }
func (c ourChan) trySend(s side, v int) bool { return c.c.TrySend(gOf(s), v) }
func (c ourChan) recv(s side) (int, bool)    { return c.c.Recv(gOf(s)) }
func (c ourChan) close(s side)               { c.c.Close(gOf(s)) }
func (c ourChan) len(s side) int             { return c.c.Len(gOf(s)) }
func (c ourChan) cap() int                   { return c.c.Cap() }
func (c ourChan) tryRecv(s side) (int, bool, bool) {
	return c.c.TryRecv(gOf(s))
}

func (o *ours) mutex() mutex       { return new(ourMutex) }
func (o *ours) rwmutex() rwmutex   { return new(ourRWMutex) }
func (o *ours) once() once         { return new(ourOnce) }
func (o *ours) cond(mu mutex) cond { return ourCond{sched.NewCond(&mu.(*ourMutex).Mutex)} }

type ourMutex struct{ sched.Mutex }

func (m *ourMutex) lock(s side)         { m.Lock(gOf(s)) }
func (m *ourMutex) unlock(s side)       { m.Unlock(gOf(s)) }
func (m *ourMutex) tryLock(s side) bool { return m.TryLock(gOf(s)) }

type ourRWMutex struct{ sched.RWMutex }

func (m *ourRWMutex) lock(s side)          { m.Lock(gOf(s)) }
func (m *ourRWMutex) unlock(s side)        { m.Unlock(gOf(s)) }
func (m *ourRWMutex) tryLock(s side) bool  { return m.TryLock(gOf(s)) }
func (m *ourRWMutex) rlock(s side)         { m.RLock(gOf(s)) }
func (m *ourRWMutex) runlock(s side)       { m.RUnlock(gOf(s)) }
func (m *ourRWMutex) tryRLock(s side) bool { return m.TryRLock(gOf(s)) }

type ourCond struct{ *sched.Cond }

func (c ourCond) wait(s side)      { c.Wait(gOf(s)) }
func (c ourCond) signal(s side)    { c.Signal(gOf(s)) }
func (c ourCond) broadcast(s side) { c.Broadcast(gOf(s)) }

type ourOnce struct{ sched.Once }

func (o *ourOnce) do(s side, f func()) { o.Do(gOf(s), f) }

// said returns what f panics with, or "".
func said(f func()) (text string) {
	defer func() {
		if r := recover(); r != nil {
			text = strings.TrimPrefix(fmt.Sprint(r), "sched: ")
		}
	}()
	f()
	return ""
}

// sum receives until the channel is closed.
func sum(s side, c channel) (total, n int) {
	for v, ok := c.recv(s); ok; v, ok = c.recv(s) {
		total += v
		n++
	}
	return total, n
}

func send(c channel, v int) choice { return choice{c, true, v} }
func recv(c channel) choice        { return choice{c: c} }

// groupTruths are about groups alone. The other cases are in files by mechanism.
var groupTruths = []truth{
	{"groups in groups", func(s side) any {
		c := s.channel(1000)
		for range 5 {
			s.spawn(func(s side) {
				for range 5 {
					s.spawn(func(s side) {
						for range 5 {
							s.spawn(func(s side) { c.send(s, 1) })
						}
						s.join()
						c.send(s, 100)
					})
				}
				s.join()
				c.send(s, 10_000)
			})
		}
		s.join()
		c.close(s)
		total, n := sum(s, c)
		return []int{total, n}
	}},
}

func TestGsBehaveAsGoroutinesDo(t *testing.T) {
	for _, c := range slices.Concat(chanTruths, selectTruths, lockTruths, groupTruths, threadTruths) {
		t.Run(c.name, func(t *testing.T) {
			if raceDetector && strings.HasPrefix(c.name, "closing panics those that send") {
				t.Skip("the race detector objects to a native channel that is closed during a send")
			}
			want := c.run(new(native))
			everywhere(t, func(t *testing.T, s *sched.Sched) {
				run(t, s, func(g *sched.G) {
					if got := c.run(&ours{g: g}); !reflect.DeepEqual(got, want) {
						t.Errorf("Gs come to %v, goroutines to %v", got, want)
					}
				})
			})
		})
	}
}
