package host

import (
	"numasched/numa"
	"numasched/sched"
)

// NewCache implements [sched.Machine]. On pretended nodes objects are kept apart
// by node, and lie wherever they were first touched.
func (m *Machine) NewCache(node int) (sched.Cache, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if node < 0 {
		if m.anywhere == nil {
			h, err := numa.NewHeap(numa.HeapOptions{Nodes: []int{0}, Unbound: true})
			if err != nil {
				return nil, err
			}
			m.anywhere = h
		}
		return m.anywhere.NewCache(0)
	}
	if m.heap == nil {
		h, err := numa.NewHeap(numa.HeapOptions{Nodes: m.cpuNodes(), Unbound: m.pretended})
		if err != nil {
			return nil, err
		}
		m.heap = h
	}
	return m.heap.NewCache(node)
}

// cpuNodes returns the IDs of the nodes that have CPUs for us.
func (m *Machine) cpuNodes() (ids []int) {
	for i := range m.topo.Nodes {
		if !m.topo.Nodes[i].CPUs.And(m.topo.Allowed).Empty() {
			ids = append(ids, m.topo.Nodes[i].ID)
		}
	}
	return ids
}
