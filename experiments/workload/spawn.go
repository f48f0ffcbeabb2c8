package workload

import (
	"fmt"
	"sync"

	"numasched/sched"
)

// spawn lets one G start empty tasks and wait for them. It measures the price of a
// producer from which everybody takes. The scheduler's own counts are its answer.
var spawn = &Workload{
	Name:  "spawn",
	Doc:   "one G that starts empty tasks in a Group and waits for them",
	Unit:  "task",
	Quick: true,
	Params: []Param{
		{Name: "n", Doc: "tasks", Default: 1000000, Quick: 100000, Min: 1, Max: 1 << 32},
	},
	New: func(p Params) (*Instance, error) {
		n := int(p["n"])
		var before sched.Stats
		runs := 0
		return &Instance{
			Tasks: int64(n),
			Setup: func(s *sched.Sched) error {
				runs = 0
				if s != nil {
					s.Quiesce()
					before = s.Stats()
				}
				return nil
			},
			Run: func(g *sched.G) error {
				runs++
				var gr sched.Group
				for range n {
					gr.Go(g, func(*sched.G) {})
				}
				gr.Wait(g)
				return nil
			},
			Stock: func() error {
				var wg sync.WaitGroup
				wg.Add(n)
				for range n {
					go wg.Done()
				}
				wg.Wait()
				return nil
			},
			Check: func(s *sched.Sched) error {
				if s == nil {
					return nil // the WaitGroup has counted
				}
				s.Quiesce()
				st := s.Stats().Sub(before)
				ended := st.Inlined + st.Executed // and as many as Runs were called from outside
				if want := int64(runs) * int64(n); st.Spawned != want || ended < want || ended > want+int64(runs) {
					return fmt.Errorf("spawn: %d tasks started and %d run, want %d", st.Spawned, ended, want)
				}
				return nil
			},
		}, nil
	},
}
