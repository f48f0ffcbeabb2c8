package explore

import (
	"fmt"
	"hash/maphash"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"numasched/sched"
)

// States with the same hash are the same: everything that the scheduler keeps, shared
// words or plain memory, follows from the order of accesses that the hash is of. If it did
// not, the search would leave out what has not been tried.
func TestStatesAreWhatTheirHashesSay(t *testing.T) {
	if raceDetector {
		t.Skip("the slots of rings are atomic pointers for the race detector, which a portrait does not know")
	}
	for _, c := range []struct {
		program, arm    string
		cpus, gs, bound int
	}{
		{"steal", "flat", 2, 2, 1},
		{"spawn", "numa", 2, 3, 1},
		{"close", "flat", 1, 2, 2},
		{"park", "numa", 2, 3, 1},
		{"late", "numa", 1, 2, 1},
		{"handoff", "numa", 2, 3, 1},
		{"talk", "flat", 2, 3, 1},
		{"oversleep", "numa", 2, 2, 1},
		{"lockedcall", "flat", 1, 2, 1},
		{"mutex", "flat", 2, 2, 1},
	} {
		if testing.Short() && c.program != "steal" {
			continue
		}
		t.Run(c.program+"/"+c.arm, func(t *testing.T) {
			t.Parallel()
			cfg := config(t, c.arm)
			cfg.CPUs, cfg.Gs, cfg.Bound = c.cpus, c.gs, c.bound
			p, _ := ProgramByName(c.program)
			w := compareStates(t, p, cfg, 0)
			if w.differs != 0 {
				w = compareStates(t, p, cfg, w.differs)
				t.Errorf("two states have one hash:\n%s", w.how)
			}
			if w.met == 0 {
				t.Error("no state was met twice")
			}
			t.Logf("%d states, met again %d times", len(w.looks), w.met)
		})
	}
}

