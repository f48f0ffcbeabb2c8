package policy

// Gs that are at home on a node have memory there, and a thief from another node spares
// them. But the Works of some programs hardly use memory. Their Gs lose nothing elsewhere.
// If nobody takes them, the other nodes wait for nothing: tasks of 13 us that compute, all
// at home on one node of four or eight, took 1.3 to 1.8 times as long as under flat, on
// simulated machines. If no Work counts as light onenode takes 1.27 of the time on skx-8s and
// 1.58 to 1.59 on rome, in two seeds (doc.go). In the four nothing changes.

const (
	// FarLine and FarAccess are what a cache line costs more that comes from another node,
	// in operations: some 12 ns if it is one of a stream, and some 200 ns if the next access
	// waits for it.
	FarLine   = 40
	FarAccess = 800

	// LightShare is how many operations a light Work has at least for each that it costs
	// to fetch its memory from another node: that costs a tenth at most.
	LightShare = 10

	// LightRow is how many light Works in a row of one P make the node's Gs fair game. After
	// one that is not light, thieves spare them again.
	LightRow = 2
)

// Light reports whether a Work is light, from how many operations it has, how many cache
// lines it streams through, and how many others it accesses one by one.
func Light(ops, lines, accesses int64) bool {
	return ops/LightShare >= lines*FarLine+accesses*FarAccess
}

// Worked notes that a G at home on p's node has done a Work there. light says whether
// the node's Gs are fair game. It returns what they are now.
func (p *P) Worked(ops, lines, accesses int64, light bool) bool {
	if !Light(ops, lines, accesses) {
		p.lightRow = 0
		return false
	}
	if p.lightRow < LightRow {
		p.lightRow++
	}
	return light || p.lightRow == LightRow
}
