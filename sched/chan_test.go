package sched_test

import (
	"sync/atomic"
	"testing"

	"numasched/sched"
)

func TestUnbufferedChanPassesInOrder(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			var gr sched.Group
			gr.Go(g, func(g *sched.G) {
				for i := range 500 {
					c.Send(g, i)
				}
				c.Close(g)
			})
			for want := 0; ; want++ {
				v, ok := c.Recv(g)
				if !ok {
					if want != 500 {
						t.Errorf("closed after %d values", want)
					}
					break
				}
				if v != want {
					t.Errorf("received %d, want %d", v, want)
				}
			}
			gr.Wait(g)
		})
	})
}

func TestBufferedChanLosesNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		const senders, each = 5, 200
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[int](s, 3)
			var send, recv sched.Group
			for i := range senders {
				send.Go(g, func(g *sched.G) {
					for k := range each {
						c.Send(g, i*each+k)
					}
				})
			}
			var seen [senders * each]atomic.Int32
			for range 4 {
				recv.Go(g, func(g *sched.G) {
					for v, ok := c.Recv(g); ok; v, ok = c.Recv(g) {
						seen[v].Add(1)
					}
				})
			}
			send.Wait(g)
			c.Close(g)
			recv.Wait(g)
			for v := range seen {
				if n := seen[v].Load(); n != 1 {
					t.Errorf("%d was received %d times", v, n)
				}
			}
		})
	})
}
