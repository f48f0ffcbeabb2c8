package host

import (
	"numasched/numa"
	"numasched/sched/internal/machine"
)

// NewCache implements [sched.Machine]. Pretended nodes have objects of their own, too,
// but these lie where they were first touched.
func (m *Machine) NewCache(node int) (machine.Cache, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errClosed
	}
	if m.heap == nil {
		// One heap for all schedulers: one that has caches per node may free what one
		// without has allocated, and the other way round.
		h, err := numa.NewHeap(numa.HeapOptions{Nodes: append(m.cpuNodes(), numa.Anywhere), Unbound: m.pretended})
		if err != nil {
			return nil, err
		}
		m.heap = h
		m.giveBackLater()
	}
	return m.heap.NewCache(node) // -1, no node in particular, is numa.Anywhere
}

// cpuNodes returns the IDs of the nodes that have allowed CPUs.
func (m *Machine) cpuNodes() (ids []int) {
	for i := range m.topo.Nodes {
		if !m.topo.Nodes[i].CPUs.And(m.topo.Allowed).Empty() {
			ids = append(ids, m.topo.Nodes[i].ID)
		}
	}
	return ids
}
