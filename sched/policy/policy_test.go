package policy

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A walk visits every number once, whatever its start and stride.
func TestAWalkVisitsEachOnce(t *testing.T) {
	for n := uint32(1); n <= 30; n++ {
		strides := Strides(n)
		for rnd := uint32(0); rnd < 3*n*n; rnd++ {
			seen := make([]bool, n)
			w := NewWalk(n, strides, rnd)
			for i, ok := w.Next(); ok; i, ok = w.Next() {
				if seen[i] {
					t.Fatalf("walk over %d from %d visits %d twice", n, rnd, i)
				}
				seen[i] = true
			}
			for i := range seen {
				if !seen[i] {
					t.Fatalf("walk over %d from %d leaves out %d", n, rnd, i)
				}
			}
		}
	}
}

func TestAThiefFromAnotherNode(t *testing.T) {
	for _, c := range []struct {
		n, free uint32
		last    bool
		hunger  uint32
		want    uint32
		why     string
	}{
		{1, 1, false, 0, 0, "leaves a single G to its own node"},
		{1, 1, true, 0, 1, "takes even that in its last round"},
		{8, 8, false, 0, 4, "takes half of Gs that have no home"},
		{8, 2, false, 0, 2, "takes no more than those"},
		{8, 0, true, 0, 0, "takes none that are at home"},
		{8, 0, false, 1, 1, "takes one of those after its grace"},
		{8, 0, false, 2, 2, "takes more when that was not enough"},
		{8, 0, false, 32, 4, "takes half of those at most"},
		{8, 2, true, 1, 2, "but rather what has no home"},
	} {
		if got := (Theft{Remote: true, Spares: true, Last: c.last, Hunger: c.hunger}).Take(c.n, c.free); got != c.want {
			t.Errorf("of %d, %d of them free, a thief takes (last round %v, hunger %d) %d, want %d: it %s",
				c.n, c.free, c.last, c.hunger, got, c.want, c.why)
		}
	}
}

func TestHungerGrowsWhileItsFoodIsSoonGone(t *testing.T) {
	for _, c := range []struct {
		last uint32
		ago  int64
		want uint32
	}{
		{0, Grace, 1},
		{1, Grace, 2},
		{16, Grace, 32},
		{MaxHunger, Grace, MaxHunger},
		{16, HungerBusy, 16},
		{16, HungerRest + 1, 1},
	} {
		if got := Hunger(c.last, c.ago); got != c.want {
			t.Errorf("Hunger(%d, %d) = %d, want %d", c.last, c.ago, got, c.want)
		}
	}
}

func TestASmallMealIsGoneAtOnce(t *testing.T) {
	for ago, want := range map[int64]bool{0: true, Grace: true, 2 * Grace: false, HungerRest: false} {
		if got := SmallMeal(ago); got != want {
			t.Errorf("SmallMeal(%d) = %v, want %v", ago, got, want)
		}
	}
}

func TestWhereAReadyGGoes(t *testing.T) {
	for _, c := range []struct {
		home, here int32
		again      bool
		want       []Where // what may come out
	}{
		{-1, 2, true, []Where{Here}},
		{2, 2, true, []Where{Here}},
		{1, 2, false, []Where{AtHome}},
		{1, 2, true, []Where{AtHome, Move}},
	} {
		r, got := Rand(1), map[Where]int{}
		for range 1000 * FollowOdds {
			got[Ready(&r, c.home, c.here, c.again)]++
		}
		for _, w := range c.want {
			if got[w] == 0 {
				t.Errorf("Ready(%d, %d, %v) is never %d", c.home, c.here, c.again, w)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("Ready(%d, %d, %v) is %v, want %v", c.home, c.here, c.again, got, c.want)
		}
		if n := got[Move]; c.again && c.home == 1 && (n < 900 || n > 1100) {
			t.Errorf("%d of %d Gs move, want one in %d", n, 1000*FollowOdds, FollowOdds)
		}
	}
}

func TestArmsAreDistinct(t *testing.T) {
	byName := map[string]bool{}
	bySwitches := map[Arm]string{}
	for _, a := range Arms {
		if got, err := ByName(a.Name); err != nil || got != a {
			t.Errorf("ByName(%q) = %v, %v", a.Name, got, err)
		}
		if byName[a.Name] {
			t.Errorf("two arms are called %s", a.Name)
		}
		byName[a.Name] = true
		name := a.Name
		a.Name, a.Doc = "", ""
		if other := bySwitches[a]; other != "" {
			t.Errorf("%s and %s have the same switches", name, other)
		}
		bySwitches[a] = name
	}
	_, err := ByName("flatt")
	if err == nil || !strings.Contains(err.Error(), `"flatt": want one of gm flat numa `) {
		t.Errorf("ByName of an unknown arm: %v, want an error that names it and the arms", err)
	}
}

// What goes into Go's own runtime can import nothing, and the scheduler must not
// know what it runs on.
func TestImportsPointOneWay(t *testing.T) {
	for dir, forbidden := range map[string]func(path string) bool{
		".": func(string) bool { return true },
		"..": func(path string) bool {
			return strings.HasPrefix(path, "numasched/") &&
				path != "numasched/sched/policy" && path != "numasched/topology" &&
				!strings.HasPrefix(path, "numasched/sched/internal/")
		},
	} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in %s: %v", dir, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, spec := range f.Imports {
				if path := strings.Trim(spec.Path.Value, `"`); forbidden(path) && !(file == "source.go" && path == "embed") {
					t.Errorf("%s imports %s", file, path)
				}
			}
		}
	}
}

