package host

import (
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"numasched/sched/internal/machine"
)

// A Break that comes while Wait takes up the last one is not lost: if broken is set, so
// that the next Break writes nothing, there is something for the next Wait to read.
func TestABreakDuringABreakIsNotLost(t *testing.T) {
	const rounds = 20_000
	var m Machine
	pl, err := m.NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	defer pl.Close()
	p, sm := pl.(*Poller), new(machine.M)
	for i := range rounds {
		p.Break(sm)
		var breaker sync.WaitGroup
		breaker.Go(func() {
			for range i % 64 * 8 { // at another moment each time
				m.spin.Load()
			}
			p.Break(sm)
		})
		p.Wait(sm, 1e9) // there is a Break to be had
		breaker.Wait()
		fds := []unix.PollFd{{Fd: int32(p.event), Events: unix.POLLIN}}
		if n, _ := unix.Poll(fds, 0); n == 0 && p.broken.Load() {
			t.Fatalf("in round %d a Break was lost, and all later ones will be", i)
		}
		if p.broken.Load() {
			p.Wait(sm, 1e9)
		}
	}
}
