package sched

import (
	"sync"
	"testing"

	"numasched/sched/internal/threadlock"
)

// More carriers than slots live at a time, so that some share one. Each is found by its own
// goroutine alone, and when all have left, every slot is free again.
func TestCarriersThatShareASlotAreFoundByTheirOwnGoroutine(t *testing.T) {
	if threadlock.Self() == 0 {
		t.Skip("goroutines do not know themselves here")
	}
	const n = 2 * currentSlots
	var entered, asked, all sync.WaitGroup
	entered.Add(n)
	asked.Add(1)
	shared := false
	for i := range n {
		all.Go(func() {
			if c := currentCarrier(); c != nil {
				t.Errorf("a goroutine that is no carrier is %p", c)
			}
			c := new(carrier)
			c.enterCurrent()
			entered.Done()
			entered.Wait()
			if got := currentCarrier(); got != c {
				t.Errorf("carrier %p is taken for %p", c, got)
			}
			if i == 0 {
				for slot := range currents {
					shared = shared || currents[slot].Load() == crowded
				}
				asked.Done()
			}
			asked.Wait()
			c.leaveCurrent()
			if got := currentCarrier(); got != nil {
				t.Errorf("carrier %p, which has left, is %p", c, got)
			}
		})
	}
	all.Wait()
	if !shared {
		t.Error("no two carriers shared a slot")
	}
	for slot := range currents {
		if c := currents[slot].Load(); c != nil {
			t.Errorf("slot %d has %p, want nil", slot, c)
		}
	}
	for i := range crowds {
		if n := len(crowds[i].carriers); n != 0 {
			t.Errorf("shard %d has %d carriers, want none", i, n)
		}
	}
}
