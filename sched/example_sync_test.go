package sched_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"numasched/sched"
)

// A G may wait for other Gs while it holds a Mutex, which would hang with a sync.Mutex.
func ExampleMutex() {
	err := onHost(func(g *sched.G) {
		var mu sched.Mutex
		var group sched.Group
		sum := 0
		for i := range 10 {
			group.Go(g, func(g *sched.G) {
				mu.Lock(g)
				defer mu.Unlock(g)
				before := sum
				g.Yield()
				sum = before + i
			})
		}
		group.Wait(g)
		fmt.Println(sum)
	})
	fmt.Println(err)
	// Output:
	// 45
	// <nil>
}

// Readers read at the same time.
func ExampleRWMutex() {
	err := onHost(func(g *sched.G) {
		var mu sched.RWMutex
		ages := map[string]int{"Ada": 36}

		mu.Lock(g)
		ages["Alan"] = 41
		mu.Unlock(g)

		mu.RLock(g)
		fmt.Println(ages["Ada"], ages["Alan"], mu.TryRLock(g), mu.TryLock(g))
		mu.RUnlock(g)
	})
	fmt.Println(err)
	// Output:
	// 36 41 true false
	// <nil>
}

func ExampleCond() {
	err := onHost(func(g *sched.G) {
		var mu sched.Mutex
		cond := sched.NewCond(&mu)
		var queue []string
		g.Go(func(g *sched.G) {
			mu.Lock(g)
			queue = append(queue, "hello")
			mu.Unlock(g)
			cond.Signal(g)
		})

		mu.Lock(g)
		for len(queue) == 0 {
			cond.Wait(g)
		}
		fmt.Println(queue[0])
		mu.Unlock(g)
	})
	fmt.Println(err)
	// Output:
	// hello
	// <nil>
}

func ExampleOnce() {
	err := onHost(func(g *sched.G) {
		var once sched.Once
		var group sched.Group
		for range 10 {
			group.Go(g, func(g *sched.G) {
				once.Do(g, func() { fmt.Println("only once") })
			})
		}
		group.Wait(g)
	})
	fmt.Println(err)
	// Output:
	// only once
	// <nil>
}

// A Semaphore bounds how many Gs use something at a time.
func ExampleSemaphore() {
	err := onHost(func(g *sched.G) {
		connections := sched.NewSemaphore(g.Sched(), 3)
		var group sched.Group
		for range 10 {
			group.Go(g, func(g *sched.G) {
				connections.Acquire(g, 1)
				defer connections.Release(g, 1)
				g.Yield()
			})
		}
		group.Wait(g)
		fmt.Println("all free:", connections.TryAcquire(g, 3))
	})
	fmt.Println(err)
	// Output:
	// all free: true
	// <nil>
}

// Fork takes a function of any argument and any result.
func ExampleFork() {
	var reverse func(g *sched.G, s string) string
	reverse = func(g *sched.G, s string) string {
		if len(s) < 2 {
			return s
		}
		half := len(s) / 2
		left := sched.Fork(g, reverse, s[:half])
		right := reverse(g, s[half:])
		return right + left.Join(g)
	}
	err := onHost(func(g *sched.G) { fmt.Println(reverse(g, "stressed")) })
	fmt.Println(err)
	// Output:
	// desserts
	// <nil>
}

// An ErrGroup returns the first error, and its context tells the other members.
func ExampleErrGroup() {
	err := onHost(func(g *sched.G) {
		group, ctx := sched.NewErrGroup(context.Background())
		group.SetLimit(4)
		for i := range 3 {
			group.Go(g, func(g *sched.G) error {
				if i == 1 {
					return errors.New("member 1 has failed")
				}
				g.Done(ctx).Recv(g)
				return ctx.Err()
			})
		}
		fmt.Println(group.Wait(g))
	})
	fmt.Println(err)
	// Output:
	// member 1 has failed
	// <nil>
}

// A context interrupts nothing by itself, as with goroutines: a G selects its end beside
// what it waits for.
func ExampleSched_RunContext() {
	onSched(func(s *sched.Sched) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		err := s.RunContext(ctx, func(ctx context.Context, g *sched.G) error {
			jobs, done := sched.NewChan[string](s, 0), g.Done(ctx)
			for {
				var job string
				if g.Select(jobs.RecvCase(&job, nil), done.RecvCase(nil, nil)) == 1 {
					return ctx.Err()
				}
				fmt.Println(job)
			}
		})
		fmt.Println(err)
	})
	// Output: context deadline exceeded
}

// Whatever a G waits at, a context can end the wait.
func ExampleMutex_LockContext() {
	onSched(func(s *sched.Sched) {
		err := s.RunContext(context.Background(), func(ctx context.Context, g *sched.G) error {
			ctx, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
			defer cancel()
			var mu sched.Mutex
			mu.Lock(g)
			if err := mu.LockContext(ctx, g); err != nil {
				fmt.Println("not locked twice:", err)
			}
			mu.Unlock(g)
			_, _, err := sched.NewChan[int](s, 0).RecvContext(ctx, g)
			return err
		})
		fmt.Println(err)
	})
	// Output:
	// not locked twice: context deadline exceeded
	// context deadline exceeded
}

// Memory of Alloc lies on the node of the G that asks for it, outside Go's heap.
func ExampleAlloc() {
	type particle struct{ x, y, mass float64 }
	err := onHost(func(g *sched.G) {
		p, err := sched.Alloc[particle](g)
		if err != nil {
			log.Fatal(err)
		}
		defer sched.Free(g, p)
		p.x, p.y = 3, 4
		fmt.Println(p.x*p.x+p.y*p.y, p.mass)
	})
	fmt.Println(err)
	// Output:
	// 25 0
	// <nil>
}
