package host

import "time"

// giveBackEvery is how long memory of Buffers and Caches must have been unused until the
// kernel gets it back, at least; it is twice as long at most. Go's sysmon waited five minutes,
// too, until Go 1.13 gave this to a goroutine. Here a timer of Go does it. Our sysmon sleeps
// while every P is idle, and that is when memory is not used.
const giveBackEvery = 5 * time.Minute

// giveBackLater begins to give memory back. m.mu is held.
func (m *Machine) giveBackLater() {
	if m.giveBack == nil {
		m.giveBack = time.AfterFunc(giveBackEvery, m.giveBackIdle)
	}
}

// giveBackIdle gives back what has been unused since its last call, and is called again.
func (m *Machine) giveBackIdle() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	for _, a := range m.arenas {
		if a != nil {
			a.ScavengeIdle()
		}
	}
	if m.heap != nil {
		m.heap.ScavengeIdle()
	}
	m.giveBack.Reset(giveBackEvery)
}
