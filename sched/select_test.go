package sched_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"numasched/sched"
)

func TestTrySendAndTryRecvNeverWait(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[int](s, 1)
			check := func(what string, got, want any) {
				if got != want {
					t.Errorf("%s: %v, want %v", what, got, want)
				}
			}
			_, _, done := c.TryRecv(g)
			check("TryRecv of an empty channel is done", done, false)
			check("TrySend with room", c.TrySend(g, 7), true)
			check("TrySend without room", c.TrySend(g, 8), false)
			check("Len", c.Len(g), 1)
			check("Cap", c.Cap(), 1)
			v, ok, done := c.TryRecv(g)
			check("TryRecv", fmt.Sprint(v, ok, done), "7 true true")
			c.Close(g)
			v, ok, done = c.TryRecv(g)
			check("TryRecv of a closed channel", fmt.Sprint(v, ok, done), "0 false true")
			var none *sched.Chan[int]
			check("TrySend of a nil channel", none.TrySend(g, 1), false)
			_, _, done = none.TryRecv(g)
			check("TryRecv of a nil channel is done", done, false)
			check("Len and Cap of a nil channel", none.Len(g)+none.Cap(), 0)
		})
	})
}

func TestTrySendMeetsAReceiverThatWaits(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[string](s, 0)
			var gr sched.Group
			gr.Go(g, func(g *sched.G) {
				if v, ok := c.Recv(g); v != "x" || !ok {
					t.Errorf("received %q, %v", v, ok)
				}
			})
			for !c.TrySend(g, "x") {
				g.Yield()
			}
			gr.Wait(g)
		})
	})
}

// Channels of different types, values that are lost nowhere, each exactly once.
func TestSelectReceivesEachValueOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		const each = 300
		run(t, s, func(g *sched.G) {
			ints, strs, quit := sched.NewChan[int](s, 0), sched.NewChan[string](s, 2), sched.NewChan[struct{}](s, 0)
			var senders, receivers sched.Group
			senders.Go(g, func(g *sched.G) {
				for i := range each {
					ints.Send(g, i)
				}
			})
			senders.Go(g, func(g *sched.G) {
				for i := range each {
					if g.Select(strs.SendCase(fmt.Sprint(i)), quit.RecvCase(nil, nil)) != 0 {
						t.Error("chose to receive what nobody has sent")
					}
				}
			})
			var seenInt, seenStr [each]atomic.Int32
			for range 3 {
				receivers.Go(g, func(g *sched.G) {
					for {
						var i int
						var str string
						switch g.Select(ints.RecvCase(&i, nil), strs.RecvCase(&str, nil), quit.RecvCase(nil, nil)) {
						case 0:
							seenInt[i].Add(1)
						case 1:
							var k int
							fmt.Sscan(str, &k)
							seenStr[k].Add(1)
						case 2:
							return
						}
					}
				})
			}
			senders.Wait(g)
			for strs.Len(g) > 0 {
				g.Yield()
			}
			quit.Close(g)
			receivers.Wait(g)
			for i := range each {
				if seenInt[i].Load() != 1 || seenStr[i].Load() != 1 {
					t.Fatalf("%d was received %d and %d times", i, seenInt[i].Load(), seenStr[i].Load())
				}
			}
		})
	})
}

func TestSelectTakesACloseForAReceive(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			c, d := sched.NewChan[int](s, 0), sched.NewChan[int](s, 0)
			g.Go(func(g *sched.G) { c.Close(g) })
			v, ok := 7, true
			if i := g.Select(d.RecvCase(nil, nil), c.RecvCase(&v, &ok)); i != 1 || v != 0 || ok {
				t.Errorf("case %d, %d, %v; want 1, 0, false", i, v, ok)
			}
		})
	})
}

func TestASelectedSendToAClosedChannelPanics(t *testing.T) {
	for name, fn := range map[string]func(*sched.G, *sched.Chan[int]){
		"closed before": func(g *sched.G, c *sched.Chan[int]) { c.Close(g); g.Select(c.SendCase(1)) },
		"closed meanwhile": func(g *sched.G, c *sched.Chan[int]) {
			g.Go(func(g *sched.G) { c.Close(g) })
			g.Select(c.SendCase(1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, s *sched.Sched) {
				panics(t, s, "send on closed channel", func(g *sched.G) { fn(g, sched.NewChan[int](s, 0)) })
			})
		})
	}
}

func TestSelectWithoutChannelsWaitsForEver(t *testing.T) {
	for name, cases := range map[string][]sched.Case{
		"no cases":          nil,
		"nil channels only": {(*sched.Chan[int])(nil).RecvCase(nil, nil), (*sched.Chan[int])(nil).SendCase(1)},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, "flat", "synthetic:1x1")
			err := s.Run(func(g *sched.G) {
				if i, ok := g.TrySelect(cases...); ok || i != -1 {
					t.Errorf("TrySelect: %d, %v; want -1, false", i, ok)
				}
				g.Select(cases...)
			})
			if err == nil || !strings.Contains(err.Error(), "[select (no cases)]") {
				t.Errorf("Run returned %v, want a deadlock in a select without cases", err)
			}
		})
	}
}

