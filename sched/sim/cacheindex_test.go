package sim

import (
	"math/rand/v2"
	"testing"
)

// An index holds what a map would, whatever is put into it and taken out.
func TestIndexIsAMap(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var x entryIndex
	x.init()
	want := map[uint64]int32{}
	for step := range 200_000 {
		// It grows first, and then keys come and go.
		key := cacheKey(rnd.Int32N(40), rnd.Int32N(200))
		if _, ok := want[key]; ok && (step > 20_000 || rnd.IntN(4) == 0) {
			x.remove(key)
			delete(want, key)
		} else if !ok {
			want[key] = int32(step)
			x.put(key, int32(step))
		}
		key = cacheKey(rnd.Int32N(40), rnd.Int32N(200))
		entry, ok := want[key]
		if !ok {
			entry = -1
		}
		if got := x.get(key); got != entry {
			t.Fatalf("step %d: entry %d of key %x, want %d", step, got, key, entry)
		}
		if x.used != len(want) {
			t.Fatalf("step %d: %d in use, want %d", step, x.used, len(want))
		}
	}
	for key, entry := range want {
		if got := x.get(key); got != entry {
			t.Errorf("entry %d of key %x, want %d", got, key, entry)
		}
	}
	if len(x.slots) < 4*indexLeast {
		t.Errorf("%d slots: it has hardly grown", len(x.slots))
	}
}
