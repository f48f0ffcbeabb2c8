package policy

// A Tier is a set of victims that are equally far. A thief goes over the tiers in order of
// distance.
type Tier struct {
	N       uint32   // how many
	Remote  bool     // they are on other nodes
	strides []uint32 // see [Strides]
}

// NewTier returns a tier of n victims.
func NewTier(n uint32, remote bool) Tier { return Tier{n, remote, Strides(n)} }

// Distance is how far a victim is from its thief: 0 under one L3 cache, 1 on one node, and
// else 2 and the distance between the nodes in the SLIT. A negative slit means that the
// machine does not say; then it is SLIT's usual distance to another node.
func Distance(node, l3 bool, slit int) int {
	switch {
	case node && l3:
		return 0
	case node:
		return 1
	case slit < 0:
		return 2 + 20
	}
	return 2 + slit
}
