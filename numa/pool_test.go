package numa

import (
	"runtime"
	"strings"
	"testing"
	"unsafe"
)

func TestPointerfulTypesAreRefusedWithTheField(t *testing.T) {
	type inner struct {
		N    int
		Name string
	}
	type bad struct {
		A [3]int
		B [2]inner
	}
	type good struct {
		A [3]int
		B struct{ X, Y float64 }
		C uintptr
		D [0]*int
	}
	if _, err := NewPool[bad](); err == nil || !strings.Contains(err.Error(), "B.[].Name is a string") {
		t.Errorf("struct with a string: %v", err)
	}
	for _, err := range []error{
		second(NewPool[*int]()), second(NewPool[[]int]()), second(NewPool[map[int]int]()), second(NewPool[chan int]()),
		second(NewPool[func()]()), second(NewPool[any]()), second(NewPool[unsafe.Pointer]()), second(NewPool[[2]string]()),
	} {
		if err == nil || !strings.Contains(err.Error(), "outside Go's heap") {
			t.Errorf("a pointerful type: %v", err)
		}
	}
	if _, err := NewPool[good](); err != nil {
		t.Errorf("no pointers: %v", err)
	}
	a, _ := NewArena(0, ArenaOptions{Unbound: true})
	if _, err := MakeSlice[string](a, 1); err == nil {
		t.Error("MakeSlice took strings")
	}
}

func second[T any](_ T, err error) error { return err }

// Nothing is allocated in Go's heap to make an object. See pool_64_test.go, too.
func TestALargeObjectCostsNoHeap(t *testing.T) {
	type large [64 << 20]byte
	_, c := pretended(t, false, 0)
	pool, err := NewPool[large]()
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	x, err := pool.New(c[0])
	if err != nil {
		t.Fatal(err)
	}
	pool.Free(c[0], x)
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("%d MB of Go's heap were allocated to make an object outside it", got>>20)
	}
}

func TestNewObjectsAreZero(t *testing.T) {
	_, c := pretended(t, false, 0)
	type object struct{ A, B, C [5]int64 }
	pool, err := NewPool[object]()
	if err != nil {
		t.Fatal(err)
	}
	x, _ := pool.New(c[0])
	x.B[3] = 7
	pool.Free(c[0], x)
	if y, _ := pool.New(c[0]); y != x || *y != (object{}) {
		t.Errorf("%p holds %v; want zeros at %p", y, *y, x)
	}
}
