package sched_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"numasched/sched"
)

func TestYieldLetsOthersRun(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			var flag atomic.Bool
			g.Go(func(*sched.G) { flag.Store(true) })
			for !flag.Load() {
				g.Yield()
			}
		})
	})
}

func TestRunsMayOverlap(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 20 {
					if err := s.Run(func(g *sched.G) { fib(g, sched.Arg{A: 8}) }); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	})
}
