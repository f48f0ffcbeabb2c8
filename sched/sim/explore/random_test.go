package explore

import (
	"math/rand/v2"
	"testing"

	"numasched/sched"
)

// A walk is the random schedule that people try first: at every point any thread that
// can go on is as likely as any other.
type walk struct{ rand *rand.Rand }

func (w *walk) start(x *Machine)             { x.every = true }
func (w *walk) early(*Machine, *thread) bool { return false }

func (w *walk) pick(x *Machine, t *thread, runnable bool) *thread {
	all := x.candidates(t)
	if runnable {
		all = append(all, t)
	}
	if len(all) == 0 {
		return x.usual(t, false)
	}
	return all[w.rand.IntN(len(all))]
}

// A random schedule with priorities finds a bug that needs one thread to be far behind
// the others, in as many executions in which random walks do not: there the threads keep
// pace with each other.
func TestPrioritiesFindWhatWalksMiss(t *testing.T) {
	const steps, looks, executions = 60, 20, 1500
	behind := Program{Name: "behind", MinCPUs: 2, Main: func(t *T, g *sched.G) {
		g.Go(t.G(1, func(*sched.G) {
			for i := 1; i <= steps; i++ {
				t.Store(0, i)
			}
		}))
		t.BusyUntil(1, 2)
		for was, i := t.Load(0), 0; i < looks; i++ { // many, so that the test does not hang on a few hits
			now := t.Load(0)
			t.Check(now < was+steps/2, "G 1 goes far between two looks")
			was = now
		}
	}}
	cfg := config(t, "flat")
	cfg.CPUs, cfg.Gs = 2, 2
	x, err := newMachine(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { x.discard() }()
	found := func(pick picker, begin func(i uint64)) (n int) {
		for i := range uint64(executions) {
			begin(i)
			if x.execute(&behind, &cfg, pick) != nil {
				n++
			}
		}
		return n
	}
	source := rand.NewPCG(1, 0)
	walks := found(&walk{rand.New(source)}, func(i uint64) { source.Seed(1, i) })
	rnd := newPCT(1, 2)
	priorities := found(rnd, func(i uint64) { rnd.begin(1, i) })
	if walks != 0 || priorities == 0 {
		t.Errorf("of %d random walks %d find the bug, of as many with priorities %d; want none and some", executions, walks, priorities)
	}
	t.Logf("of %d executions each, %d with priorities find the bug, and %d random walks", executions, priorities, walks)
}
