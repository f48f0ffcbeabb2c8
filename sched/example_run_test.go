package sched_test

import (
	"fmt"
	"log"
	"os"
	"sync/atomic"
	"time"

	"numasched/sched"
	"numasched/sched/host"
	"numasched/sched/policy"
)

// A program makes a machine, chooses an arm, makes a scheduler and runs its first G.
func ExampleNew() {
	machine, err := host.New(host.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer machine.Close()
	arm, err := policy.ByName("numa")
	if err != nil {
		log.Fatal(err)
	}
	s, err := sched.New(sched.Config{Machine: machine, Arm: arm})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	err = s.Run(func(*sched.G) { fmt.Println("hello from a G") })
	fmt.Println(err)
	// Output:
	// hello from a G
	// <nil>
}

// onSched is what follows in the other Examples: fn gets a scheduler on this machine.
func onSched(fn func(*sched.Sched)) {
	machine, err := host.New(host.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer machine.Close()
	arm, _ := policy.ByName("numa")
	s, err := sched.New(sched.Config{Machine: machine, Arm: arm})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	fn(s)
}

// Run returns when its G has returned. A G that nobody waits for goes on: Quiesce waits
// until no G runs any more.
func ExampleSched_Run() {
	onSched(func(s *sched.Sched) {
		var ran atomic.Int32
		err := s.Run(func(g *sched.G) {
			for range 10 {
				g.Go(func(*sched.G) { ran.Add(1) })
			}
		})
		s.Quiesce()
		fmt.Println(ran.Load(), err)
	})
	// Output: 10 <nil>
}

// Goroutines that are no Gs start Gs with Start, and need not wait.
func ExampleSched_Start() {
	onSched(func(s *sched.Sched) {
		done := make(chan string)
		if err := s.Start(func(*sched.G) { done <- "a G has run" }); err != nil {
			log.Fatal(err)
		}
		fmt.Println(<-done)
	})
	// Output: a G has run
}

// A goroutine that is no G runs a short function as a G, and waits for it.
func ExampleSched_Do() {
	onSched(func(s *sched.Sched) {
		answer := 0
		err := s.Do(func(g *sched.G) {
			var group sched.Group
			group.Go(g, func(*sched.G) { answer = 42 })
			group.Wait(g)
		})
		fmt.Println(answer, err)
	})
	// Output: 42 <nil>
}

// Stats tells what the scheduler has done. The difference of two tells of the time between.
func ExampleSched_Stats() {
	onSched(func(s *sched.Sched) {
		before := s.Stats()
		s.Run(func(g *sched.G) {
			var group sched.Group
			for range 100 {
				group.Go(g, func(*sched.G) {})
			}
			group.Wait(g)
		})
		s.Quiesce()
		fmt.Println(s.Stats().Sub(before).Spawned, "Gs were started")
	})
	// Output: 100 Gs were started
}

// Go starts a G. Most often somebody waits for it: here over a channel.
func ExampleG_Go() {
	onHost(func(g *sched.G) {
		answer := sched.NewChan[int](g.Sched(), 1)
		g.Go(func(g *sched.G) { answer.Send(g, 6*7) })
		n, _ := answer.Recv(g)
		fmt.Println(n)
	})
	// Output: 42
}

// A G that waits for another without a channel yields meanwhile. A loop that computes for
// long calls Preempt instead, which costs next to nothing and gives way only when others
// have waited for long.
func ExampleG_Yield() {
	onHost(func(g *sched.G) {
		var ready atomic.Bool
		g.Go(func(*sched.G) { ready.Store(true) })
		for !ready.Load() {
			g.Yield()
		}
		fmt.Println("ready")
	})
	// Output: ready
}

// A G that is locked has a thread of its own, as after runtime.LockOSThread: for C
// libraries that keep something for each thread.
func ExampleG_GoLocked() {
	onHost(func(g *sched.G) {
		jobs, done := sched.NewChan[string](g.Sched(), 0), sched.NewChan[bool](g.Sched(), 0)
		g.GoLocked(func(g *sched.G) {
			for job, ok := jobs.Recv(g); ok; job, ok = jobs.Recv(g) {
				fmt.Println("draws", job) // always on the same thread
			}
			done.Send(g, true)
		})
		jobs.Send(g, "a circle")
		jobs.Send(g, "a square")
		jobs.Close(g)
		done.Recv(g)
	})
	// Output:
	// draws a circle
	// draws a square
}

// A Buffer is memory on a node, and Slice gives it a type. Gs that work on it say so with
// Work. A simulated machine charges them for it.
func ExampleSlice() {
	onSched(func(s *sched.Sched) {
		node := s.NodeIDs()[0]
		buf, err := s.NewBuffer(8000, sched.OnNode(node))
		if err != nil {
			log.Fatal(err)
		}
		defer s.FreeBuffer(buf)
		numbers := sched.Slice[int64](buf, 1000)
		sum := int64(0)
		s.Run(func(g *sched.G) {
			var group sched.Group
			group.GoAt(g, sched.OnNode(node), func(g *sched.G) {
				all := sched.Span{Buf: buf, Len: buf.Bytes}
				g.Work(sched.Work{Ops: 1000, Writes: []sched.Span{all}}, func() {
					for i := range numbers {
						numbers[i] = int64(i)
					}
				})
				g.Work(sched.Work{Ops: 1000, Reads: []sched.Span{all}}, func() {
					for _, n := range numbers {
						sum += n
					}
				})
			})
			group.Wait(g)
		})
		fmt.Println(sum)
	})
	// Output: 499500
}

// SchedTrace writes lines like those of GODEBUG=schedtrace. So does the environment variable
// NUMASCHED=schedtrace=1000, without a change to the program.
func ExampleSchedTrace() {
	machine, err := host.New(host.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer machine.Close()
	arm, _ := policy.ByName("numa")
	s, err := sched.New(sched.Config{Machine: machine, Arm: arm, SchedTrace: sched.SchedTrace{Every: time.Second, Detail: true, Out: os.Stderr}})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	fmt.Println(s.Run(func(g *sched.G) { g.Sleep(time.Millisecond) }))
	// Output: <nil>
}
