package sim

import (
	"fmt"
	"testing"

	"numasched/sched"
	"numasched/topology"
)

// crowded runs jobs with memory of their own and a burst of threads that disturbs them on
// two nodes of four CPUs each. It returns the hash of the events.
func crowded(t *testing.T, p OSPolicy) string {
	k := onKernel(t, "2x4", p)
	var jobs, all []*Thread
	for i := range 10 {
		b, err := k.NewBuffer(8<<20, sched.Default)
		if err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, k.StartAt(0, nil, fmt.Sprint("job", i), topology.CPUSet{}, func(p *Thread) {
			for n := range int64(60) { // more and more of it
				p.Work(&sched.Work{Writes: []sched.Span{{Buf: b, Len: (n + 1) * b.Bytes / 60 &^ 63, Accesses: 4096}}})
				p.Compute(20 * Millisecond)
			}
		}))
	}
	var parent *Thread
	for i := range 40 {
		c := k.StartAt(100*Millisecond, parent, fmt.Sprint("burst", i), topology.CPUSet{}, func(p *Thread) {
			for range 60 {
				p.Compute(2 * Millisecond)
				p.Sleep(5 * Millisecond)
			}
		})
		if parent == nil {
			parent = c
		}
		all = append(all, c)
	}
	if err := k.RunThreads(append(jobs, all...)...); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%016x", k.Hash())
}
