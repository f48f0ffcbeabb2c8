package host_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"numasched/numa"
	"numasched/sched"
	"numasched/sched/host/hosttest"
	"numasched/sched/policy"
)

func TestCloseRestoresGOMAXPROCS(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	m := open(t, "synthetic:4x8", 0)
	if got := runtime.GOMAXPROCS(0); got <= 32 {
		t.Errorf("GOMAXPROCS is %d for 32 Ms, want more", got)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if got := runtime.GOMAXPROCS(0); got != before {
		t.Errorf("GOMAXPROCS is %d after Close, before %d", got, before)
	}
	if err := m.Close(); err == nil {
		t.Error("a second Close succeeds")
	}
}

// On pretended nodes no thread is bound, and the Machine does not tell where Ms are.
func TestPretendedNodesBindNothing(t *testing.T) {
	before, err := numa.Affinity(0)
	if err != nil {
		t.Skip("masks cannot be read here: ", err)
	}
	m := open(t, "synthetic:2x2", 0)
	if err := m.Bind(nil, m.Topology().Nodes[1].CPUs); err != nil {
		t.Error(err)
	}
	if after, err := numa.Affinity(0); err != nil || !after.Equal(before) {
		t.Errorf("mask is %s after Bind, before %s (%v)", after, before, err)
	}
	if cpu := m.Getcpu(nil); cpu != -1 {
		t.Errorf("Getcpu says %d", cpu)
	}
}

func TestBuffersArePageAlignedAndZero(t *testing.T) {
	m := open(t, "", 0)
	for _, where := range []sched.Placement{sched.Default, sched.Interleave, sched.OnNode(m.Topology().Nodes[0].ID)} {
		buf, err := m.NewBuffer(100_000, where)
		if err != nil {
			t.Fatal(err)
		}
		if uintptr(buf.Base)%4096 != 0 {
			t.Errorf("%v: buffer at %p", where, buf.Base)
		}
		for i, b := range sched.Slice[byte](buf, 100_000) {
			if b != 0 {
				t.Fatalf("%v: byte %d is %d", where, i, b)
			}
		}
		m.FreeBuffer(buf)
	}
	if _, err := m.NewBuffer(0, sched.Default); err == nil {
		t.Error("a buffer of no bytes is made")
	}
}

func TestBuffersOfOthersAndFreedOnesAreRefused(t *testing.T) {
	ms := [2]*hosttest.Machine{open(t, "", 0), open(t, "", 0)}
	for _, where := range []sched.Placement{sched.Default, sched.OnNode(ms[0].Topology().Nodes[0].ID)} {
		buf, err := ms[0].NewBuffer(1000, where)
		if err != nil {
			t.Fatal(err)
		}
		free := func(m *hosttest.Machine) (text string) {
			defer func() { text = fmt.Sprint(recover()) }()
			m.FreeBuffer(buf)
			return
		}
		if got := free(ms[1]); !strings.Contains(got, "this Machine has not made") {
			t.Errorf("another Machine's buffer: %s", got)
		}
		ms[0].FreeBuffer(buf)
		if got := free(ms[0]); !strings.Contains(got, "freed before") {
			t.Errorf("a buffer that was freed: %s", got)
		}
	}
}

func TestAClosedMachineGivesNothing(t *testing.T) {
	m := open(t, "", 0)
	m.Close()
	_, err1 := m.NewBuffer(1000, sched.Default)
	_, err2 := m.NewCache(m.Topology().Nodes[0].ID)
	for _, err := range []error{err1, err2, m.Close()} {
		if err == nil || !strings.Contains(err.Error(), "the Machine is closed") {
			t.Errorf("error %v, want that it is closed", err)
		}
	}
}

// The next scheduler on a Machine gets the objects that a scheduler's caches held when it
// closed.
func TestAClosedSchedulersObjectsAreGivenOutAgain(t *testing.T) {
	m := open(t, "", 1)
	objects := func() map[unsafe.Pointer]bool {
		s, err := sched.New(sched.Config{Machine: m, Arm: policy.Arms[0], Procs: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		got := make(map[unsafe.Pointer]bool)
		err = s.Run(func(g *sched.G) {
			for range 10 {
				p, err := g.Alloc(64)
				if err != nil {
					t.Fatal(err)
				}
				got[p] = true
			}
			for p := range got {
				g.Free(p)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	first, second := objects(), objects()
	for p := range second {
		if !first[p] {
			t.Fatalf("the second scheduler got %p, which the first had not freed: %v", p, first)
		}
	}
}

// What a Machine gives to Gs stays theirs: it cannot be closed under a scheduler, nor used
// after it was closed.
func TestAMachineIsClosedAfterItsSchedulers(t *testing.T) {
	m := open(t, "", 0)
	arm, err := policy.ByName("numa")
	if err != nil {
		t.Fatal(err)
	}
	cfg := sched.Config{Machine: m, Arm: arm}
	s, err := sched.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(func(g *sched.G) {
		words, err := sched.Alloc[[1 << 16]int](g)
		if err != nil {
			t.Error(err)
			return
		}
		if err := m.Close(); err == nil || !strings.Contains(err.Error(), "have not been closed: 1") {
			t.Errorf("Close of a Machine that a scheduler runs on returned %v", err)
		}
		words[0]++ // the memory is still there
	}); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if _, err := sched.New(cfg); err == nil || !strings.Contains(err.Error(), "Config.Machine cannot be used: host: the Machine is closed") {
		t.Errorf("New on a closed Machine returned %v", err)
	}
}
