package sim

import (
	"fmt"
	"unsafe"

	"numasched/sched/internal/machine"
)

// Small objects are real memory, so that programs can use them. The charge is that of
// the simulated machine: the preset's alloc_ns, and the transfer of the object's line
// from the core that used it last. Several such lines are under way at once, because
// a program that allocates or frees many objects does not wait for each.

// maxObject is the largest object in bytes. It takes memory of the computer that
// simulates.
const maxObject = 1 << 30

type object struct {
	room []uint64
	node int32 // where it lies, by position; -1 if anywhere
	core int32 // the core that used it last, or -1
}

type objects struct {
	of    map[unsafe.Pointer]*object
	nodes map[[2]int][]*object // free: by node and size
}

type objectCache struct {
	k    *Machine
	node int32
	free map[int][]*object // by size
}

// NewCache implements sched.Machine.
func (k *Machine) NewCache(node int) (machine.Cache, error) {
	c := &objectCache{k: k, node: -1, free: make(map[int][]*object)}
	if node >= 0 {
		for i := range k.nodes {
			if k.nodes[i].id == node {
				c.node = int32(i)
			}
		}
		if c.node < 0 {
			return nil, fmt.Errorf("sim: objects on node %d: %s has no such node", node, k.topo.Origin)
		}
	}
	return c, nil
}

// use charges the running thread for its first access to o.
func (k *Machine) use(o *object) {
	t := k.cur
	if t == nil {
		return
	}
	t.clock += k.preset.Alloc.ps()
	if o.core >= 0 && o.core != t.core {
		t.clock += k.overlapped(k.lines.distance(t.core, o.core, -1))
	}
	o.core = t.core
}

// Alloc implements machine.Cache.
func (c *objectCache) Alloc(size int) (unsafe.Pointer, error) {
	if size < 0 || size > maxObject {
		return nil, fmt.Errorf("sim: object of %d bytes: want 0 to %d", size, maxObject)
	}
	words := max((size+15)/16*2, 2)
	var o *object
	if list := c.free[words]; len(list) > 0 {
		o, c.free[words] = list[len(list)-1], list[:len(list)-1]
	} else if list := c.k.objects.nodes[[2]int{int(c.node), words}]; len(list) > 0 {
		o, c.k.objects.nodes[[2]int{int(c.node), words}] = list[len(list)-1], list[:len(list)-1]
	} else {
		o = &object{room: make([]uint64, words), node: c.node, core: -1}
		c.k.objects.of[unsafe.Pointer(&o.room[0])] = o
	}
	c.k.use(o)
	return unsafe.Pointer(&o.room[0]), nil
}

// Free implements machine.Cache.
func (c *objectCache) Free(p unsafe.Pointer) {
	o := c.k.objects.of[p]
	if o == nil {
		panic("sim: free of an object that no cache has handed out")
	}
	c.k.use(o)
	if o.node == c.node {
		c.free[len(o.room)] = append(c.free[len(o.room)], o)
		return
	}
	c.k.objects.put(o)
}

// Flush implements machine.Cache.
func (c *objectCache) Flush() {
	for _, list := range c.free {
		for _, o := range list {
			c.k.objects.put(o)
		}
	}
	clear(c.free)
}

func (all *objects) put(o *object) {
	key := [2]int{int(o.node), len(o.room)}
	all.nodes[key] = append(all.nodes[key], o)
}
