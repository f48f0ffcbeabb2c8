package workload

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"numasched/sched"
)

// pageChurn tests the scheduler's caches. Each of its Gs allocates a page's worth of
// memory, writes it, yields, visits it again and frees it, over and over. If the caches
// are right, a G's memory lies on its node, whoever had it before.
//
// The home of a page is the node where it was first handed out. It is written at once:
// the caches either bind it to that node or leave that to the write.
var pageChurn = &Workload{
	Name:     "page-churn",
	Doc:      "Gs that allocate, write, yield, visit and free a page over and over: locality",
	Unit:     "visit",
	InCaches: "n=4/rounds=50",
	Params: []Param{
		{Name: "n", Doc: "Gs", Default: 128, Quick: 32, Min: 1, Max: 1 << 20},
		{Name: "rounds", Doc: "pages that each allocates and frees", Default: 500, Quick: 100, Min: 1, Max: 1 << 40},
	},
	New: func(p Params) (*Instance, error) {
		rounds := int(p["rounds"])
		var homes pageHomes
		var simulated bool
		in := newTouching("page-churn", int(p["n"]), rounds, rounds, 0, func(g *sched.G, t *toucher) {
			for i := range rounds {
				if t.err = churn(g, &homes, i, simulated, &t.touches); t.err != nil {
					return
				}
			}
		})
		in.Setup = func(s *sched.Sched) (err error) {
			homes.of.Clear()
			simulated, err = isSimulated(s)
			return err
		}
		return in, nil
	},
}

// churn is one life of a page.
func churn(g *sched.G, homes *pageHomes, i int, simulated bool, t *touches) error {
	p, err := g.Alloc(pageBytes)
	if err != nil {
		return err
	}
	g.Allocated(8) // closures, variables that they share, spans, Buffers: see below
	home := homes.first(p, g.Node())
	words := unsafe.Slice((*uint64)(p), pageWords)
	work := func(name string, kernel func()) {
		if simulated {
			// Objects are real memory there, too, but not in a Buffer to charge for.
			g.Work(sched.Work{Kernel: name, Ops: pageWords}, kernel)
			kernel()
			return
		}
		buf := &sched.Buffer{Bytes: pageBytes, Base: p}
		spans := []sched.Span{{Buf: buf, Len: pageBytes}}
		g.Work(sched.Work{Kernel: name, Ops: pageWords, Reads: spans, Writes: spans}, kernel)
	}
	visit := func() { // after its work, because g may go on elsewhere before that begins
		t.all++
		if g.Node() == home {
			t.local++
		}
	}
	work("page write", func() {
		for k := range words {
			words[k] = uint64(i)
		}
	})
	visit()
	g.Yield()
	var sum uint64
	work("page read", func() {
		for k := range words {
			sum += words[k]
		}
	})
	visit()
	if want := uint64(i) * pageWords; sum != want {
		err = errors.Join(err, fmt.Errorf("round %d: the words of a page add up to %d, want %d", i, sum, want))
	}
	g.Free(p)
	return err
}

// pageHomes remembers the node on which each page was first handed out.
type pageHomes struct {
	of sync.Map // page number to node
}

func (h *pageHomes) first(p unsafe.Pointer, node int) int {
	home, _ := h.of.LoadOrStore(uintptr(p)/pageBytes, node)
	return home.(int)
}

// isSimulated reports whether s's machine is simulated, and so runs no kernels.
func isSimulated(s *sched.Sched) (bool, error) {
	buf, err := s.NewBuffer(1, sched.Default)
	if err != nil {
		return false, err
	}
	defer s.FreeBuffer(buf)
	return buf.Base == nil, nil
}
