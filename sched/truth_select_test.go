package sched_test

// Likewise of select.
var selectTruths = []truth{
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
	{"a select that does not wait finds what was sent before", func(s side) any {
		missed := 0
		for range 300 {
			a, b, done := s.channel(1), s.channel(1), s.channel(1)
			a.send(s, 1)
			s.spawn(func(s side) {
				i, _, _ := s.choose(false, recv(a), recv(b))
				done.send(s, i)
			})
			b.send(s, 1)
			s.choose(false, recv(a)) // then b is left for the other
			if i, _ := done.recv(s); i < 0 {
				missed++
			}
			s.join()
		}
		return missed
	}},
	{"select never receives what it sends itself", func(s side) any {
		own := s.channel(1000)
		for _, size := range []int{0, 10} {
			c := s.channel(size)
			for p := range 2 {
				s.spawn(func(s side) {
					for range 100 {
						if p == 0 || size > 0 {
							_, v, _ := s.choose(true, recv(c), send(c, p))
							if v == p && size == 0 && v != 0 {
								own.send(s, 1)
							}
							continue
						}
						if i, v, _ := s.choose(true, send(c, p), recv(c)); i == 1 && v == p {
							own.send(s, 1)
						}
					}
				})
			}
			s.join()
		}
		return own.len(s)
	}},
	{"select sends any of what it may send", func(s side) any {
		c, n := s.channel(0), [2]int{}
		s.spawn(func(s side) {
			for range 200 {
				s.choose(true, send(c, 0), send(c, 1))
			}
		})
		for range 200 {
			v, _ := c.recv(s)
			n[v]++
		}
		s.join()
		return n[0] > 20 && n[1] > 20
	}},
}
