package topology

import (
	"fmt"
	"iter"
	"math/bits"
	"strconv"
	"strings"
)

// A CPUSet is a set of CPU numbers of any size. The zero value is the empty
// set. A CPUSet is a value: changing a copy does not change the original.
type CPUSet struct {
	// Bit c%64 of words[c/64] is CPU c. Copies share the words, so nothing writes
	// into them once a set has left the function that made it.
	words []uint64
}

// A NodeSet is a set of node IDs. It is the same type as CPUSet. Where a method's
// comment says CPU, read node ID.
type NodeSet = CPUSet

// CPUs returns the set of the given CPU numbers.
func CPUs(cpus ...int) CPUSet {
	var s CPUSet
	for _, c := range cpus {
		s.add(c)
	}
	return s
}

// NodeIDs returns the set of the given node IDs.
func NodeIDs(ids ...int) NodeSet { return CPUs(ids...) }

// CPURange returns the set of the CPUs lo, lo+1, ..., hi-1.
func CPURange(lo, hi int) CPUSet {
	var s CPUSet
	for c := lo; c < hi; c++ {
		s.add(c)
	}
	return s
}

// Add puts cpu into the set. It panics if cpu is negative. Each call copies the
// set, so build a large set by giving [CPUs] a list.
func (s *CPUSet) Add(cpu int) {
	*s = s.clone()
	s.add(cpu)
}

// add is Add for a set of which there is no copy yet.
func (s *CPUSet) add(cpu int) {
	if cpu < 0 {
		panic(fmt.Sprintf("topology: negative CPU number %d", cpu))
	}
	for len(s.words) <= cpu/64 {
		s.words = append(s.words, 0)
	}
	s.words[cpu/64] |= 1 << (cpu % 64)
}

// Contains reports whether cpu is in the set.
func (s CPUSet) Contains(cpu int) bool {
	return cpu >= 0 && cpu/64 < len(s.words) && s.words[cpu/64]&(1<<(cpu%64)) != 0
}

// Len returns the number of CPUs in the set.
func (s CPUSet) Len() int {
	n := 0
	for _, w := range s.words {
		n += bits.OnesCount64(w)
	}
	return n
}

// Empty reports whether the set has no CPU.
func (s CPUSet) Empty() bool { return s.First() < 0 }

// First returns the lowest CPU of the set, or -1 if it is empty.
func (s CPUSet) First() int {
	for i, w := range s.words {
		if w != 0 {
			return i*64 + bits.TrailingZeros64(w)
		}
	}
	return -1
}

// All yields the CPUs of the set in ascending order.
func (s CPUSet) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, w := range s.words {
			for ; w != 0; w &= w - 1 {
				if !yield(i*64 + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}

// List returns the CPUs of the set in ascending order.
func (s CPUSet) List() []int {
	list := make([]int, 0, s.Len())
	for c := range s.All() {
		list = append(list, c)
	}
	return list
}

// clone returns a copy that shares nothing with s.
func (s CPUSet) clone() CPUSet { return CPUSet{append([]uint64(nil), s.words...)} }

// And returns the CPUs that are in both sets.
func (s CPUSet) And(t CPUSet) CPUSet {
	n := min(len(s.words), len(t.words))
	r := CPUSet{make([]uint64, n)}
	for i := range n {
		r.words[i] = s.words[i] & t.words[i]
	}
	return r
}

// Or returns the CPUs that are in either set.
func (s CPUSet) Or(t CPUSet) CPUSet {
	if len(s.words) < len(t.words) {
		s, t = t, s
	}
	r := s.clone()
	for i, w := range t.words {
		r.words[i] |= w
	}
	return r
}

// AndNot returns the CPUs of s that are not in t.
func (s CPUSet) AndNot(t CPUSet) CPUSet {
	r := s.clone()
	for i := range min(len(r.words), len(t.words)) {
		r.words[i] &^= t.words[i]
	}
	return r
}

// Equal reports whether the two sets hold the same CPUs.
func (s CPUSet) Equal(t CPUSet) bool {
	if len(s.words) > len(t.words) {
		s, t = t, s
	}
	for i, w := range t.words {
		if i < len(s.words) && s.words[i] != w || i >= len(s.words) && w != 0 {
			return false
		}
	}
	return true
}

// Words returns a copy of the set in the format of the kernel's affinity calls: 64
// CPUs a word, with CPU 0 in the lowest bit of the first word.
func (s CPUSet) Words() []uint64 { return s.clone().words }

// CPUSetOfWords is the inverse of [CPUSet.Words]. It copies the slice.
func CPUSetOfWords(words []uint64) CPUSet { return CPUSet{words}.clone() }

// String returns the set in the kernel's list format, such as "0-3,8", and the
// empty set as "none".
func (s CPUSet) String() string {
	if s.Empty() {
		return "none"
	}
	return s.list()
}

// list returns the set as the kernel writes it. The empty set is an empty line.
func (s CPUSet) list() string {
	var b strings.Builder
	lo, hi := -1, -1
	flush := func() {
		if lo < 0 {
			return
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(lo))
		if hi > lo {
			b.WriteByte('-')
			b.WriteString(strconv.Itoa(hi))
		}
	}
	for c := range s.All() {
		if c != hi+1 || lo < 0 {
			flush()
			lo = c
		}
		hi = c
	}
	flush()
	return b.String()
}
