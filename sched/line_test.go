package sched

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"numasched/sched/internal/machine"
	"numasched/sched/policy"
	"numasched/topology"
)

// A placedWord is a shared word of a scheduler's own objects.
type placedWord struct {
	name string
	addr uintptr
	line machine.Line
}

// wordsOf returns the shared words in the struct that ptr points to, not those behind
// pointers.
func wordsOf(name string, ptr any) (words []placedWord) {
	var walk func(name string, v reflect.Value)
	walk = func(name string, v reflect.Value) {
		if v.Kind() != reflect.Struct {
			return
		}
		switch v.Type() {
		case reflect.TypeFor[word32](), reflect.TypeFor[word64](), reflect.TypeFor[wordG]():
			words = append(words, placedWord{name, v.UnsafeAddr(), machine.Line(v.FieldByName("line").Uint())})
			return
		}
		if strings.HasPrefix(v.Type().PkgPath(), "sync") {
			return
		}
		for i := range v.NumField() {
			walk(name+"."+v.Type().Field(i).Name, v.Field(i))
		}
	}
	walk(name, reflect.ValueOf(ptr).Elem())
	return words
}

// A still machine is one on which nothing runs.
type still struct {
	Machine
	topo *topology.Topology
}

func (m still) Topology() *topology.Topology                         { return m.topo }
func (m still) Memory() machine.Memory                               { return nil }
func (m still) BoundHere(*machine.M) bool                            { return true }
func (m still) Getcpu(*machine.M) int                                { return 0 }
func (m still) EventSink(*machine.M) machine.EventSink               { return nil }
func (m still) Attach(func(topology.CPUSet, string)) (func(), error) { return nil, nil }

// stillSched makes a scheduler on which nothing runs.
func stillSched(t *testing.T) *Sched {
	t.Helper()
	arm, err := policy.ByName("numa")
	if err != nil {
		t.Fatal(err)
	}
	topo, err := topology.Load("synthetic:4x4")
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Machine: still{topo: topo}, Arm: arm})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWordsLieOnTheLinesThatAreCharged(t *testing.T) {
	s := stillSched(t)
	words := wordsOf("sched", s)
	for _, n := range s.layout.v.Load().nodes {
		words = append(words, wordsOf(fmt.Sprintf("node%d", n.index), n)...)
	}
	for _, p := range s.layout.v.Load().ps {
		words = append(words, wordsOf(fmt.Sprintf("P%d", p.id), p)...)
		words = append(words, wordsOf(fmt.Sprintf("P%d.gpool", p.id), p.gpool)...)
	}
	for i := range 20 {
		words = append(words, wordsOf(fmt.Sprintf("M%d", i), s.m0.allocm())...)
	}
	if len(words) < 100 {
		t.Fatalf("found %d words only", len(words))
	}
	lineAt, at := map[uintptr]placedWord{}, map[machine.Line]placedWord{}
	for _, w := range words {
		if w.line == 0 {
			t.Errorf("%s has no line", w.name)
			continue
		}
		if o, ok := lineAt[w.addr/lineSize]; ok && o.line != w.line {
			t.Errorf("%s and %s share a line and are charged for two", o.name, w.name)
		}
		if o, ok := at[w.line]; ok && o.addr/lineSize != w.addr/lineSize {
			t.Errorf("%s and %s are charged for one line and lie on two", o.name, w.name)
		}
		lineAt[w.addr/lineSize], at[w.line] = w, w
	}
	for _, p := range s.layout.v.Load().ps {
		first := uintptr(unsafe.Pointer(&p.ring.slots))
		if first%lineSize != 0 {
			t.Errorf("P%d's slots begin within a line", p.id)
		}
		for a := first; a < first+unsafe.Sizeof(p.ring.slots); a += lineSize {
			if w, ok := lineAt[a/lineSize]; ok {
				t.Errorf("%s lies among slots", w.name)
			}
		}
		if own := uintptr(unsafe.Pointer(&p.ring.tail)) / lineSize; lineAt[own].name != "" {
			t.Errorf("%s shares a line with what is P%d's owner's alone", lineAt[own].name, p.id)
		}
	}
}
