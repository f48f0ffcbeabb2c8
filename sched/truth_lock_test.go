package sched_test

import "time"

// Likewise of sync.Mutex, RWMutex, Cond and Once.
var lockTruths = []truth{
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
	{"who holds a mutex most of the time does not starve another", func(s side) any {
		mu, stop := s.mutex(), s.channel(0)
		s.spawn(func(s side) {
			for {
				mu.lock(s)
				s.sleep(100 * time.Microsecond)
				mu.unlock(s)
				if _, _, done := stop.tryRecv(s); done {
					return
				}
			}
		})
		for range 10 {
			s.sleep(100 * time.Microsecond)
			mu.lock(s)
			mu.unlock(s)
		}
		stop.close(s)
		s.join()
		return "ends"
	}},
	{"a writer that waits keeps new readers out", func(s side) any {
		mu := s.rwmutex()
		mu.rlock(s)
		s.spawn(func(s side) {
			mu.lock(s)
			mu.unlock(s)
		})
		for mu.tryRLock(s) { // until it waits
			mu.runlock(s)
			s.yield()
		}
		mu.runlock(s)
		s.join()
		return mu.tryRLock(s)
	}},
	{"who comes to a Once meanwhile waits until it is done", func(s side) any {
		o, begun, end, out := s.once(), s.channel(0), s.channel(0), s.channel(20)
		ready := 0
		s.spawn(func(s side) {
			o.do(s, func() {
				begun.close(s)
				end.recv(s)
				ready = 1
			})
		})
		begun.recv(s)
		for range 5 {
			s.spawn(func(s side) {
				o.do(s, func() { ready = 100 })
				out.send(s, ready)
			})
		}
		for range 20 {
			s.yield()
		}
		early := out.len(s)
		end.close(s)
		s.join()
		out.close(s)
		total, n := sum(s, out)
		return []int{early, total, n}
	}},
}
