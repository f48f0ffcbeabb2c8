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

// A thread that goes to another node finds nothing in the caches there: what it wrote last
// is in those of the other.
func TestMovesCostRefills(t *testing.T) {
	const rounds, bytes = 40, 512 << 10
	run := func(moves bool, bytes int64) Time {
		k := onKernel(t, "2x4", OSPolicy{Kernel: "linux-6.4", Seed: 1})
		b, err := k.NewBuffer(bytes, sched.Default)
		if err != nil {
			t.Fatal(err)
		}
		p := k.Start("t", topology.CPURange(0, 1), func(p *Thread) {
			for i := range rounds {
				p.Work(&sched.Work{Writes: []sched.Span{{Buf: b, Len: bytes}}})
				if moves {
					p.k.move(p.t, int32(4*((i+1)%2)))
				}
			}
		})
		p.t.allowed = nil
		if err := k.RunThreads(p); err != nil {
			t.Fatal(err)
		}
		return p.Busy()
	}
	// What moving itself takes, with nothing to refill.
	kernel := run(true, 64) - run(false, 64)
	refill := run(true, bytes) - run(false, bytes) - kernel
	// Half of the rounds, and more, would have found all in the second-level cache.
	if least := Time(rounds/2*(bytes/64)) * 2 * Nanosecond; refill < least {
		t.Errorf("refills take %d us, want at least %d", refill/Microsecond, least/Microsecond)
	}
}
