package sched_test

import (
	"context"
	"fmt"
	"time"

	"numasched/sched"
)

// Other Gs run while one sleeps.
func ExampleG_Sleep() {
	onHost(func(g *sched.G) {
		var group sched.Group
		group.Go(g, func(g *sched.G) {
			g.Sleep(50 * time.Millisecond)
			fmt.Println("awake")
		})
		group.Go(g, func(*sched.G) { fmt.Println("meanwhile") })
		group.Wait(g)
	})
	// Output:
	// meanwhile
	// awake
}

// A Select with a time limit.
func ExampleG_After() {
	onHost(func(g *sched.G) {
		never := sched.NewChan[int](g.Sched(), 0)
		switch g.Select(never.RecvCase(nil, nil), g.After(time.Millisecond).RecvCase(nil, nil)) {
		case 0:
			fmt.Println("a value")
		case 1:
			fmt.Println("too late")
		}
	})
	// Output: too late
}

// AfterFunc starts a G later. Stop prevents that, if it comes in time.
func ExampleG_AfterFunc() {
	onHost(func(g *sched.G) {
		done := sched.NewChan[string](g.Sched(), 1)
		g.AfterFunc(time.Millisecond, func(g *sched.G) { done.Send(g, "it is time") })
		late := g.AfterFunc(time.Hour, func(g *sched.G) { done.Send(g, "never") })
		text, _ := done.Recv(g)
		fmt.Println(text, late.Stop(g))
	})
	// Output: it is time true
}

// A Ticker ticks until it is stopped.
func ExampleG_NewTicker() {
	onHost(func(g *sched.G) {
		ticker := g.NewTicker(time.Millisecond)
		defer ticker.Stop(g)
		for i := range 3 {
			ticker.C.Recv(g)
			fmt.Println("tick", i)
		}
	})
	// Output:
	// tick 0
	// tick 1
	// tick 2
}

// Done makes a channel for Gs from a context, to be selected beside others.
func ExampleG_Done() {
	ctx, cancel := context.WithCancel(context.Background())
	onHost(func(g *sched.G) {
		jobs := sched.NewChan[int](g.Sched(), 0)
		g.Go(func(g *sched.G) {
			jobs.Send(g, 1)
			cancel()
		})
		for {
			var job int
			if g.Select(jobs.RecvCase(&job, nil), g.Done(ctx).RecvCase(nil, nil)) == 1 {
				fmt.Println(ctx.Err())
				return
			}
			fmt.Println("job", job)
		}
	})
	// Output:
	// job 1
	// context canceled
}

// TrySelect is a select statement with a default.
func ExampleG_TrySelect() {
	onHost(func(g *sched.G) {
		full := sched.NewChan[int](g.Sched(), 1)
		full.Send(g, 1)
		_, ok := g.TrySelect(full.SendCase(2))
		fmt.Println("sent:", ok)
	})
	// Output: sent: false
}

// A limit says how many members of an ErrGroup may run at a time.
func ExampleErrGroup_SetLimit() {
	onHost(func(g *sched.G) {
		group, _ := sched.NewErrGroup(context.Background())
		group.SetLimit(2)
		running, most := 0, 0
		var mu sched.Mutex
		for range 10 {
			group.Go(g, func(g *sched.G) error {
				mu.Lock(g)
				running++
				most = max(most, running)
				mu.Unlock(g)
				g.Yield()
				mu.Lock(g)
				running--
				mu.Unlock(g)
				return nil
			})
		}
		err := group.Wait(g)
		fmt.Println("at most 2 at a time:", most <= 2, err)
	})
	// Output: at most 2 at a time: true <nil>
}
