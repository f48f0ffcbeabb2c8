package sched

import (
	"runtime"
	"testing"
	"unsafe"
)

// A G is two cache lines, the first of which is all that a G needs which never blocks and
// is not forked.
func TestAGIsTwoCacheLines(t *testing.T) {
	const line = 64
	var g G
	if size := unsafe.Sizeof(g); size != 2*line {
		t.Errorf("a G has %d bytes, want %d", size, 2*line)
	}
	for name, end := range map[string]uintptr{
		"group":    unsafe.Offsetof(g.group) + unsafe.Sizeof(g.group),
		"home":     unsafe.Offsetof(g.home) + unsafe.Sizeof(g.home),
		"forks":    unsafe.Offsetof(g.forks) + unsafe.Sizeof(g.forks),
		"arg.Data": unsafe.Offsetof(g.arg) + unsafe.Offsetof(g.arg.Data) + unsafe.Sizeof(g.arg.Data),
	} {
		if end > line {
			t.Errorf("%s ends at byte %d, want it in the first %d", name, end, line)
		}
	}
	for range 100 {
		escaped = new(G)
		if at := uintptr(unsafe.Pointer(escaped)); at%line != 0 {
			t.Fatalf("a G lies at %#x, want a multiple of %d", at, line)
		}
	}
}

// A G that gets a value, and the one that gives it, touch one line of the channel and one of the G's
// waiter.
func TestWaitingAtAChannelTakesTwoLines(t *testing.T) {
	var c hchan
	var rest gRest
	w := &rest.waiter
	for name, end := range map[string]uintptr{
		"hchan.lock":   unsafe.Offsetof(c.lock) + unsafe.Sizeof(c.lock),
		"hchan.timed":  unsafe.Offsetof(c.timed) + unsafe.Sizeof(c.timed),
		"hchan.recvq":  unsafe.Offsetof(c.recvq) + unsafe.Sizeof(c.recvq),
		"hchan.sendq":  unsafe.Offsetof(c.sendq) + unsafe.Sizeof(c.sendq),
		"gRest.waiter": unsafe.Offsetof(rest.waiter) + unsafe.Offsetof(w.n) + unsafe.Sizeof(w.n),
	} {
		if end > lineSize {
			t.Errorf("%s ends at byte %d, want it in the first %d", name, end, lineSize)
		}
	}
	put(w, 1)
	if p := w.cell.(*int); unsafe.Pointer(p) != unsafe.Pointer(&w.n) {
		t.Errorf("an int lies at %p, want it in its waiter at %p", p, &w.n)
	}
	put(w, t) // the garbage collector does not look for pointers there
	if p := w.cell.(**testing.T); unsafe.Pointer(p) == unsafe.Pointer(&w.n) {
		t.Error("a pointer lies in its waiter's n")
	}
}

var escaped *G // so that the compiler does not put it on the stack

// Go's compiler keeps a struct in registers only if it has at most four words.
func TestAnArgIsFourWords(t *testing.T) {
	if size, want := unsafe.Sizeof(Arg{}), 4*unsafe.Sizeof(uintptr(0)); size > want {
		t.Errorf("an Arg has %d bytes, want at most %d", size, want)
	}
}

// What Gs share, and what Ms write for them, shares no line with another such object.
func TestNoTwoObjectsShareALine(t *testing.T) {
	s := stillSched(t)
	checkApart(t, "channel", func() *Chan[int] { return NewChan[int](s, 0) })
	checkApart(t, "channel of big values", func() *Chan[[100]int] { return NewChan[[100]int](s, 0) })
	checkApart(t, "semaphore", func() *Semaphore { return NewSemaphore(s, 1) })
	checkApart(t, "Timer", func() *Timer { return new(Timer) })
	checkApart(t, "PollDesc", func() *PollDesc { return new(PollDesc) })
	checkApart(t, "gRest", func() *gRest { return new(gRest) })
	checkApart(t, "run", func() *run { return new(run) })
	checkApart(t, "carrier", func() *carrier { return new(carrier) })
	checkApart(t, "waiter", func() *waiter { return newWaiter(nil) })
	checkApart(t, "timer", newApart[timer])
	checkApart(t, "byte", newApart[byte])
	checkApart(t, "int", newApart[int])
	checkApart(t, "string", newApart[string])
	checkApart(t, "slice", newApart[[]int])
	checkApart(t, "two strings", newApart[[2]string])
	checkApart(t, "two slices", newApart[[2][]int])
	checkApart(t, "eight ints", newApart[[8]int])
	checkApart(t, "buffer of an int", func() *int { return &newBuf[int](1)[0] })
	checkApart(t, "buffer of three strings", func() *string { return &newBuf[string](3)[0] })
	checkApart(t, "buffer of nine slices", func() *[]int { return &newBuf[[]int](9)[0] })
	checkApart(t, "buffer of 63 bytes", func() *byte { return &newBuf[byte](63)[0] })
}

func TestABufferGrowsByLittle(t *testing.T) {
	for _, c := range []struct {
		what      string
		room, max int
	}{
		{"1 value of 100 bytes", cap(newBuf[[100]byte](1)), 1},
		{"2 values of 63 bytes", cap(newBuf[[63]byte](2)), 2},
		{"3 values of a megabyte", cap(newBuf[[1 << 20]byte](3)), 3},
		{"5 values of 40 bytes", cap(newBuf[[40]byte](5)), 8},
		{"9 ints", cap(newBuf[int](9)), 16},
	} {
		if c.room > c.max {
			t.Errorf("a buffer for %s has room for %d, want at most %d", c.what, c.room, c.max)
		}
	}
}

// checkApart makes many objects and looks whether each begins a line that no other one is on.
func checkApart[T any](t *testing.T, name string, make func() *T) {
	t.Helper()
	on := map[uintptr]int{}
	var objects []*T // they stay, so that no two have the same address
	for i := range 200 {
		object := make()
		objects = append(objects, object)
		first := uintptr(unsafe.Pointer(object))
		last := first + unsafe.Sizeof(*object) - 1
		if first%lineSize != 0 {
			t.Errorf("a %s lies at %#x, want a multiple of %d", name, first, lineSize)
			return
		}
		for line := first / lineSize; line <= last/lineSize; line++ {
			if other, taken := on[line]; taken {
				t.Errorf("%ss %d and %d share a line", name, other, i)
				return
			}
			on[line] = i
		}
	}
	runtime.KeepAlive(objects)
}
