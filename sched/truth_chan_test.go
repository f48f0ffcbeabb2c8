package sched_test

// What Go's own tests check of channels.
var chanTruths = []truth{
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
	{"a receive that does not wait finds what was sent before", func(s side) any {
		missed := s.channel(1000)
		for range 300 {
			c := s.channel(1)
			c.send(s, 1)
			s.spawn(func(s side) {
				if _, _, done := c.tryRecv(s); !done {
					missed.send(s, 1)
				}
			})
			c.close(s)
			c.recv(s)
			s.join()
		}
		return missed.len(s)
	}},
}