// compareStates searches without leaving out states. It describes those that have the
// hash about.
func compareStates(t *testing.T, p Program, cfg Config, about uint64) *witness {
	x, err := newMachine(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer x.discard()
	w := &witness{search: search{seen: newTable(10)}, about: about, looks: make(map[uint64]uint64)}
	w.restart(cfg.Bound)
	limit := 12
	if longTests() {
		limit = 500
	}
	for more := true; more && limit > 0 && (w.differs == 0 || about != 0 && w.how == ""); limit-- {
		if err := x.execute(&p, &cfg, w); err != nil {
			t.Fatal(err)
		}
		w.seen.clear()
		if x.grew {
			w.restart(cfg.Bound)
			continue
		}
		more = w.next()
	}
	return w
}

// A witness searches, and compares the states that have the same hash.
type witness struct {
	search
	looks   map[uint64]uint64 // what each state looks like
	met     int               // how often one was met again
	differs uint64            // the hash of two that differ, or 0

	about uint64 // the states to describe
	first string // the first of them
	how   string // another differs
}

func (w *witness) pick(x *Machine, t *thread, runnable bool) *thread {
	if x.hashing && w.depth == len(w.stack) && !allEnded(x) {
		w.look(x, x.stateHash(t, runnable))
	}
	return w.search.pick(x, t, runnable)
}

// allEnded reports whether every M has. Then carriers go back to those that are kept for
// the next execution, of which there are any number.
func allEnded(x *Machine) bool {
	for _, t := range x.threads[1:] {
		if t.state != ended {
			return false
		}
	}
	return true
}

func (w *witness) look(x *Machine, h uint64) {
	now := portray(x, h == w.about && h != 0)
	was, met := w.looks[h]
	switch {
	case !met:
		w.looks[h], w.first = now.hash.Sum64(), now.text.String()+w.first
		return
	case was != now.hash.Sum64() && w.differs == 0:
		w.differs = h
		w.how = less(w.first, now.text.String(), "before, and not now") + less(now.text.String(), w.first, "now, and not before")
	}
	w.met++
}

// less returns the lines of a that are not in b.
func less(a, b, title string) string {
	in := make(map[string]bool)
	for line := range strings.Lines(b) {
		in[line] = true
	}
	text := title + ":\n"
	for line := range strings.Lines(a) {
		if !in[line] {
			text += "\t" + line
		}
	}
	return text
}

// portray describes all that can influence what x and its scheduler do next: whether the
// threads can go on, and what can be reached from the scheduler.
func portray(x *Machine, inWords bool) *portrait {
	pt := &portrait{names: make(map[unsafe.Pointer]int), seen: make(map[unsafe.Pointer]bool), inWords: inWords}
	pt.hash.SetSeed(portraitSeed)
	for _, t := range x.threads {
		pt.path = append(pt.path, x.name(t))
		pt.put("state", uint64(t.state))
		pt.put("line", uint64(t.word.Line))
		pt.put("until", uint64(t.until))
		pt.path = pt.path[:0]
	}
	pt.pointer(reflect.ValueOf(x.s).UnsafePointer(), reflect.TypeFor[sched.Sched]())
	return pt
}

var portraitSeed = maphash.MakeSeed()

// A portrait is of a graph of values. Pointers are numbered as they are met, so that
// addresses play no part.
type portrait struct {
	hash    maphash.Hash
	names   map[unsafe.Pointer]int
	seen    map[unsafe.Pointer]bool // has been described
	inWords bool
	text    strings.Builder
	path    []string
}

func (pt *portrait) put(what string, v uint64) {
	maphash.WriteComparable(&pt.hash, v)
	if pt.inWords {
		fmt.Fprintf(&pt.text, "%s %s %d\n", strings.Join(pt.path, "."), what, int64(v))
	}
}

// asides are fields of the scheduler that no decision depends on: counts, names of events,
// what never changes, what is kept for the next execution, and what is of Go. An M that has
// yet to make its first access may have begun or not, which its carrier shows.
var asides = map[string]bool{
	"P.stats": true, "P.seq": true, "M.seq": true, "G.seq": true, "P.published": true, "P.publishedAt": true,
	"Sched.arm": true, "Sched.machine": true, "Sched.reuse": true, "Sched.lines": true, "Sched.outer": true,
	"Sched.strays": true, "Sched.dones": true, "Sched.view": true, "Sched.trace": true, "Sched.report": true,
	"M.Worker": true, "M.Local": true, "M.memory": true, "M.events": true, "M.base": true,
	"carrier.stack": true, "carrier.thread": true, "carrier.back": true, "carrier.m": true, "carrier.living": true,
}

func (pt *portrait) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		n := uint64(0)
		if v.Bool() {
			n = 1
		}
		pt.put("is", n)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		pt.put("=", uint64(v.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		pt.put("=", v.Uint())
	case reflect.Pointer:
		pt.pointer(v.UnsafePointer(), v.Type().Elem())
	case reflect.UnsafePointer: // of an atomic.Pointer, to what others point to as well
		pt.put("->", uint64(pt.name(v.UnsafePointer())))
	case reflect.Struct:
		if name := v.Type().Name(); name == "wordG" || name == "slot" {
			pt.pointer(v.Field(0).UnsafePointer(), reflect.TypeFor[sched.G]())
			return
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.Name != "_" && !asides[v.Type().Name()+"."+f.Name] {
				pt.path = append(pt.path, f.Name)
				pt.value(v.Field(i))
				pt.path = pt.path[:len(pt.path)-1]
			}
		}
	case reflect.Array, reflect.Slice:
		for i := range v.Len() {
			if e := v.Index(i); !e.IsZero() { // the array of a gQueue is kept for the next execution
				pt.put("at", uint64(i))
				pt.value(e)
			}
		}
	}
}

func (pt *portrait) pointer(p unsafe.Pointer, to reflect.Type) {
	pt.put("->", uint64(pt.name(p)))
	if p != nil && !pt.seen[p] {
		pt.seen[p] = true
		pt.value(reflect.NewAt(to, p).Elem())
	}
}

// name returns the number of a pointer.
func (pt *portrait) name(p unsafe.Pointer) int {
	if p == nil {
		return 0
	}
	name, met := pt.names[p]
	if !met {
		name = len(pt.names) + 1
		pt.names[p] = name
	}
	return name
}
