package workload

import (
	"fmt"

	"numasched/sched"
)

// actorRing is a ring of actors. Each passes on what it receives, and several tokens
// go round at once. A hop wakes a G that has been asleep for a long time.
var actorRing = &Workload{
	Name: "actorring",
	Doc:  "a ring of actors that pass tokens on: wake-ups of Gs gone cold",
	Unit: "hop",
	Params: []Param{
		{Name: "actors", Doc: "actors in the ring", Default: 1000, Quick: 200, Min: 1, Max: 1 << 24},
		{Name: "tokens", Doc: "tokens under way, at most as many as actors", Default: 16, Min: 1, Max: 1 << 24},
		{Name: "laps", Doc: "times that each token goes round", Default: 50, Quick: 10, Min: 1, Max: 1 << 40},
	},
	New: func(p Params) (*Instance, error) {
		actors, tokens, laps := int(p["actors"]), int(p["tokens"]), int(p["laps"])
		if tokens > actors {
			return nil, fmt.Errorf("workload actorring: tokens=%d: want at most actors=%d", tokens, actors)
		}
		// Every actor receives every token laps times, so it knows when to end. The
		// channels have room for all tokens, so nobody waits to send.
		todo := tokens * laps
		check := func(sums []int) error {
			for i, sum := range sums {
				// A token arrives at actor i with the numbers i, i+actors, ...
				want := tokens * (laps*i + actors*(laps*(laps-1)/2))
				if sum != want {
					return fmt.Errorf("actorring: the tokens at actor %d add up to %d, want %d", i, sum, want)
				}
			}
			return nil
		}
		return &Instance{
			Tasks: int64(actors) * int64(todo),
			Run: func(g *sched.G) error {
				ring := make([]*sched.Chan[int], actors)
				for i := range ring {
					ring[i] = sched.NewChan[int](g.Sched(), tokens)
				}
				for range tokens { // before they start to go round, so that all do laps times
					ring[0].Send(g, 0)
				}
				sums := make([]int, actors)
				var gr sched.Group
				for i := range ring {
					gr.Go(g, func(g *sched.G) {
						next := ring[(i+1)%actors]
						for k := range todo {
							v, _ := ring[i].Recv(g)
							sums[i] += v
							if i+1 < actors || k < todo-tokens { // the last lap ends at the last actor
								next.Send(g, v+1)
							}
						}
					})
				}
				gr.Wait(g)
				return check(sums)
			},
			Stock: func() error {
				ring := make([]chan int, actors)
				for i := range ring {
					ring[i] = make(chan int, tokens)
				}
				sums := make([]int, actors)
				for range tokens {
					ring[0] <- 0
				}
				stockLoop(actors, func(i int) {
					next := ring[(i+1)%actors]
					for k := range todo {
						v := <-ring[i]
						sums[i] += v
						if i+1 < actors || k < todo-tokens {
							next <- v + 1
						}
					}
				})
				return check(sums)
			},
		}, nil
	},
}
