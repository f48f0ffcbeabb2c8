package policy

// A theft of at most SmallTheft Gs from a P of the own node shows that the node has
// little left. After SmallThefts of these in a row a thief first looks at FarProbes
// Ps of other nodes, at random. Without this the Ps of a poor node rob each other of
// ever smaller Gs while another node has whole trees. UTS then took up to 1.9 times
// the time of flat, on simulated machines of four nodes. Which sizes of UTS and which presets
// these were was not kept, nor how much of it these numbers win back. In the four (doc.go) fib
// takes 0.67 and 1.60 of the time without this, which is no more than another seed does, and the
// others 0.97 to 1.00. Other numbers were not measured.
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
