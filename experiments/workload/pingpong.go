package workload

import (
	"fmt"

	"numasched/sched"
)

// pingPong sends numbers back and forth between the two Gs of each pair, over unbuffered
// channels. It measures what it costs to block and to become ready again.
var pingPong = &Workload{
	Name:  "pingpong",
	Doc:   "pairs that send a number there and back over unbuffered channels",
	Unit:  "roundtrip",
	Quick: true,
	Params: []Param{
		{Name: "pairs", Doc: "pairs", Default: 4, Min: 1, Max: 1 << 20},
		{Name: "rounds", Doc: "round trips of each pair", Default: 100000, Quick: 10000, Min: 1, Max: 1 << 40},
	},
	New: func(p Params) (*Instance, error) {
		pairs, rounds := int(p["pairs"]), int(p["rounds"])
		return &Instance{
			Tasks: int64(pairs) * int64(rounds),
			Run: func(g *sched.G) error {
				errs := make([]error, pairs)
				var gr sched.Group
				for i := range errs {
					gr.Go(g, func(g *sched.G) { errs[i] = pingPongPair(g, rounds) })
				}
				gr.Wait(g)
				return firstError(errs)
			},
			Stock: func() error {
				errs := make([]error, pairs)
				stockLoop(pairs, func(i int) { errs[i] = pingPongStock(rounds) })
				return firstError(errs)
			},
		}, nil
	},
}

func pingPongPair(g *sched.G, rounds int) (err error) {
	s := g.Sched()
	there, back := sched.NewChan[int](s, 0), sched.NewChan[int](s, 0)
	var gr sched.Group
	gr.Go(g, func(g *sched.G) {
		for v, ok := there.Recv(g); ok; v, ok = there.Recv(g) {
			back.Send(g, v+1)
		}
	})
	for i := range rounds {
		there.Send(g, i)
		if v, _ := back.Recv(g); v != i+1 && err == nil {
			err = fmt.Errorf("pingpong: round %d: got %d back, want %d", i, v, i+1)
		}
	}
	there.Close(g)
	gr.Wait(g)
	return err
}

func pingPongStock(rounds int) (err error) {
	there, back := make(chan int), make(chan int)
	done := make(chan struct{})
	go func() {
		for v := range there {
			back <- v + 1
		}
		close(done)
	}()
	for i := range rounds {
		there <- i
		if v := <-back; v != i+1 && err == nil {
			err = fmt.Errorf("pingpong: round %d: got %d back, want %d", i, v, i+1)
		}
	}
	close(there)
	<-done
	return err
}

// firstError returns the first error in errs that is not nil.
func firstError(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
