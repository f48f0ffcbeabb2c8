//go:build !smallrings

package sched

const (
	// ringSize is the capacity of a P's run queue, as in Go.
	ringSize = 256

	// magazineSize is how many free Gs a magazine holds.
	magazineSize = 64

	// carriersMax is how many free carriers an M keeps before it gives half away.
	carriersMax = 64

	// freeCarriersMax is how many of those a scheduler keeps. What is free beyond it
	// ends: after a million Gs have blocked, a million stacks would stay.
	freeCarriersMax = 512
)
