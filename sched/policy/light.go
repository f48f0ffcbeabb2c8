package policy

// Gs that are at home on a node have memory there, and a thief from another node spares
// them. But the Works of some programs hardly use memory. Their Gs lose nothing elsewhere.
// If nobody takes them, the other nodes wait for nothing: tasks of 13 us that compute, all
// at home on one node of four or eight, took 1.3 to 1.8 times as long as under flat, on
// simulated machines.

const (
	// LightOps is how many operations for each accessed cache line make a Work light. To
	// fetch the line from another node takes some 200 ns longer, which is then below a tenth.
	LightOps = 8192

	// LightRow is how many light Works in a row of one P make the node's Gs fair game. One
	// that is not light makes them Gs to be spared again.
	LightRow = 2
)

// Light reports whether a Work of so many operations that accesses so many cache lines
// is light.
func Light(ops, lines int64) bool { return ops/LightOps >= lines }

// Worked notes that a G at home on p's node has done a Work there. light says whether
// the node's Gs are fair game. It returns what they are now.
func (p *P) Worked(ops, lines int64, light bool) bool {
	if !Light(ops, lines) {
		p.lightRow = 0
		return false
	}
	if p.lightRow < LightRow {
		p.lightRow++
	}
	return light || p.lightRow == LightRow
}
