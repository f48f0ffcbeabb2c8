package topology

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A set agrees with a sorted list without doubles, whatever its size.
func TestCPUSetIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(rapid.IntRange(0, 300))
		a, b := list.Draw(t, "a"), list.Draw(t, "b")
		x, y := CPUs(a...), CPUs(b...)
		model := func(keep func(int) bool) []int {
			var l []int
			for _, c := range slices.Concat(a, b) {
				if keep(c) {
					l = append(l, c)
				}
			}
			slices.Sort(l)
			return slices.Compact(l)
		}
		inA := func(c int) bool { return slices.Contains(a, c) }
		inB := func(c int) bool { return slices.Contains(b, c) }
		for _, op := range []struct {
			name string
			got  CPUSet
			keep func(int) bool
		}{
			{"a", x, inA},
			{"Or", x.Or(y), func(c int) bool { return true }},
			{"And", x.And(y), func(c int) bool { return inA(c) && inB(c) }},
			{"AndNot", x.AndNot(y), func(c int) bool { return inA(c) && !inB(c) }},
		} {
			want := model(op.keep)
			if got := op.got.List(); !slices.Equal(got, want) || op.got.Len() != len(want) || op.got.Empty() != (len(want) == 0) {
				t.Fatalf("%s: %v, want %v", op.name, got, want)
			}
			if len(want) > 0 && op.got.First() != want[0] || len(want) == 0 && op.got.First() != -1 {
				t.Fatalf("%s: first %d of %v", op.name, op.got.First(), want)
			}
			if again, err := ParseCPUList(op.got.list()); err != nil || !again.Equal(op.got) {
				t.Fatalf("%s: %q is read back as %v, %v", op.name, op.got, again, err)
			}
			if !CPUSetOfWords(op.got.Words()).Equal(op.got) {
				t.Fatalf("%s: words %x", op.name, op.got.Words())
			}
		}
		if x.Equal(y) != slices.Equal(x.List(), y.List()) {
			t.Fatalf("%v equals %v: %v", x, y, x.Equal(y))
		}
		for c := range 310 {
			if x.Contains(c) != inA(c) {
				t.Fatalf("%v contains %d: %v", x, c, x.Contains(c))
			}
		}
		z := x
		z.Add(0)
		z.Add(301)
		if !x.Equal(CPUs(a...)) || !z.Equal(x.Or(CPUs(0, 301))) {
			t.Fatalf("%v with 0 and 301 is %v; the original is %v", a, z, x)
		}
	})
}
