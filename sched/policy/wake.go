package policy

// Whoever has published work on a Node goes over the Nodes in order of distance from
// there, and wakes a P of the first that has an idle one, unless that Node has searchers
// enough. That one searcher for a Node suffices follows from what it does. If a P is woken
// unless two search, in three seeds (doc.go) fib takes 2.1 to 2.2 of the time on skx-8s and 3.2
// to 3.9 on rome, uts 2.0 and 1.8 to 1.9, pingpong 1.5 and 1.7 to 1.8, and onenode 0.9 to 1.0.
// Half as many searchers as busy Ps is Go's number. Without that limit the four take 0.91 to 1.04.

// EnoughSearchers reports whether a Node with an idle P has searchers enough to find new
// work: one suffices. It wakes the next when it has found something, and looks once more
// before it sleeps, see [Rest].
func EnoughSearchers(searchers uint32) bool { return searchers != 0 }

// MaySearch reports whether another M of a Node may search: not if there are at least half
// as many searchers as busy Ps, as in Go. More would cost more than they find.
func MaySearch(searchers, procs, idle uint32) bool {
	return 2*int32(searchers) < int32(procs)-int32(idle)
}

// A Pick is an idle P.
type Pick uint8

const (
	NoP    Pick = iota // there is none: the G that wants it waits in the Node's queue
	LastP              // the one that the G had before: its M and its caches are there
	FirstP             // the one that became idle last
)

// PickP returns the P that a G gets that needs one at once.
func PickP(lastIdle, anyIdle bool) Pick {
	switch {
	case lastIdle:
		return LastP
	case anyIdle:
		return FirstP
	}
	return NoP
}