// What a P has at hand for its next turn is where that turn looks first.
func TestPeekIsTheNextTurn(t *testing.T) {
	for _, local := range []bool{false, true} {
		p := P{Rules: Rules{Local: local}, Queues: 2}
		for range 3 * FarTicks {
			peek := p.Peek()
			p.Tick()
			look := p.Turn().Look()
			if look != Own && look != RingFirst {
				look = 0
			}
			if peek != look {
				t.Fatalf("local %v, turn %d: at hand is %d, but the turn looks at %d", local, p.Ticks(), peek, look)
			}
		}
	}
}

// An M looks at its binding in every 16th turn, and in the next one if it is told to.
func TestBindingTicks(t *testing.T) {
	var p P
	p.BindSoon()
	for i := range 4 * BindingTicks {
		if got, want := p.Tick(), i%BindingTicks == 0; got != want {
			t.Errorf("turn %d looks at the binding: %v, want %v", i, got, want)
		}
	}
}

func TestRulesOnOneNode(t *testing.T) {
	for i := range Arms {
		a := &Arms[i]
		if got, want := a.Rules(false), (Rules{Local: a.Local}); got != want {
			t.Errorf("%s on one node: %+v, want %+v", a.Name, got, want)
		}
		if got, want := a.Rules(true), (Rules{Local: a.Local, Near: a.Near && !a.Closed, Homes: a.Home, Odds: a.Biased}); got != want {
			t.Errorf("%s: %+v, want %+v", a.Name, got, want)
		}
		if a.NodeQ && !a.Local {
			t.Errorf("%s has queues per node, which its turns do not look at", a.Name)
		}
	}
}

// A G follows who wakes it from afar again and again, unless it works in between or is
// woken from elsewhere.
func TestTrail(t *testing.T) {
	r := Rand(1)
	for _, c := range []struct {
		what  string
		do    func(*Trail)
		moves bool
	}{
		{"nothing", func(*Trail) {}, true},
		{"work", (*Trail).Worked, false},
		{"a wake-up from a third node", func(tr *Trail) { tr.Ready(&r, 1, 3) }, false},
		{"a wake-up at home", func(tr *Trail) { tr.Ready(&r, 1, 1) }, false},
	} {
		var tr Trail
		moved := false
		for range 100 * FollowOdds {
			if tr.Ready(&r, 1, 2) == Move {
				moved = true
				tr = Trail{}
			}
			c.do(&tr)
		}
		if moved != c.moves {
			t.Errorf("a G that is woken from afar, with %s in between, moves: %v, want %v", c.what, moved, c.moves)
		}
	}
}

// Gs that pass a message round a ring, each at home on another node, come together on one node.
func TestARingComesTogether(t *testing.T) {
	for _, n := range []int{2, 3, 4, 8, 16} {
		r := Rand(1)
		home, trail := make([]int32, n), make([]Trail, n)
		for i := range home {
			home[i] = int32(i)
		}
		together := func() bool { return slices.Max(home) == slices.Min(home) }
		laps := 0
		for ; laps < 1000*n && !together(); laps++ {
			for i := range home {
				here := home[(i+n-1)%n] // where the one before it runs, which wakes it
				if trail[i].Ready(&r, home[i], here) == Move {
					home[i] = here
				}
			}
		}
		if !together() {
			t.Errorf("after %d laps the Gs of a ring of %d are at home on %v", laps, n, home)
		}
	}
}

func TestDistancesAreInOrder(t *testing.T) {
	for i, c := range []struct {
		node, l3 bool
		slit     int
		want     int
	}{
		{true, true, 10, 0},
		{true, false, 10, 1},
		{false, true, 10, 12}, // two nodes may share a cache: the memory counts
		{false, false, 12, 14},
		{false, false, -1, 22}, // as far as a node is from another on most machines
		{false, false, 32, 34},
	} {
		if got := Distance(c.node, c.l3, c.slit); got != c.want {
			t.Errorf("%d: Distance(%v, %v, %d) = %d, want %d", i, c.node, c.l3, c.slit, got, c.want)
		}
	}
}

func TestWhoIsWoken(t *testing.T) {
	for searchers, want := range []bool{false, true, true} {
		if got := EnoughSearchers(uint32(searchers)); got != want {
			t.Errorf("%d searchers are enough: %v", searchers, got)
		}
	}
	for _, c := range []struct {
		last, any bool
		want      Pick
	}{{false, false, NoP}, {false, true, FirstP}, {true, true, LastP}} {
		if got := PickP(c.last, c.any); got != c.want {
			t.Errorf("PickP(%v, %v) = %d, want %d", c.last, c.any, got, c.want)
		}
	}
}
