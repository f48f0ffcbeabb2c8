//go:build smallrings

package sched

// With the build tag smallrings everything that can be full is full after a few Gs, so
// that package explore meets what happens then.
const (
	ringSize        = 4
	magazineSize    = 2
	carriersMax     = 2
	freeCarriersMax = 2
)
