package host_test

import (
	"strings"
	"sync"
	"testing"

	"numasched/sched"
	"numasched/sched/policy"
)

func newSched(tb testing.TB, arm string, procs int) *sched.Sched {
	tb.Helper()
	m := open(tb, "", procs)
	a, err := policy.ByName(arm)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := sched.New(sched.Config{Machine: m, Arm: a, Procs: procs})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

func fibTask(g *sched.G, arg sched.Arg) int {
	n := arg.A
	if n < 2 {
		return n
	}
	c := g.Fork(fibTask, sched.Arg{A: n - 1})
	y := fibTask(g, sched.Arg{A: n - 2})
	return g.Join(c) + y
}

func fibClosure(g *sched.G, n int) int {
	if n < 2 {
		return n
	}
	c := g.Fork(func(g *sched.G, _ sched.Arg) int { return fibClosure(g, n-1) }, sched.Arg{})
	y := fibClosure(g, n-2)
	return g.Join(c) + y
}

func fibGroup(g *sched.G, n int) int {
	if n < 2 {
		return n
	}
	var gr sched.Group
	var x int
	gr.Go(g, func(g *sched.G) { x = fibGroup(g, n-1) })
	y := fibGroup(g, n-2)
	gr.Wait(g)
	return x + y
}

func fibWG(n int) int {
	if n < 2 {
		return n
	}
	var wg sync.WaitGroup
	var x int
	wg.Add(1)
	go func() { x = fibWG(n - 1); wg.Done() }()
	y := fibWG(n - 2)
	wg.Wait()
	return x + y
}

func fibTyped(g *sched.G, n int) int {
	if n < 2 {
		return n
	}
	c := sched.Fork(g, fibTyped, n-1)
	y := fibTyped(g, n-2)
	return c.Join(g) + y
}

const fibN, fibResult = 27, 196418
const fibTasks = 317810

func BenchmarkFib(b *testing.B) {
	for _, arm := range []string{"gm", "flat", "numa"} {
		for _, kind := range []string{"fork", "typed", "closure", "group", "fork/P=1", "typed/P=1", "closure/P=1", "group/P=1"} {
			b.Run(arm+"/"+kind, func(b *testing.B) {
				kind, one := strings.CutSuffix(kind, "/P=1")
				procs := 2
				if one {
					procs = 1
				}
				s := newSched(b, arm, procs)
				b.ResetTimer()
				for b.Loop() {
					got := 0
					if err := s.Run(func(g *sched.G) {
						switch kind {
						case "fork":
							got = fibTask(g, sched.Arg{A: fibN})
						case "typed":
							got = fibTyped(g, fibN)
						case "closure":
							got = fibClosure(g, fibN)
						default:
							got = fibGroup(g, fibN)
						}
					}); err != nil {
						b.Fatal(err)
					}
					if got != fibResult {
						b.Fatal(got)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/fibTasks, "ns/task")
			})
		}
	}
	b.Run("wg", func(b *testing.B) {
		for b.Loop() {
			fibWG(fibN)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/fibTasks, "ns/task")
	})
}

func BenchmarkSpawn(b *testing.B) {
	const n = 1e6
	for _, arm := range []string{"gm", "flat", "numa"} {
		b.Run(arm, func(b *testing.B) {
			s := newSched(b, arm, 2)
			b.ResetTimer()
			for b.Loop() {
				if err := s.Run(func(g *sched.G) {
					var gr sched.Group
					for range int(n) {
						gr.Go(g, func(*sched.G) {})
					}
					gr.Wait(g)
				}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/task")
		})
	}
}

func BenchmarkPingPong(b *testing.B) {
	for _, arm := range []string{"gm", "flat", "numa"} {
		b.Run(arm, func(b *testing.B) {
			s := newSched(b, arm, 2)
			b.ResetTimer()
			if err := s.Run(func(g *sched.G) {
				there, back := sched.NewChan[int](s, 0), sched.NewChan[int](s, 0)
				g.Go(func(g *sched.G) {
					for {
						v, ok := there.Recv(g)
						if !ok {
							back.Close(g)
							return
						}
						back.Send(g, v)
					}
				})
				for i := range b.N {
					there.Send(g, i)
					if v, _ := back.Recv(g); v != i {
						panic(v)
					}
				}
				there.Close(g)
				back.Recv(g)
			}); err != nil {
				b.Fatal(err)
			}
		})
	}
}