// The same channel may stand in several cases.
func TestOneChannelInSeveralCases(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			var gr sched.Group
			gr.Go(g, func(g *sched.G) {
				for i := range 100 {
					c.Send(g, i)
				}
			})
			for i := range 100 {
				var v, w int
				got := &v
				if g.Select(c.RecvCase(&v, nil), c.RecvCase(&w, nil)) == 1 {
					got = &w
				}
				if *got != i {
					t.Fatalf("received %d, want %d", *got, i)
				}
			}
			gr.Wait(g)
		})
	})
}

// Of cases that are always ready each is chosen.
func TestSelectIsFair(t *testing.T) {
	s := start(t, "flat", "synthetic:1x1")
	run(t, s, func(g *sched.G) {
		var cs [3]*sched.Chan[int]
		for i := range cs {
			cs[i] = sched.NewChan[int](s, 0)
			cs[i].Close(g)
		}
		var n [3]int
		for range 3000 {
			n[g.Select(cs[0].RecvCase(nil, nil), cs[1].RecvCase(nil, nil), cs[2].RecvCase(nil, nil))]++
		}
		for i := range n {
			if n[i] < 800 || n[i] > 1200 { // over six standard deviations
				t.Errorf("case %d was chosen %d times of 3000", i, n[i])
			}
		}
	})
}

// Random programs of Gs that send, receive and select over a few channels end as they do
// with goroutines: all values that were sent are received.
func TestRandomSelects(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		r := rand.New(rand.NewPCG(1, 2))
		for range 5 {
			var sent, received atomic.Int64
			run(t, s, func(g *sched.G) {
				var cs [3]*sched.Chan[int]
				for i := range cs {
					cs[i] = sched.NewChan[int](s, r.IntN(3))
				}
				done := sched.NewChan[int](s, 0)
				var senders, receivers sched.Group
				for range 6 {
					seed := r.Uint64()
					senders.Go(g, func(g *sched.G) {
						r := rand.New(rand.NewPCG(seed, 0))
						for range 50 {
							a, b := r.IntN(3), r.IntN(3)
							v := r.IntN(1000)
							if g.Select(cs[a].SendCase(v), cs[b].SendCase(v)) < 0 {
								t.Error("nothing was chosen")
							}
							sent.Add(int64(v))
						}
					})
					receivers.Go(g, func(g *sched.G) {
						r := rand.New(rand.NewPCG(seed, 1))
						for {
							var v [3]int
							k := r.IntN(3) // which comes first
							if g.Select(cs[k].RecvCase(&v[0], nil), done.RecvCase(nil, nil),
								cs[(k+1)%3].RecvCase(&v[1], nil), cs[(k+2)%3].RecvCase(&v[2], nil)) == 1 {
								return
							}
							received.Add(int64(v[0] + v[1] + v[2]))
						}
					})
				}
				senders.Wait(g)
				for i := range cs {
					for cs[i].Len(g) > 0 {
						g.Yield()
					}
				}
				done.Close(g)
				receivers.Wait(g)
			})
			if sent.Load() != received.Load() {
				t.Errorf("sent %d and received %d in all", sent.Load(), received.Load())
			}
		}
	})
}

// A deadlock says which Gs wait for what, and where they were started.
func TestADeadlockNamesWhoWaitsForWhat(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		err := s.Run(func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			for range 5 {
				g.Go(func(g *sched.G) { c.Recv(g) })
			}
			var gr sched.Group
			gr.Go(g, func(g *sched.G) { g.Select(c.RecvCase(nil, nil)) })
			g.Go(func(g *sched.G) { sched.NewChan[int](s, 0).Send(g, 1) })
			gr.Wait(g)
		})
		var de *sched.DeadlockError
		if !errors.As(err, &de) {
			t.Fatalf("Run returned %v, want a DeadlockError", err)
		}
		n := map[string]int{}
		for _, b := range de.Gs {
			n[b.Why.String()]++
			if !strings.Contains(b.Pos, "select_test.go:") {
				t.Errorf("a G that waits was started at %q, want a line of this file", b.Pos)
			}
		}
		// The root waits itself, or in a member that it runs inline.
		if n["chan receive"] != 5 || n["select"] != 1 || n["chan send"] != 1 || n["group wait"] > 1 || de.More != 0 {
			t.Errorf("waiting: %v and %d more", n, de.More)
		}
		if text := err.Error(); !strings.Contains(text, "[select]: numasched/sched_test.TestADeadlockNames") && !strings.Contains(text, "[select]") {
			t.Errorf("the text does not name them:\n%s", text)
		}
	})
}
