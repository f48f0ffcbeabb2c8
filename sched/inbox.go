package sched

import "numasched/sched/internal/machine"

// Gs that come from other nodes, under arms with homes.
//
// A sender does not take the lock of the node that it sends to. When Ms of several nodes
// took it, they spent more time on handing it over than on their work. In the service
// kvserve, simulated on 64 CPUs of four nodes, the 99th percentile of latencies was 450 us.
// Now it is a fifth. A sender pushes its G onto the node's inbox, a list.
// Whoever takes Gs from the node's queue, under its lock, first moves there what is in the
// inbox. An array of slots instead of the list moved more cache lines for each G: the
// workload onenode, whose tasks come from another node, took up to 1.6 times as long.
//
// Invariants:
//   - A node has queued Gs if and only if inbox is not nil or nrunq is not 0, but for those
//     in the hands of an M that moves them. Who looks for work looks at the inbox first:
//     who empties it stores nrunq before. In the other order one could miss both.
//   - Only a holder of the lock empties the inbox. So what one M sends comes in order.

// send makes gp runnable on n, the Node of its home. m's P is elsewhere, or shares that Node
// with other domains. The caller wakes an M. NUMA-WS must know how many Gs are queued, so it
// does not use inboxes.
func (m *M) send(n *Node, gp *G) {
	if m.s.arm.Biased {
		m.queuePut(n, gp)
		return
	}
	for {
		last := n.inbox.load(m)
		gp.next = last
		if n.inbox.cas(m, last, gp) {
			return
		}
	}
}

// queued reports whether n has queued Gs.
func (m *M) queued(n *Node) bool {
	return m.s.rules.Homes && n.inbox.load(m) != nil || n.nrunq.load(m) != 0
}

// inboxLen counts the Gs in n's inbox, for a trace. n.lock is held, so that none leaves it.
func (n *Node) inboxLen() (size int) {
	for gp := n.inbox.Peek(); gp != nil; gp = gp.next {
		size++
	}
	return size
}

// emptyInbox moves the Gs of n's inbox to the end of its queue, in the order in which they
// came. n.lock is held.
func (m *M) emptyInbox(n *Node) {
	if !m.s.rules.Homes || n.inbox.load(m) == nil {
		return
	}
	// Some look without the lock, and must not miss the Gs that are on their way.
	n.nrunq.store(m, uint32(n.runq.n)+1)
	var first *G
	for gp := n.inbox.swap(m, nil); gp != nil; {
		if m.memory != nil {
			m.access(gp.joined.line, machine.Load) // in gQueues Gs are not touched, here they are linked
		}
		next := gp.next
		gp.next, first, gp = first, gp, next
	}
	for gp := first; gp != nil; gp = first {
		first, gp.next = gp.next, nil
		n.runq.push(gp)
	}
	n.nrunq.store(m, uint32(n.runq.n))
}
