package sched_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"numasched/sched"
)

func fibOf(g *sched.G, n int) int {
	if n < 2 {
		return n
	}
	c := sched.Fork(g, fibOf, n-1)
	y := fibOf(g, n-2)
	return c.Join(g) + y
}

// digits returns the numbers below n as text, and yields on the way.
func digits(g *sched.G, n int) []string {
	if n == 0 {
		return nil
	}
	if n%5 == 0 {
		g.Yield()
	}
	c := sched.Fork(g, digits, n-1)
	d := sched.Fork(g, strconvItoa, n-1)
	last := d.Join(g)
	return append(c.Join(g), last)
}

func strconvItoa(_ *sched.G, n int) string { return strconv.Itoa(n) }

func TestForksOfAnyTypeReturnWhatTheirFunctionsReturn(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			if got := fibOf(g, 16); got != 987 {
				t.Errorf("fib(16) = %d", got)
			}
			if got := strings.Join(digits(g, 40), ""); got != "0123456789101112131415161718192021222324252627282930313233343536373839" {
				t.Errorf("the digits are %s", got)
			}
			type big struct {
				a [20]int
				b *int
			}
			n := 7
			c := sched.Fork(g, func(_ *sched.G, b big) big { b.a[3] += *b.b; return b }, big{b: &n})
			if got := c.Join(g); got.a[3] != 7 || got.b != &n {
				t.Errorf("got %v", got)
			}
		})
	})
}

// A G that was forked with types and taken back is whatever comes next: a child of other types,
// one with an Arg, a member of a Group.
func TestAChildTakenBackIsAnythingNext(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			next := map[string]func(n int) int{
				"typed": func(n int) int { return sched.Fork(g, func(_ *sched.G, n int) int { return n + 1 }, n).Join(g) },
				"text": func(n int) int {
					got, _ := strconv.Atoi(sched.Fork(g, strconvItoa, n).Join(g))
					return got + 1
				},
				"arg": func(n int) int {
					return g.Join(g.Fork(func(_ *sched.G, arg sched.Arg) int { return arg.A + 1 }, sched.Arg{A: n}))
				},
				"member": func(n int) int {
					var gr sched.Group
					got := 0
					gr.Go(g, func(*sched.G) { got = n + 1 })
					if n%2 == 0 {
						g.Yield() // the member runs on its own
					}
					gr.Wait(g)
					return got
				},
				"two alone": func(n int) int {
					done := sched.NewChan[int](s, 2)
					g.Go(func(g *sched.G) { done.Send(g, n) })
					g.Go(func(g *sched.G) { done.Send(g, 1) })
					one, _ := done.Recv(g)
					other, _ := done.Recv(g)
					return one + other
				},
			}
			for before := range next {
				for after := range next {
					for i, kind := range []string{before, before, after, after, before, after} {
						if got := next[kind](i); got != i+1 {
							t.Errorf("%s beside %s: %d returned %d, want %d", after, before, i, got, i+1)
						}
					}
				}
			}
		})
	})
}

// A fork of types that were forked before allocates nothing.
func TestAForkAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	s := start(t, "flat", "synthetic:1x1")
	run(t, s, func(g *sched.G) {
		fibOf(g, 10)
		if n := testing.AllocsPerRun(100, func() { fibOf(g, 10) }); n > 1 {
			t.Errorf("%v allocations in a fib(10)", n)
		}
	})
}

func forkedWait(g *sched.G, c *sched.Chan[int]) int { v, _ := c.Recv(g); return v }

func TestADeadlockNamesTheForkedFunction(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		err := s.Run(func(g *sched.G) {
			child := sched.Fork(g, forkedWait, sched.NewChan[int](s, 0))
			g.Yield()
			child.Join(g)
		})
		if _, ok := errors.AsType[*sched.DeadlockError](err); !ok || !strings.Contains(err.Error(), "sched_test.forkedWait") {
			t.Errorf("Run returned %v, want a deadlock that names forkedWait", err)
		}
	})
}

func TestMisuseOfAForkIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		want   string
		misuse func(*sched.G)
	}{
		"nil":   {"nil function", func(g *sched.G) { sched.Fork[int, int](g, nil, 1) }},
		"zero":  {"not a child of this G", func(g *sched.G) { sched.Forked[int, int]{}.Join(g) }},
		"twice": {"not a child of this G", func(g *sched.G) { c := sched.Fork(g, fibOf, 1); c.Join(g); c.Join(g) }},
		"other": {"not a child of this G", func(g *sched.G) {
			c := sched.Fork(g, fibOf, 1)
			sched.Fork(g, func(g *sched.G, c sched.Forked[int, int]) int { return c.Join(g) }, c).Join(g)
		}},
	} {
		t.Run(name, func(t *testing.T) { panics(t, start(t, "numa", "synthetic:2x2"), c.want, c.misuse) })
	}
}

// While a child runs as a call, its G is free, and another fork may use what it keeps.
func TestATypedForkHasAResultOfItsOwn(t *testing.T) {
	s := startOn(t, unrecorded(t, "synthetic:1x1"), "flat")
	run(t, s, func(g *sched.G) {
		a, b := sched.NewChan[int](s, 1), sched.NewChan[int](s, 1)
		receive := func(g *sched.G, c *sched.Chan[int]) int {
			v, _ := c.Recv(g)
			return v
		}
		var first, second int
		done := sched.NewChan[int](s, 2)
		g.Go(func(g *sched.G) {
			c := sched.Fork(g, receive, a)
			g.Syscall(func() {}) // c is public now
			first = c.Join(g)    // which calls c, which waits
			done.Send(g, 1)
		})
		g.Go(func(g *sched.G) {
			b.Send(g, 22)
			c := sched.Fork(g, receive, b)
			g.Syscall(func() {})
			for range 5 {
				g.Yield() // c runs as a G of its own
			}
			a.Send(g, 11)
			for range 5 {
				g.Yield() // the first one's child ends
			}
			second = c.Join(g)
			done.Send(g, 1)
		})
		done.Recv(g)
		done.Recv(g)
		if first != 11 || second != 22 {
			t.Errorf("the children returned %d and %d, want 11 and 22", first, second)
		}
	})
}

// What is forked on several Ps, blocks here and there and is stolen returns what it should.
func TestTypedForksThatYield(t *testing.T) {
	for _, arm := range []string{"flat", "numa"} {
		s := startOn(t, unrecorded(t, "synthetic:1x4"), arm)
		run(t, s, func(g *sched.G) {
			for range 30 {
				if got := fibThatYields(g, 14); got != 377 {
					t.Errorf("%s: fib(14) is %d, want 377", arm, got)
				}
			}
		})
	}
}

func fibThatYields(g *sched.G, n int) int {
	if n < 2 {
		if n == 1 {
			g.Yield()
		}
		return n
	}
	c := sched.Fork(g, fibThatYields, n-1)
	y := fibThatYields(g, n-2)
	return c.Join(g) + y
}
