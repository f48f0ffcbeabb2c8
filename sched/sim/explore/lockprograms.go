package explore

import (
	"context"
	"time"

	"numasched/sched"
)

// Sections and words of these programs.
const (
	critical = iota // the section of a G that writes
	reading         // how many Gs read
	value
	over
)

// lockPrograms are about Gs that wait for locks.
var lockPrograms = []Program{
	{Name: "mutex", MinGs: 2, Doc: "all Gs lock and unlock a mutex twice, and G 0 yields while it holds it", Main: func(t *T, g *sched.G) {
		var mu sched.Mutex
		ended := t.others(g, func(g *sched.G, _ int) {
			for range 2 {
				mu.Lock(g)
				t.Enter(critical)
				t.Leave(critical)
				mu.Unlock(g)
			}
		})
		for range 2 {
			mu.Lock(g)
			t.Enter(critical)
			g.Yield()
			t.Leave(critical)
			mu.Unlock(g)
		}
		ended(g)
	}},
	{Name: "starve", MinGs: 2, Doc: "G 0 holds a mutex for long, again and again, which must not keep the others from it on an only CPU", Main: func(t *T, g *sched.G) {
		var mu sched.Mutex
		ended := t.others(g, func(g *sched.G, _ int) {
			mu.Lock(g)
			t.Enter(critical)
			t.Store(value, t.Load(value)+1)
			t.Leave(critical)
			mu.Unlock(g)
		})
		for n, all := 1, false; n <= 8 && !all; n++ {
			mu.Lock(g)
			t.Enter(critical)
			g.Sleep(1200 * time.Microsecond)
			all = t.Load(value) == t.Gs()-1
			t.Leave(critical)
			mu.Unlock(g)
			t.Check(all || n < 8 || t.CPUs() > 1, "only %d others have had the mutex", t.Load(value))
		}
		ended(g)
	}},
	{Name: "rwmutex", MinGs: 2, Doc: "G 0 writes twice while the others read, and G 2 writes, too", Main: func(t *T, g *sched.G) {
		var mu sched.RWMutex
		write := func(g *sched.G) {
			mu.Lock(g)
			t.Enter(critical)
			t.Check(t.Load(reading) == 0, "a G writes while others read")
			t.Leave(critical)
			mu.Unlock(g)
		}
		ended := t.others(g, func(g *sched.G, i int) {
			if i == 2 {
				write(g)
				return
			}
			for range 2 {
				mu.RLock(g)
				t.add(reading, 1)
				t.Check(t.Load(critical) == 0, "a G reads while another writes")
				if i == 1 {
					g.Yield()
				}
				t.add(reading, -1)
				mu.RUnlock(g)
			}
		})
		write(g)
		write(g)
		ended(g)
	}},
	{Name: "cond", MinGs: 2, Doc: "G 0 signals to each of the others, which wait for a value each, and then to all at once", Main: func(t *T, g *sched.G) {
		var mu sched.Mutex
		valued, end := sched.NewCond(&mu), sched.NewCond(&mu)
		ended := t.others(g, func(g *sched.G, _ int) {
			mu.Lock(g)
			for t.Load(value) == 0 {
				valued.Wait(g)
			}
			t.Store(value, t.Load(value)-1)
			for t.Load(over) == 0 {
				end.Wait(g)
			}
			mu.Unlock(g)
		})
		for i := 1; i < t.Gs(); i++ {
			mu.Lock(g)
			t.Store(value, t.Load(value)+1)
			mu.Unlock(g)
			valued.Signal(g)
		}
		mu.Lock(g)
		t.Store(over, 1)
		end.Broadcast(g)
		mu.Unlock(g)
		ended(g)
	}},
	{Name: "semaphore", MinGs: 2, Doc: "the Gs acquire one and two units of a semaphore of two, and release them", Main: func(t *T, g *sched.G) {
		sem := sched.NewSemaphore(g.Sched(), 2)
		use := func(g *sched.G, i, n int) {
			sem.Acquire(g, int64(n))
			t.add(value, int32(n))
			t.Check(t.Load(value) <= 2, "more units are in use than there are")
			if i == 0 {
				g.Yield()
			}
			t.add(value, -int32(n))
			sem.Release(g, int64(n))
		}
		ended := t.others(g, func(g *sched.G, i int) { use(g, i, 1+i%2) })
		use(g, 0, 1)
		use(g, 0, 2)
		ended(g)
	}},
	{Name: "errgroup", MinGs: 3, Doc: "the last member of an ErrGroup fails, and the others wait until they hear of it", Main: func(t *T, g *sched.G) {
		eg, ctx := sched.NewErrGroup(context.Background())
		eg.SetLimit(t.Gs() - 1)
		for i := 1; i < t.Gs(); i++ {
			member := t.G(i, func(g *sched.G) { t.add(value, 1) })
			eg.Go(g, func(g *sched.G) error {
				member(g)
				if i == t.Gs()-1 {
					return errPlanned
				}
				g.Select(g.Done(ctx).RecvCase(nil, nil))
				return nil
			})
		}
		t.Check(eg.Wait(g) == errPlanned && t.Load(value) == t.Gs()-1, "Wait returned before all members had run")
	}},
	{Name: "once", MinGs: 2, Doc: "all Gs call a Once, whose function yields: none goes on before it has returned", Main: func(t *T, g *sched.G) {
		var once sched.Once
		do := func(g *sched.G, _ int) {
			once.Do(g, func() {
				t.Enter(critical)
				g.Yield()
				t.Store(over, t.Load(over)+1)
				t.Leave(critical)
			})
			t.Check(t.Load(over) == 1, "Do returned after the function had returned %d times", t.Load(over))
		}
		ended := t.others(g, do)
		do(g, 0)
		ended(g)
	}},
}

// others starts all Gs but 0 with fn, and returns a function that waits until fn has
// returned in all of them.
func (t *T) others(g *sched.G, fn func(g *sched.G, i int)) (wait func(*sched.G)) {
	ended := channel(g, t.Gs())
	for i := 1; i < t.Gs(); i++ {
		g.Go(t.G(i, func(g *sched.G) {
			fn(g, i)
			ended.Send(g, i)
		}))
	}
	return func(g *sched.G) {
		for i := 1; i < t.Gs(); i++ {
			ended.Recv(g)
		}
	}
}
