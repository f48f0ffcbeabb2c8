package workload

import (
	"fmt"
	"unsafe"

	"numasched/sched"
)

// allocFree measures the traffic that brings objects home. Producers allocate small
// objects, and consumers on the next node free them. A bounded channel of batches
// joins the two of a pair. With plain goroutines the collector frees the objects.
var allocFree = &Workload{
	Name: "allocfree",
	Doc:  "allocate here, free there: producers and consumers of objects on different nodes",
	Unit: "object",
	Params: []Param{
		{Name: "pairs", Doc: "producers, and as many consumers", Default: 4, Min: 1, Max: 1 << 16},
		{Name: "objects", Doc: "objects that each producer allocates, a multiple of 64 is used", Default: 500000, Quick: 50000, Min: 64, Max: 1 << 40},
		{Name: "size", Doc: "bytes of an object", Default: 64, Min: 8, Max: 1 << 16},
	},
	New: func(p Params) (*Instance, error) {
		pairs, size := int(p["pairs"]), int(p["size"])
		batches := int(p["objects"]) / allocBatch
		return &Instance{
			Tasks: int64(pairs) * int64(batches) * allocBatch,
			Run: func(g *sched.G) error {
				nodes := g.Sched().NodeIDs()
				errs := make([]error, 2*pairs)
				var gr sched.Group
				for i := range pairs {
					c := sched.NewChan[batch](g.Sched(), allocAhead)
					here, there := at(nodes[i%len(nodes)]), at(nodes[(i+1)%len(nodes)])
					gr.GoAt(g, here, func(g *sched.G) { errs[2*i] = allocHere(g, c, batches, size) })
					gr.GoAt(g, there, func(g *sched.G) { errs[2*i+1] = freeThere(g, c, batches) })
				}
				gr.Wait(g)
				return firstError(errs)
			},
			Stock: func() error {
				errs := make([]error, pairs)
				stockLoop(pairs, func(i int) { errs[i] = allocStock(batches, size) })
				return firstError(errs)
			},
		}, nil
	},
}

const (
	allocBatch = 64 // objects of a message
	allocAhead = 16 // messages of which the producer may be ahead
)

// A batch is a message full of objects. The first word of each holds its number.
type batch [allocBatch]*uint64

func allocHere(g *sched.G, c *sched.Chan[batch], batches, size int) error {
	defer c.Close(g)
	for i := range batches {
		var b batch
		for k := range b {
			p, err := g.Alloc(size)
			if err != nil {
				return err
			}
			b[k] = (*uint64)(p)
			*b[k] = uint64(i*allocBatch + k)
		}
		c.Send(g, b)
	}
	return nil
}

func freeThere(g *sched.G, c *sched.Chan[batch], batches int) (err error) {
	n := 0
	for b, ok := c.Recv(g); ok; b, ok = c.Recv(g) {
		for _, p := range b {
			if *p != uint64(n) && err == nil {
				err = fmt.Errorf("allocfree: object %d says it is %d", n, *p)
			}
			n++
			g.Free(unsafe.Pointer(p))
		}
	}
	if n != batches*allocBatch && err == nil {
		err = fmt.Errorf("allocfree: %d objects came, want %d", n, batches*allocBatch)
	}
	return err
}

func allocStock(batches, size int) (err error) {
	c := make(chan batch, allocAhead)
	go func() {
		for i := range batches {
			var b batch
			for k := range b {
				b[k] = &make([]uint64, (size+7)/8)[0]
				*b[k] = uint64(i*allocBatch + k)
			}
			c <- b
		}
		close(c)
	}()
	n := 0
	for b := range c {
		for _, p := range b {
			if *p != uint64(n) && err == nil {
				err = fmt.Errorf("allocfree: object %d says it is %d", n, *p)
			}
			n++
		}
	}
	if n != batches*allocBatch && err == nil {
		err = fmt.Errorf("allocfree: %d objects came, want %d", n, batches*allocBatch)
	}
	return err
}
