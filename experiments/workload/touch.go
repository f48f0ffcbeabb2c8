package workload

import (
	"fmt"

	"numasched/sched"
)

// What the page-touch workloads share. Their Gs write pages first, so that the kernel
// puts the pages where the Gs are. Between blocking they visit the pages again. A
// schedule that keeps Gs near their memory makes these visits local. The workloads
// measure locality; their time goes mostly into page faults and blocking.
//
// Their locality can be compared between arms, their time not between maps. On a wrong map the
// scheduler asks for memory on a node (sched.G.NewBuffer), which is used again, and so costs
// fewer page faults than the fresh memory that the right map has. On the emulated machine of 16
// CPUs page-pairs took 8 to 9 s under numa and 5 to 6 s under numa-wrongmap.
//
// They have no version in plain goroutines, because those cannot tell on which node
// they run.

const (
	pageBytes = 4096
	pageWords = pageBytes / 8
)

// touches counts visits of pages.
type touches struct{ local, all int64 }

func (t *touches) add(u touches) {
	t.local += u.local
	t.all += u.all
}

// A region is memory that lies where it was first written.
type region struct {
	buf   *sched.Buffer
	words []uint64 // nil on a simulated machine
	home  int      // the node that wrote it
	pages int
	work  sched.Work
}

// newRegion makes a region and has g write every page.
func newRegion(g *sched.G, pages int) (*region, error) {
	bytes := int64(pages) * pageBytes
	buf, err := g.NewBuffer(bytes, sched.Default)
	if err != nil {
		return nil, err
	}
	spans := []sched.Span{{Buf: buf, Len: bytes}}
	r := &region{buf: buf, words: sched.Slice[uint64](buf, pages*pageWords), pages: pages}
	// A visit adds one to one word of every page.
	words := []sched.Span{{Buf: buf, Len: bytes, Accesses: int64(pages)}}
	r.work = sched.Work{Ops: int64(pages), Writes: words}
	first := sched.Work{Ops: int64(pages), Writes: spans}
	g.Work(first, func() {
		for i := 0; i < len(r.words); i += pageWords {
			clear(r.words[i : i+pageWords])
		}
	})
	r.home = g.Node() // not before: Work may let others run first, and g go on elsewhere
	return r, nil
}

// visit adds one to word who of every page, and counts the visits in t.
func (r *region) visit(g *sched.G, who int, t *touches) {
	g.Allocated(1)
	g.Work(r.work, func() {
		for i := who; i < len(r.words); i += pageWords {
			r.words[i]++
		}
	})
	t.all += int64(r.pages)
	if g.Node() == r.home {
		t.local += int64(r.pages)
	}
}

// free gives the memory back. The error says which of the first users words does not
// show that many visits.
func (r *region) free(g *sched.G, users, visits int) error {
	var err error
	for who := range users {
		for i := who; i < len(r.words) && err == nil; i += pageWords {
			if got := r.words[i]; got != uint64(visits) {
				err = fmt.Errorf("page %d shows %d visits by its user %d, want %d", i/pageWords, got, who, visits)
			}
		}
	}
	r.words = nil
	g.Sched().FreeBuffer(r.buf)
	return err
}

// A toucher is a G of a page-touch workload, or a few that belong together.
type toucher struct {
	touches
	err  error
	gate *gate
}

// A gate holds touchers back until all have come, like a program that works in phases.
// The G that opens it makes them all ready from one place. Without a gate, pairs and
// groups that wake each other would stay together, and stay where they are, by chance.
// Neither channel has room: while the touchers of one phase leave, nobody can arrive
// for the next phase and leave in another's place.
type gate struct {
	arrive, leave *sched.Chan[int]
	every         int // rounds in a phase; 0: there are no phases
}

// pass waits at the gate if round i begins a phase.
func (t *toucher) pass(g *sched.G, i int) {
	if t.gate.every > 0 && i%t.gate.every == 0 {
		t.gate.arrive.Send(g, i)
		t.gate.leave.Recv(g)
	}
}

// open lets n touchers through all gates of their rounds.
func (gt *gate) open(g *sched.G, n, rounds int) {
	for i := 0; gt.every > 0 && i < rounds; i += gt.every {
		for range n {
			gt.arrive.Recv(g)
		}
		for range n {
			gt.leave.Send(g, 0)
		}
	}
}

// newTouching makes an instance that runs n touchers at a time. Each makes a number of
// visits in a number of rounds, and passes a gate every phase rounds if phase is not 0.
func newTouching(name string, n, visits, rounds, phase int, body func(g *sched.G, t *toucher)) *Instance {
	// Of all runs: visits to pages after the first write, and those that came from the
	// page's home. Both nodes are what the scheduler believes: that of the page's first
	// writer and that of its visitor.
	var sum touches
	in := &Instance{Tasks: int64(n) * int64(visits)}
	in.Run = func(g *sched.G) error {
		all := make([]toucher, n)
		gt := &gate{sched.NewChan[int](g.Sched(), 0), sched.NewChan[int](g.Sched(), 0), phase}
		var gr sched.Group
		for i := range all {
			all[i].gate = gt
			gr.Go(g, func(g *sched.G) { body(g, &all[i]) })
		}
		gt.open(g, n, rounds)
		gr.Wait(g)
		for i := range all {
			if err := all[i].err; err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			sum.add(all[i].touches)
		}
		in.Report(100*float64(sum.local)/float64(max(1, sum.all)), "touched-%")
		return nil
	}
	return in
}

// phaseParam is the parameter that workloads with a gate take in addition to touchParams.
func phaseParam() Param {
	return Param{Name: "phase", Doc: "rounds between two meetings of all; 0: they never meet", Default: 5, Min: 0, Max: 1 << 40}
}

func touchParams(n int64, of string) []Param {
	return []Param{
		{Name: "n", Doc: of, Default: n, Quick: n / 4, Min: 1, Max: 1 << 20},
		{Name: "pages", Doc: "pages of 4 KiB that each writes and visits", Default: 16, Quick: 4, Min: 1, Max: 1 << 24},
		{Name: "rounds", Doc: "visits to each page", Default: 200, Quick: 100, Min: 1, Max: 1 << 40},
	}
}
