package numa

import (
	"errors"
	"strings"
	"testing"
	"unsafe"
)

func mustPanic(t *testing.T, says string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		r := recover()
		err, ok := r.(error)
		var fe *FreeError
		if !ok || !errors.As(err, &fe) || !strings.Contains(err.Error(), says) {
			t.Errorf("panic %v; want a FreeError with %q", r, says)
		}
	}()
	f()
}

func TestDebugModeFindsDoubleAndForeignFrees(t *testing.T) {
	h, c := pretended(t, true, 0, 1)
	other, oc := pretended(t, true, 0)
	p := mustAlloc(t, c[0], 64)
	q := mustAlloc(t, c[0], 100<<10)
	foreign := mustAlloc(t, oc[0], 64)
	stack := new([64]byte)

	mustPanic(t, "not to an object", func() { c[0].Free(unsafe.Add(p, 16)) })
	mustPanic(t, "not this heap's memory", func() { c[0].Free(foreign) })
	mustPanic(t, "not this heap's memory", func() { c[0].Free(unsafe.Pointer(stack)) })
	mustPanic(t, "not this heap's memory", func() { c[0].Free(nil) })
	c[0].Free(p)
	c[1].Free(q)
	mustPanic(t, "freed before", func() { c[0].Free(p) })
	mustPanic(t, "freed before", func() { c[1].Free(q) })
	_ = other
	// After all this the heap still works.
	if got := mustAlloc(t, c[0], 64); got != p {
		t.Errorf("%p was not given out again, but %p", p, got)
	}
	_ = h
}

func TestAFreeIntoADissolvedSpanIsCaughtWithoutDebugMode(t *testing.T) {
	h, c := pretended(t, false, 0)
	keep := mustAlloc(t, c[0], 40<<10) // so that the chunk stays
	p := mustAlloc(t, c[0], 64)
	c[0].Free(p)
	c[0].Flush()
	h.Scavenge()
	mustPanic(t, "its span is free", func() { c[0].Free(p) })
	c[0].Free(keep)
}
