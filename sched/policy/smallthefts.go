package policy

// A theft of at most SmallTheft Gs from a P of the own node shows that the node has
// little left. After SmallThefts of these in a row a thief first looks at FarProbes
// Ps of other nodes, at random. Without this the Ps of a poor node rob each other of
// ever smaller Gs while another node has whole trees. UTS then took up to 1.9 times
// the time of flat, on simulated machines of four nodes. Which sizes of UTS and which presets
// these were was not kept, nor how much of it these numbers win back.
//
// What the rule wins today is not shown. Without it, in eight seeds (doc.go), uts takes 1.03 (0.98
// to 1.09) on snb, 1.05 (0.98 to 1.14) on skx-8s and 0.93 (0.86 to 1.01) on rome, and onenode 1.01
// on all three, within 0.98 to 1.04. Nor do other numbers: SmallTheft 2 and 8, SmallThefts 1 and 8,
// FarProbes 1 and 16. Of all 63 comparisons, fib's among them, two differ by more than their
// intervals, 0.83 (0.70 to 0.98) and 1.28 (1.02 to 1.61), and chance alone makes three.
const (
	SmallTheft  = 4
	SmallThefts = 2
	FarProbes   = 4
)

// Stole notes that p's M has robbed a P of n Gs.
func (p *P) Stole(n uint32, remote bool) {
	switch {
	case !p.Near:
	case n > SmallTheft || remote:
		p.smallRow = 0
	default:
		p.smallRow++
	}
}

// probes returns how many Ps of other nodes a search of p's M looks at first.
func (p *P) probes() uint8 {
	if p.smallRow < SmallThefts {
		return 0
	}
	p.smallRow = 0
	return FarProbes
}
