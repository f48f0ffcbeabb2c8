package workload

import (
	"fmt"

	"numasched/sched"
)

// wakeStorm is modelled on hackbench. In every group each sender sends a message to each
// receiver, over and over, so it consists of wake-ups alone. An arm that keeps Gs at
// home is expected to lose here: a woken G runs best where its waker is.
var wakeStorm = &Workload{
	Name:    "wakestorm",
	Doc:     "groups of senders that all send to all receivers, as hackbench: expected loss",
	Unit:    "message",
	Claimed: sized("groups=2/loops=8"),
	Params: []Param{
		{Name: "groups", Doc: "groups", Default: 8, Quick: 2, Min: 1, Max: 1 << 16},
		{Name: "fan", Doc: "senders of a group, and receivers", Default: 20, Min: 1, Max: 1 << 12},
		{Name: "loops", Doc: "messages from each sender to each receiver", Default: 100, Quick: 25, Min: 1, Max: 1 << 40},
		{Name: "room", Doc: "messages that a receiver's channel has room for", Default: 4, Min: 0, Max: 1 << 20},
	},
	New: func(p Params) (*Instance, error) {
		groups, fan, loops, room := int(p["groups"]), int(p["fan"]), int(p["loops"]), int(p["room"])
		check := func(sums []int) error {
			for i, sum := range sums {
				if want := fan * loops * (loops - 1) / 2; sum != want {
					return fmt.Errorf("wakestorm: messages to receiver %d of group %d add up to %d, want %d", i%fan, i/fan, sum, want)
				}
			}
			return nil
		}
		return &Instance{
			Tasks: int64(groups) * int64(fan) * int64(fan) * int64(loops),
			Run: func(g *sched.G) error {
				sums := make([]int, groups*fan)
				var gr sched.Group
				for k := range groups {
					in := make([]*sched.Chan[int], fan)
					for i := range in {
						in[i] = sched.NewChan[int](g.Sched(), room)
						gr.Go(g, func(g *sched.G) {
							for range fan * loops {
								v, _ := in[i].Recv(g)
								sums[k*fan+i] += v
							}
						})
					}
					for range fan {
						gr.Go(g, func(g *sched.G) {
							for v := range loops {
								for _, c := range in {
									c.Send(g, v)
								}
							}
						})
					}
				}
				gr.Wait(g)
				return check(sums)
			},
			Stock: func() error {
				sums := make([]int, groups*fan)
				stockLoop(groups, func(k int) {
					in := make([]chan int, fan)
					for i := range in {
						in[i] = make(chan int, room)
					}
					for range fan {
						go func() {
							for v := range loops {
								for _, c := range in {
									c <- v
								}
							}
						}()
					}
					stockLoop(fan, func(i int) {
						for range fan * loops {
							sums[k*fan+i] += <-in[i]
						}
					})
				})
				return check(sums)
			},
		}, nil
	},
}
