package sched_test

// What Go's channels, locks and groups do, ours do. A case is written once, against the
// interface side, and runs on goroutines and on Gs. Both must come to the same outcome.

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	"numasched/sched"
)

// A side is one goroutine, or one G.
type side interface {
	spawn(func(side)) // starts another, which join waits for
	join()            // waits for those that this one has started
	yield()

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

// Goroutines.
type native struct{ wg sync.WaitGroup }

func (n *native) spawn(f func(side)) { n.wg.Go(func() { f(new(native)) }) }
func (n *native) join()              { n.wg.Wait() }
func (n *native) yield()             { runtime.Gosched() }

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

func (o *ours) spawn(f func(side)) { o.gr.Go(o.g, func(g *sched.G) { f(&ours{g: g}) }) }
func (o *ours) join()              { o.gr.Wait(o.g) }
func (o *ours) yield()             { o.g.Yield() }

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

var truths = []struct {
	name string
	run  func(s side) any
}{
	{"a nil channel is never ready", func(s side) any {
		c := s.channel(-1)
		_, _, received := c.tryRecv(s)
		i, _, _ := s.choose(false, recv(c), send(c, 1))
		return []any{c.trySend(s, 1), received, i, c.len(s), c.cap(), said(func() { c.close(s) })}
	}},
	{"an unbuffered channel has no room", func(s side) any {
		c := s.channel(0)
		_, _, received := c.tryRecv(s)
		return []any{c.trySend(s, 1), received, c.len(s), c.cap()}
	}},
	{"a buffered channel is a queue", func(s side) any {
		var out []any
		c := s.channel(3)
		for i := range 5 {
			out = append(out, c.trySend(s, i), c.len(s))
		}
		for range 5 {
			v, ok, done := c.tryRecv(s)
			out = append(out, v, ok, done, c.len(s), c.cap())
		}
		return out
	}},
	{"a closed channel gives what it has, then zeros", func(s side) any {
		var out []any
		c := s.channel(3)
		c.send(s, 7)
		c.send(s, 8)
		c.close(s)
		for range 4 {
			v, ok := c.recv(s)
			w, wok, done := c.tryRecv(s)
			i, x, xok := s.choose(true, recv(c))
			out = append(out, v, ok, w, wok, done, i, x, xok, c.len(s))
		}
		return out
	}},
	{"misuse of a closed channel", func(s side) any {
		c := s.channel(1)
		c.close(s)
		return []string{
			said(func() { c.send(s, 1) }), said(func() { c.trySend(s, 1) }), said(func() { c.close(s) }),
			said(func() { s.choose(true, send(c, 1)) }), said(func() { s.choose(false, send(c, 1)) }),
		}
	}},
	{"closing panics those that send and frees those that receive", func(s side) any {
		c, d := s.channel(0), s.channel(0)
		out := s.channel(8)
		for range 4 {
			s.spawn(func(s side) {
				if said(func() { c.send(s, 1) }) == "send on closed channel" {
					out.send(s, 1)
				}
			})
			s.spawn(func(s side) {
				if v, ok := d.recv(s); v == 0 && !ok {
					out.send(s, 10)
				}
			})
		}
		for range 20 {
			s.yield()
		}
		c.close(s)
		d.close(s)
		s.join()
		out.close(s)
		total, n := sum(s, out)
		return []int{total, n}
	}},
	{"an unbuffered send ends when its value is received", func(s side) any {
		c := s.channel(0)
		order := s.channel(4)
		s.spawn(func(s side) {
			c.send(s, 5)
			order.send(s, 2)
		})
		for range 20 {
			s.yield()
		}
		order.send(s, 1)
		v, ok := c.recv(s)
		s.join()
		a, _ := order.recv(s)
		b, _ := order.recv(s)
		return []any{v, ok, a, b}
	}},
	{"values of one sender come in order", func(s side) any {
		bad := 0
		for _, size := range []int{0, 1, 7} {
			c := s.channel(size)
			s.spawn(func(s side) {
				for i := range 300 {
					c.send(s, i)
				}
				c.close(s)
			})
			want := 0
			for v, ok := c.recv(s); ok; v, ok = c.recv(s) {
				if v != want {
					bad++
				}
				want++
			}
			s.join()
			bad += 300 - want
		}
		return bad
	}},
	{"many senders and receivers lose nothing", func(s side) any {
		c, out := s.channel(5), s.channel(4)
		for range 4 {
			s.spawn(func(s side) {
				total, _ := sum(s, c)
				out.send(s, total)
			})
		}
		done := s.channel(4)
		for i := range 4 {
			s.spawn(func(s side) {
				for k := range 100 {
					c.send(s, 100*i+k)
				}
				done.send(s, 1)
			})
		}
		for range 4 {
			done.recv(s)
		}
		c.close(s)
		s.join()
		out.close(s)
		total, n := sum(s, out)
		return []int{total, n}
	}},
	{"waiting receivers are served in turn", func(s side) any {
		c, out := s.channel(0), s.channel(3)
		for i := range 3 {
			started := s.channel(0)
			s.spawn(func(s side) {
				started.close(s)
				v, _ := c.recv(s)
				out.send(s, 10*i+v)
			})
			started.recv(s)
			for range 300 {
				s.yield()
			}
		}
		for i := range 3 {
			c.send(s, i)
		}
		s.join()
		out.close(s)
		total, _ := sum(s, out)
		return total
	}},
	{"select takes what is ready", func(s side) any {
		a, b, full := s.channel(1), s.channel(1), s.channel(1)
		full.send(s, 1)
		b.send(s, 9)
		i, v, ok := s.choose(true, recv(a), recv(b), send(full, 2), recv(s.channel(-1)))
		j, _, _ := s.choose(false, recv(a), send(full, 2))
		k, _, kok := s.choose(true, send(a, 4), recv(b))
		w, _ := a.recv(s)
		return []any{i, v, ok, j, k, kok, w}
	}},
	{"select chooses fairly", func(s side) any {
		a, b := s.channel(2000), s.channel(2000)
		for range 2000 {
			a.send(s, 0)
			b.send(s, 0)
		}
		n := [2]int{}
		for range 2000 {
			i, _, _ := s.choose(true, recv(a), recv(b))
			n[i]++
		}
		return n[0] > 800 && n[1] > 800
	}},
	{"select is served once", func(s side) any {
		a, b, out := s.channel(0), s.channel(0), s.channel(200)
		for range 100 {
			s.spawn(func(s side) {
				_, v, _ := s.choose(true, recv(a), recv(b))
				out.send(s, v)
			})
		}
		for i := range 100 {
			s.spawn(func(s side) { s.choose(true, send(a, i), send(b, i)) })
		}
		s.join()
		out.close(s)
		total, n := sum(s, out)
		return []int{total, n}
	}},
	{"select with the same channel twice", func(s side) any {
		c := s.channel(0)
		s.spawn(func(s side) { c.send(s, 3) })
		_, v, ok := s.choose(true, recv(c), recv(c))
		s.join()
		s.spawn(func(s side) { c.recv(s) })
		i, _, _ := s.choose(true, recv(c), send(c, 5)) // not from itself
		s.join()
		return []any{v, ok, i}
	}},
	{"a prime sieve", func(s side) any {
		var primes []int
		first := s.channel(0)
		stop := s.channel(0)
		s.spawn(func(s side) {
			for i := 2; ; i++ {
				if k, _, _ := s.choose(true, send(first, i), recv(stop)); k == 1 {
					return
				}
			}
		})
		c := first
		for range 20 {
			p, _ := c.recv(s)
			primes = append(primes, p)
			in, out := c, s.channel(0)
			s.spawn(func(s side) {
				for {
					k, v, _ := s.choose(true, recv(in), recv(stop))
					if k == 1 {
						return
					}
					if v%p != 0 {
						if k, _, _ := s.choose(true, send(out, v), recv(stop)); k == 1 {
							return
						}
					}
				}
			})
			c = out
		}
		stop.close(s)
		s.join()
		return primes
	}},
	{"a mutex excludes", func(s side) any {
		mu, n := s.mutex(), 0
		for range 10 {
			s.spawn(func(s side) {
				for range 100 {
					mu.lock(s)
					was := n
					if was%16 == 0 {
						s.yield()
					}
					n = was + 1
					mu.unlock(s)
				}
			})
		}
		s.join()
		return n
	}},
	{"TryLock", func(s side) any {
		mu := s.mutex()
		out := []bool{mu.tryLock(s), mu.tryLock(s)}
		mu.unlock(s)
		return append(out, mu.tryLock(s))
	}},
	{"another may unlock", func(s side) any {
		mu := s.mutex()
		mu.lock(s)
		s.spawn(func(s side) { mu.unlock(s) })
		mu.lock(s)
		s.join()
		return mu.tryLock(s)
	}},
	{"who may come in when an RWMutex is held", func(s side) any {
		mu := s.rwmutex()
		var out []bool
		try := func() { // reading, then writing
			r := mu.tryRLock(s)
			if r {
				mu.runlock(s)
			}
			w := mu.tryLock(s)
			if w {
				mu.unlock(s)
			}
			out = append(out, r, w)
		}
		try()
		mu.rlock(s)
		try()
		mu.rlock(s)
		try()
		mu.runlock(s)
		mu.runlock(s)
		mu.lock(s)
		try()
		mu.unlock(s)
		try()
		return out
	}},
	{"readers and writers", func(s side) any {
		mu, a, b, bad := s.rwmutex(), 0, 0, s.channel(1000)
		for i := range 9 {
			s.spawn(func(s side) {
				for range 50 {
					if i%3 == 0 {
						mu.lock(s)
						a++
						s.yield()
						b++
						mu.unlock(s)
						continue
					}
					mu.rlock(s)
					if a != b {
						bad.send(s, 1)
					}
					mu.runlock(s)
				}
			})
		}
		s.join()
		return []int{a, b, bad.len(s)}
	}},
	{"Signal wakes one, Broadcast all", func(s side) any {
		mu := s.mutex()
		c := s.cond(mu)
		waiting, woken := 0, 0
		for range 10 {
			s.spawn(func(s side) {
				mu.lock(s)
				waiting++
				c.wait(s)
				woken++
				mu.unlock(s)
			})
		}
		until := func(n *int, want int) {
			for {
				mu.lock(s)
				now := *n
				mu.unlock(s)
				if now >= want {
					return
				}
				s.yield()
			}
		}
		until(&waiting, 10)
		var out []int
		for i := range 3 {
			c.signal(s)
			until(&woken, i+1)
			for range 20 {
				s.yield()
			}
			mu.lock(s)
			out = append(out, woken)
			mu.unlock(s)
		}
		c.broadcast(s)
		s.join()
		c.signal(s) // for nobody
		return append(out, woken)
	}},
	{"signals go to those that have waited longest", func(s side) any {
		mu := s.mutex()
		c := s.cond(mu)
		var order []int
		waiting := 0
		for i := range 5 {
			s.spawn(func(s side) {
				mu.lock(s)
				waiting = i + 1
				c.wait(s)
				order = append(order, i)
				mu.unlock(s)
			})
			for now := 0; now != i+1; {
				s.yield()
				mu.lock(s)
				now = waiting
				mu.unlock(s)
			}
		}
		for i := range 5 {
			c.signal(s)
			for now := 0; now != i+1; {
				s.yield()
				mu.lock(s)
				now = len(order)
				mu.unlock(s)
			}
		}
		s.join()
		return order
	}},
	{"a Once calls once, also if that panics", func(s side) any {
		o, p, n := s.once(), s.once(), 0
		for range 10 {
			s.spawn(func(s side) { o.do(s, func() { n++ }) })
		}
		s.join()
		first := said(func() { p.do(s, func() { panic("one") }) })
		second := said(func() { p.do(s, func() { panic("two") }) })
		return []any{n, first, second}
	}},
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
	for _, c := range truths {
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
