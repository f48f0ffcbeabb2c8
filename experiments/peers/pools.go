package peers

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alitto/pond/v2"
	"github.com/panjf2000/ants/v2"
	"github.com/sourcegraph/conc/pool"

	"numasched/experiments/workload"
)

// A goPool is a way to run functions on a bounded number of goroutines.
type goPool struct {
	// open starts a pool of procs goroutines. submit hands it a function; wait
	// returns when all that were submitted have run, and leaves the pool usable;
	// close ends it.
	open func(procs int) (p openPool, err error)
}

type openPool struct {
	submit func(func())
	wait   func()
	close  func()
}

var chanPool = &goPool{func(procs int) (openPool, error) {
	tasks := make(chan func(), 128*procs)
	var pending, workers sync.WaitGroup
	for range procs {
		workers.Go(func() {
			for f := range tasks {
				f()
				pending.Done()
			}
		})
	}
	return openPool{
		submit: func(f func()) { pending.Add(1); tasks <- f },
		wait:   pending.Wait,
		close:  func() { close(tasks); workers.Wait() },
	}, nil
}}

var antsPool = &goPool{func(procs int) (openPool, error) {
	p, err := ants.NewPool(procs)
	if err != nil {
		return openPool{}, err
	}
	var pending sync.WaitGroup
	return openPool{
		submit: func(f func()) {
			pending.Add(1)
			if err := p.Submit(func() { f(); pending.Done() }); err != nil {
				panic(err) // only a closed pool refuses
			}
		},
		wait:  pending.Wait,
		close: p.Release,
	}, nil
}}

var pondPool = &goPool{func(procs int) (openPool, error) {
	p := pond.NewPool(procs)
	group := p.NewGroup()
	return openPool{
		submit: func(f func()) { group.Submit(f) },
		wait:   func() { group.Wait(); group = p.NewGroup() },
		close:  p.StopAndWait,
	}, nil
}}

var concPool = &goPool{func(procs int) (openPool, error) {
	p := pool.New().WithMaxGoroutines(procs)
	return openPool{
		submit: func(f func()) { p.Go(f) },
		wait:   func() { p.Wait(); p = pool.New().WithMaxGoroutines(procs) },
		close:  func() {},
	}, nil
}}

// measure is [Peer.Measure] of a pool.
func (gp *goPool) measure(load string, n, procs, runs int, warm bool) (time.Duration, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
	p, err := gp.open(procs)
	if err != nil {
		return 0, err
	}
	defer p.close()
	run, check := spawnOn(p, n)
	if load == "parfor" {
		run, check = parForOn(p, n)
	}
	all := runs
	if warm {
		run()
		all++
	}
	start := time.Now()
	for range runs {
		run()
	}
	elapsed := time.Since(start)
	return elapsed, check(all)
}

// spawnOn submits n empty tasks. One in 1024 counts instead, so that the answer can be
// checked without a counter that all tasks would share.
func spawnOn(p openPool, n int) (run func(), check func(runs int) error) {
	const every = 1024
	var counted atomic.Int64
	count := func() { counted.Add(1) }
	empty := func() {}
	return func() {
			for i := range n {
				if i%every == 0 {
					p.submit(count)
				} else {
					p.submit(empty)
				}
			}
			p.wait()
		}, func(runs int) error {
			if want := int64(runs) * int64((n+every-1)/every); counted.Load() != want {
				return fmt.Errorf("spawn: %d of the tasks that count have run, want %d", counted.Load(), want)
			}
			return nil
		}
}

// parForChunk is the size of a chunk, as in the workload.
const parForChunk = 4096

// parForOn adds one to every element of an array of n, in chunks.
func parForOn(p openPool, n int) (run func(), check func(runs int) error) {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i % parForChunk)
	}
	return func() {
			for lo := 0; lo < n; lo += parForChunk {
				chunk := x[lo:min(lo+parForChunk, n)]
				p.submit(func() { workload.AddOne(chunk) })
			}
			p.wait()
		}, func(runs int) error {
			for i, got := range x {
				if want := float32(i%parForChunk + runs); got != want && runs < 1<<23 {
					return fmt.Errorf("parfor: x[%d] = %g after %d runs, want %g", i, got, runs, want)
				}
			}
			return nil
		}
}
