package policy

// A Walk visits the numbers 0 to n-1 once each, in an order that differs from
// walk to walk: from a random start, in steps of a number coprime to n. It is
// how Go's randomOrder visits Ps.
type Walk struct {
	left, pos, step, n uint32
}

// NewWalk starts a walk over 0 to n-1. strides are the numbers from 1 to n
// that are coprime to n; rnd is random.
func NewWalk(n uint32, strides []uint32, rnd uint32) Walk {
	return Walk{left: n, pos: rnd % n, step: strides[rnd/n%uint32(len(strides))], n: n}
}

// Next returns the next number, and false after the last.
func (w *Walk) Next() (i uint32, ok bool) {
	if w.left == 0 {
		return 0, false
	}
	i = w.pos
	w.left--
	w.pos = (w.pos + w.step) % w.n
	return i, true
}

// Strides returns the numbers from 1 to n that are coprime to n.
func Strides(n uint32) (all []uint32) {
	for i := uint32(1); i <= n; i++ {
		a, b := i, n
		for b != 0 {
			a, b = b, a%b
		}
		if a == 1 {
			all = append(all, i)
		}
	}
	return all
}

// A Rand is a source of random numbers: xorshift64*, Marsaglia (2003) and Vigna (2016).
// Its value is the state, which must not be 0.
type Rand uint64

// Next returns a random number.
func (r *Rand) Next() uint32 {
	x := uint64(*r)
	x ^= x >> 12
	x ^= x << 25
	x ^= x >> 27
	*r = Rand(x)
	return uint32(x * 0x2545F4914F6CDD1D >> 32)
}
