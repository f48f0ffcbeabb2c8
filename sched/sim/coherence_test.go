package sim

import (
	"math/rand/v2"
	"testing"

	"numasched/sched/internal/machine"
)

// A core has a line if it has used it since another core last wrote it, however many cores
// share it: 1 or 2, as many as a line has room for, or most of the machine.
func TestACoreHasALineUntilAnotherWritesIt(t *testing.T) {
	p, err := LoadPreset("synthetic:5x1x1x40x1") // sets of four words
	if err != nil {
		t.Fatal(err)
	}
	k, err := New(Config{Preset: p})
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	c, cores := k.lines, int32(len(k.cores))
	has := make([]map[int32]bool, 40) // by line
	alone := make([]int32, len(has))  // the core that has written it last, if no other has read it since
	for i := range has {
		has[i], alone[i] = map[int32]bool{}, -1
	}
	written := map[int]bool{} // how many had a line that another core wrote
	for step := range 300_000 {
		id, core := rnd.IntN(len(has)), rnd.Int32N(cores)
		kind := machine.Load
		if rnd.IntN(2+8*id) == 0 { // the higher the number, the more sharers
			kind = machine.Store
		}
		want := alone[id] == core || kind == machine.Load && has[id][core]
		hits := c.transfers[2]
		c.access(core, 0, machine.Line(id), kind)
		if got := c.transfers[2] > hits; got != want {
			t.Fatalf("step %d: core %d has line %d: %v, want %v (%d sharers)", step, core, id, got, want, len(has[id]))
		}
		switch {
		case kind == machine.Store:
			written[len(has[id])] = true
			clear(has[id])
			alone[id] = core
		case alone[id] != core:
			alone[id] = -1
		}
		has[id][core] = true
	}
	for n := range len(line{}.some) + 3 {
		if !written[n] {
			t.Errorf("no core has written a line that %d have", n)
		}
	}
}
