package sched_test

import (
	"fmt"
	"math/bits"
	"strings"
	"testing"
	"unsafe"

	"numasched/sched"
)

// sliced returns what Slice panics with, or "".
func sliced[T any](b *sched.Buffer, n int) (text string) {
	defer func() {
		if r := recover(); r != nil {
			text = fmt.Sprint(r)
		}
	}()
	sched.Slice[T](b, n)
	return ""
}

func TestSliceRefusesWhatTheCollectorWouldHaveToSee(t *testing.T) {
	type good struct {
		A [2]complex128
		B struct{ X uintptr }
		C [0]*int
	}
	type bad struct {
		A int
		B [2]struct{ Name string }
	}
	b := &sched.Buffer{Bytes: 1 << 10}
	for _, text := range []string{
		sliced[*int](b, 1), sliced[string](b, 1), sliced[[]byte](b, 1), sliced[map[int]int](b, 1), sliced[chan int](b, 1),
		sliced[func()](b, 1), sliced[any](b, 1), sliced[unsafe.Pointer](b, 1), sliced[[2]error](b, 1), sliced[bad](b, 1),
	} {
		if !strings.Contains(text, "want a type without pointers") {
			t.Errorf("a type with pointers: %q", text)
		}
	}
	if text := sliced[good](b, 1); text != "" {
		t.Error("a type without pointers:", text)
	}
}

func TestSliceRefusesWhatDoesNotFit(t *testing.T) {
	const large = 1 << (bits.UintSize * 5 / 8) // 1<<40, or what fits into 32 bits
	type huge [large]byte                      // nobody makes one to learn its size
	b := &sched.Buffer{Bytes: 100}
	for text, want := range map[string]string{
		sliced[uint64](b, 13):  "13 values of 8 bytes: want 0 to 12",
		sliced[uint64](b, -1):  "-1 values of 8 bytes: want 0 to 12",
		sliced[huge](b, 1):     "want 0 to 0",
		sliced[huge](b, large): "want 0 to 0",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q, want %q", text, want)
		}
	}
	for _, text := range []string{sliced[uint64](b, 12), sliced[struct{}](b, large), sliced[huge](b, 0)} {
		if text != "" {
			t.Error(text)
		}
	}
}
