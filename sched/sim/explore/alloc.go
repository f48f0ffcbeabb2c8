package explore

import (
	"fmt"
	"unsafe"

	"numasched/sched/internal/machine"
)

// A cache hands out memory of Go's heap, and notices if it is used by an M that does
// not hold its P.
type cache struct {
	x *Machine
	p int // the P that it belongs to
}

// NewCache implements [sched.Machine]. The M that runs makes the cache for its own P.
func (x *Machine) NewCache(int) (machine.Cache, error) {
	return &cache{x, x.cur.p()}, nil
}

// p returns the P that t's M holds, or -1.
func (t *thread) p() int {
	if t.m == nil {
		return -1
	}
	return t.m.P()
}

func (c *cache) Alloc(size int) (unsafe.Pointer, error) {
	c.use()
	return unsafe.Pointer(unsafe.SliceData(make([]byte, size))), nil
}

func (c *cache) Free(unsafe.Pointer) { c.use() }

func (c *cache) Flush() {}

func (c *cache) use() {
	if t := c.x.cur; t.id != 0 && t.p() != c.p { // the caller uses any, once no M is left
		c.x.fail(fmt.Errorf("%s uses the cache of P %d and holds P %d", c.x.name(t), c.p, t.p()))
	}
}
