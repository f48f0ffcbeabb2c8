//go:build numalab && linux

package host_test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"unsafe"

	"numasched/numa"
	"numasched/sched"
	"numasched/sched/policy"
	"numasched/topology"
)

// These tests run as root in a virtual machine with several nodes, see
// scripts/numalab-test.sh.

// lab runs fn under an arm on the virtual machine, closes everything, and returns the
// scheduler's counts and the Machine's warnings.
func lab(t *testing.T, arm string, fn func(*sched.G)) (sched.Stats, []string) {
	t.Helper()
	if os.Getenv("NUMALAB_SHAPE") == "" {
		t.Skip("not in a virtual machine: run scripts/numalab-test.sh")
	}
	m := open(t, "", 0)
	a, _ := policy.ByName(arm)
	s, err := sched.New(sched.Config{Machine: m, Arm: a})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(fn); err != nil {
		t.Error(err)
	}
	s.Quiesce()
	st := s.Stats()
	for _, err := range s.BindErrors() {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	for _, w := range m.Warnings() {
		t.Log("warning:", w)
	}
	return st, m.Warnings()
}

// busy has every P run Gs that compute, block and fork for a while.
func busy(g *sched.G) {
	c := sched.NewChan[int](g.Sched(), 0)
	var gr sched.Group
	for i := range 16 {
		gr.Go(g, func(g *sched.G) {
			for range 30 {
				if i%2 == 0 {
					c.Send(g, i)
				} else {
					c.Recv(g)
				}
				fibTask(g, sched.Arg{A: 12})
			}
		})
	}
	gr.Wait(g)
}

func TestLabMsStayOnTheirNode(t *testing.T) {
	// Several times, because a single bad moment of the computer weighs much among few samples.
	st, _ := lab(t, "numa", func(g *sched.G) {
		for range 4 {
			busy(g)
		}
	})
	if st.Samples < 100 {
		t.Fatalf("only %d samples", st.Samples)
	}
	share := float64(st.OnNode) / float64(st.Samples)
	t.Logf("%d of %d samples on the node (%.2f %%), bound %d times", st.OnNode, st.Samples, 100*share, st.Binds)
	// An emulated CPU is so slow that Go preempts Ms all the time.
	if share < 0.9 {
		t.Errorf("Ms were on their node in %.1f %% of samples", 100*share)
	}
}

// What a Work touches first lies where its thread is then. So the thread is bound to the
// node before the Work begins, also if it has been on the right CPU by chance.
func TestLabAWorkRunsOnAThreadThatIsBoundToItsNode(t *testing.T) {
	topo, err := topology.Host()
	if err != nil {
		t.Fatal(err)
	}
	var works, wide atomic.Int64
	lab(t, "numa", func(g *sched.G) {
		var gr sched.Group
		for range 64 {
			gr.Go(g, func(g *sched.G) {
				for range 20 {
					g.Work(sched.Work{Ops: 1}, func() {
						mask, err := numa.Affinity(0)
						if err != nil {
							t.Error(err)
						}
						if works.Add(1); !mask.AndNot(topo.Node(g.Node()).CPUs).Empty() {
							wide.Add(1)
						}
					})
					fibTask(g, sched.Arg{A: 12})
					g.Yield()
				}
			})
		}
		gr.Wait(g)
	})
	if wide.Load() > 0 || works.Load() != 64*20 {
		t.Errorf("%d of %d Works ran on threads that could leave the node", wide.Load(), works.Load())
	}
}

func TestLabCloseRestoresEveryMask(t *testing.T) {
	before, err := numa.Affinity(0)
	if err != nil {
		t.Fatal(err)
	}
	lab(t, "numa", busy)
	tids, err := numa.Threads()
	if err != nil {
		t.Fatal(err)
	}
	for _, tid := range tids {
		if mask, err := numa.Affinity(tid); err == nil && !mask.Equal(before) {
			t.Errorf("thread %d may run on %s, before on %s", tid, mask, before)
		}
	}
	for range 8 { // from whatever threads
		out, err := exec.Command("grep", "Cpus_allowed_list", "/proc/self/status").Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Fields(string(out))[1]; got != before.String() {
			t.Errorf("a child may run on %s, want %s", got, before)
		}
	}
}

func TestLabBuffersLieWhereTheyWereAskedFor(t *testing.T) {
	lab(t, "numa", func(g *sched.G) {
		for _, id := range g.Sched().NodeIDs() {
			if !hasMemory(t, id) {
				continue
			}
			buf, err := g.Sched().NewBuffer(1<<20, sched.OnNode(id))
			if err != nil {
				t.Error(err)
				continue
			}
			mem := sched.Slice[byte](buf, 1<<20)
			for i := 0; i < len(mem); i += 4096 {
				mem[i] = 1 // from this node, whichever it is
				wantNode(t, unsafe.Pointer(&mem[i]), id)
			}
			g.Sched().FreeBuffer(buf)
		}
	})
}

// A buffer that is larger than its node is a warning and memory from elsewhere. Nothing
// is killed.
func TestLabABufferThatItsNodeCannotHoldIsUnboundWithAWarning(t *testing.T) {
	_, warnings := lab(t, "numa", func(g *sched.G) {
		ids := g.Sched().NodeIDs()
		id := ids[slices.IndexFunc(ids, func(id int) bool { return hasMemory(t, id) })]
		const bytes = 1 << 30 // the nodes have at most half of it
		buf, err := g.Sched().NewBuffer(bytes, sched.OnNode(id))
		if err != nil {
			t.Error(err)
			return
		}
		sched.Slice[byte](buf, bytes)[bytes-1] = 1
		g.Sched().FreeBuffer(buf)
	})
	want := fmt.Sprintf("a buffer of %d bytes is not bound to node", 1<<30)
	if !slices.ContainsFunc(warnings, func(w string) bool {
		return strings.HasPrefix(w, want) && strings.Contains(w, "use less memory")
	}) {
		t.Errorf("warnings %q; want one that begins %q and says what to do", warnings, want)
	}
}

func TestLabObjectsLieOnTheNodeOfTheirG(t *testing.T) {
	lab(t, "numa", func(g *sched.G) {
		checked := map[int]*atomic.Int32{} // by nodes with memory, read once: it takes long on an emulated CPU
		for _, id := range g.Sched().NodeIDs() {
			if hasMemory(t, id) {
				checked[id] = new(atomic.Int32)
			}
		}
		// A home is a wish. While the Ms of a home still wake up, Ms of another node may
		// take its Gs. So there are rounds, until every node with memory has had a G.
		for left := len(checked); left > 0 && !t.Failed(); {
			var gr sched.Group
			for id := range checked {
				gr.GoAt(g, sched.OnNode(id), func(g *sched.G) {
					for range 100 {
						node := g.Node()
						p, err := g.Alloc(4096)
						if err != nil {
							t.Error(err)
							return
						}
						defer g.Free(p)
						if n := checked[node]; n != nil {
							*(*int)(p) = 1
							wantNode(t, p, node)
							n.Add(1)
						}
					}
				})
			}
			gr.Wait(g)
			left = 0
			for _, n := range checked {
				if n.Load() == 0 {
					left++
				}
			}
		}
	})
}

func wantNode(t *testing.T, p unsafe.Pointer, id int) {
	t.Helper()
	where := []int32{0}
	if err := numa.Locate([]unsafe.Pointer{p}, where); err != nil {
		t.Error(err)
	} else if where[0] != int32(id) {
		t.Errorf("page is on node %d, want %d", where[0], id)
	}
}

func hasMemory(t *testing.T, id int) bool {
	topo, err := topology.Host()
	if err != nil {
		t.Fatal(err)
	}
	return topo.Node(id).Memory > 0
}

// A G that a goroutine runs itself works like any other: its M has no thread, and samples no pages.
func TestLabDoMayWork(t *testing.T) {
	if os.Getenv("NUMALAB_SHAPE") == "" {
		t.Skip("not in a virtual machine: run scripts/numalab-test.sh")
	}
	m := open(t, "", 0)
	arm, err := policy.ByName("numa")
	if err != nil {
		t.Fatal(err)
	}
	s, err := sched.New(sched.Config{Machine: m, Arm: arm})
	if err != nil {
		t.Fatal(err)
	}
	worked := 0
	for range 100 {
		if err := s.Do(func(g *sched.G) { g.Work(sched.Work{Ops: 1}, func() { worked++ }) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if worked != 100 {
		t.Errorf("worked %d times, want 100", worked)
	}
}
