package numa

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

func TestPagesAreGivenBackToTheSystemOnClose(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	rss := func() int {
		var pages, resident int
		text, _ := os.ReadFile("/proc/self/statm")
		for i, f := range strings.Fields(string(text))[:2] {
			n := 0
			for _, d := range f {
				n = n*10 + int(d-'0')
			}
			*[]*int{&pages, &resident}[i] = n
		}
		return resident * os.Getpagesize()
	}
	before := rss()
	h, err := NewHeap(HeapOptions{Nodes: []int{0}, Unbound: true})
	if err != nil {
		t.Fatal(err)
	}
	c, _ := h.NewCache(0)
	for range 64 << 20 / 4096 {
		*(*int)(mustAlloc(t, c, 4096)) = 1
	}
	during := rss()
	h.Close()
	after := rss()
	if during-before < 48<<20 || during-after < 48<<20 {
		t.Errorf("resident: %d before, %d with 64 MB allocated, %d after Close", before, during, after)
	}
}

func TestTheArenaGivesAlignedDisjointMemoryAndTakesItBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, err := NewArena(5, ArenaOptions{Unbound: true})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		var live [][]byte
		var inUse int64
		size := rapid.OneOf(rapid.IntRange(1, 4*blockBytes), rapid.IntRange(1, 2*chunkBytes))
		t.Repeat(map[string]func(*rapid.T){
			"alloc": func(t *rapid.T) {
				n := size.Draw(t, "bytes")
				mem, err := a.Alloc(n)
				if err != nil {
					t.Fatal(err)
				}
				if len(mem) != n || cap(mem) != n || addr(mem)%blockBytes != 0 {
					t.Fatalf("%d bytes at %x, want %d", len(mem), addr(mem), n)
				}
				for _, o := range live {
					if addr(mem) < addr(o)+uintptr(len(o)) && addr(o) < addr(mem)+uintptr(n) {
						t.Fatalf("%x+%x overlaps %x+%x", addr(mem), n, addr(o), len(o))
					}
				}
				mem[0], mem[n-1] = 1, 1
				live = append(live, mem)
				inUse += int64(roundUp(n, blockBytes))
			},
			"free": func(t *rapid.T) {
				if len(live) == 0 {
					t.Skip()
				}
				i := rapid.IntRange(0, len(live)-1).Draw(t, "which")
				inUse -= int64(roundUp(len(live[i]), blockBytes))
				a.Free(live[i])
				live = slices.Delete(live, i, i+1)
			},
			"scavenge": func(t *rapid.T) { a.Scavenge() },
			"": func(t *rapid.T) {
				s := a.Stats()
				if s.InUse != inUse || s.Resident > s.Mapped || s.Resident < s.InUse || s.Peak < s.Resident {
					t.Fatalf("%+v with %d in use", s, inUse)
				}
				// Free memory goes back by itself, except for about a chunk.
				if runtime.GOOS == "linux" && s.Resident-s.InUse > s.InUse/256+2*chunkBytes {
					t.Fatalf("%+v: too much is free", s)
				}
			},
		})
	})
}

func TestAnArenaRefusesWhatItDidNotHandOut(t *testing.T) {
	a, err := NewArena(0, ArenaOptions{Unbound: true})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for _, n := range []int{0, -1, math.MaxInt, math.MaxInt - blockBytes} {
		if _, err := a.Alloc(n); err == nil {
			t.Errorf("%d bytes were allocated", n)
		}
	}
	mem, err := a.Alloc(3 * blockBytes)
	if err != nil {
		t.Fatal(err)
	}
	next, err := a.Alloc(blockBytes)
	if err != nil {
		t.Fatal(err)
	}
	both := unsafe.Slice(&mem[0], 4*blockBytes) // next is the block behind mem
	if addr(next) != addr(mem)+3*blockBytes {
		t.Fatalf("%x is not behind %x", addr(next), addr(mem))
	}
	refused := func(what, says string, mem []byte) {
		t.Helper()
		defer func() {
			if r := recover(); !strings.Contains(fmt.Sprint(r), says) {
				t.Errorf("freeing %s: %v; want a panic about %q", what, r, says)
			}
		}()
		a.Free(mem)
	}
	refused("nothing", "no memory", nil)
	refused("Go's memory", "not this arena's", make([]byte, blockBytes))
	refused("the beginning", "a part", mem[:blockBytes])
	refused("the end", "a part", mem[blockBytes:])
	refused("two allocations", "several", both)
	if s := a.Stats(); s.InUse != 4*blockBytes {
		t.Errorf("%+v after frees that were refused", s)
	}
	a.Free(mem)
	refused("it again", "free already", mem)
	refused("it and more", "free already", both)
	a.Free(next)
}

func TestMakeSliceIsZeroAndGoesBack(t *testing.T) {
	a, _ := NewArena(0, ArenaOptions{Unbound: true})
	defer a.Close()
	for range 2 {
		s, err := MakeSlice[float64](a, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for i := range s {
			if s[i] != 0 {
				t.Fatalf("element %d is %v", i, s[i])
			}
			s[i] = 1
		}
		FreeSlice(a, s)
	}
	if s := a.Stats(); s.InUse != 0 {
		t.Errorf("%+v after freeing all", s)
	}
	if _, err := MakeSlice[int64](a, -1); err == nil {
		t.Error("a negative length was taken")
	}
}

func TestFindRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		free := rapid.Uint64().Draw(t, "free") | rapid.Uint64().Draw(t, "more")
		n := rapid.IntRange(1, 63).Draw(t, "n")
		want := -1
		for i := 0; i+n <= 64; i++ {
			if free&runMask(i, n) == runMask(i, n) {
				want = i
				break
			}
		}
		if got := findRun(free, n); got != want {
			t.Fatalf("findRun(%b, %d) = %d, want %d", free, n, got, want)
		}
	})
}
