package hostnet_test

import (
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/host/hostnet"
)

// Gs that wait for descriptors of a node hear of them when the node has lost its Ps: those
// that waited before and those that wait afterwards.
func TestDescriptorsOfANodeWithoutPs(t *testing.T) {
	for _, arm := range []string{"flat", "numa", "numa-home"} {
		t.Run(arm, func(t *testing.T) {
			s := start(t, arm, "synthetic:2x2")
			run(t, s, func(g *sched.G) {
				const pipes = 6
				var gr sched.Group
				ready, said := sched.NewChan[*hostnet.Pipe](s, pipes), sched.NewChan[string](s, pipes)
				for i := range pipes {
					gr.GoAt(g, sched.OnNode(i%2), func(g *sched.G) {
						r, w, err := hostnet.NewPipe()
						check(t, err)
						ready.Send(g, w)
						for range 3 {
							var buf [8]byte
							n, err := r.Read(buf[:])
							check(t, err)
							said.Send(g, string(buf[:n]))
						}
						check(t, r.Close())
					})
				}
				var ws []*hostnet.Pipe
				for range pipes {
					w, _ := ready.Recv(g)
					ws = append(ws, w)
				}
				for _, procs := range []int{1, 4, 1} {
					g.Sleep(time.Millisecond) // all wait, or all Ms do
					check(t, s.SetProcs(g, procs))
					g.Sleep(time.Millisecond)
					for _, w := range ws {
						_, err := w.Write([]byte("hello"))
						check(t, err)
					}
					for range pipes {
						if v, _ := said.Recv(g); v != "hello" {
							t.Errorf("%q was said, want hello", v)
						}
					}
				}
				gr.Wait(g)
				for _, w := range ws {
					check(t, w.Close())
				}
			})
		})
	}
}
