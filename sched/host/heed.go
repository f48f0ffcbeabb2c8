package host

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"numasched/topology"
)

// heedEvery is how often the lookout looks whether the CPUs have changed that the process may
// run on.
const heedEvery = 400 * time.Millisecond

// A heed is somebody who wants to hear of it.
type heed struct {
	told topology.CPUSet // what it knows
	f    func(cpus topology.CPUSet, why string)
}

// Attach implements [sched.Machine].
func (m *Machine) Attach(changed func(cpus topology.CPUSet, why string)) (detach func(), err error) {
	m.mu.Lock()
	closed := m.closed
	if !closed {
		m.scheds++
	}
	m.mu.Unlock() // whoever holds processMasks.mu may take it, to warn
	if closed {
		return nil, errClosed
	}
	unheed := func() {}
	if !m.pretended {
		unheed = processMasks.notify(changed)
	}
	return func() {
		unheed()
		m.mu.Lock()
		m.scheds--
		m.mu.Unlock()
	}, nil
}

// notify has f called whenever the CPUs have changed that the process may run on, until stop
// is called. A call that is under way may still come.
func (b *masks) notify(f func(cpus topology.CPUSet, why string)) (stop func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := &heed{told: b.common(), f: f}
	if len(b.heeds) == 0 {
		b.heeds, b.unheed = make(map[*heed]bool), make(chan struct{})
		go b.lookout(b.unheed)
	}
	b.heeds[h] = true
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if delete(b.heeds, h); len(b.heeds) == 0 && b.unheed != nil {
			close(b.unheed)
			b.unheed = nil
		}
	}
}

// lookout looks now and then, until quit is closed.
func (b *masks) lookout(quit chan struct{}) {
	ticker := time.NewTicker(heedEvery)
	defer ticker.Stop()
	for {
		select {
		case <-quit:
			return
		case <-ticker.C:
			b.look()
		}
	}
}

// look tells of a change. While threads have different masks, because somebody changes them or
// because the program has pinned one, nobody can say what the process may do.
func (b *masks) look() {
	b.mu.Lock()
	bind := len(b.machines) > 0
	if bind {
		b.yield()
	}
	now, told := b.common(), []*heed(nil)
	// Whoever hears of a change binds threads anew at once, within b.all.
	if !now.Empty() && !(bind && b.byOthers(now)) {
		refused := bind && !b.refused.Empty() && !b.refused.Equal(now)
		for h := range maps.Keys(b.heeds) {
			if refused || !h.told.Equal(now) {
				if !h.told.Empty() {
					told = append(told, h)
				}
				h.told = now
			}
		}
		b.refused = topology.CPUSet{}
	}
	b.mu.Unlock()
	for _, h := range slices.Clone(told) {
		h.f(now, fmt.Sprintf("the process may run on CPUs %s now, because somebody else (taskset? a cpuset?) has changed that", now))
	}
}
