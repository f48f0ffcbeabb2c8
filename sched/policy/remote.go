package policy

// RemoteBacklog is the least number of Gs for which a thief from another node robs a
// queue before its last round. The victim's own node will soon run fewer. With 1 instead only fib
// on rome changes in the four (doc.go), and no more than with another seed.
const RemoteBacklog = 2

// NextDelay is how long a thief waits, in nanoseconds, before it takes what its victim
// runs next: Go's usleep(3). Often the victim is just about to run it. Its G has woken a
// partner and will block. To take the partner would bounce the two between Ps. Without the delay
// pingpong takes 1.03 and 1.07 of the time in the four (doc.go), triad 1.00 and 0.98, wakestorm
// 1.00 and 0.99.
const NextDelay = 3000

// NextLooks is how often in a row a thief on a host then looks whether the same G is still
// there, which takes about a microsecond. Two Gs that keep waking each other are there in
// turn: after the delay, which a kernel makes 50 us, the one that was seen is there again
// as likely as not.
const NextLooks = 1000

// A Theft is what a thief may take from a victim or a queue.
//
// From another node it takes half as well, but only Gs that have nothing to lose: those
// without a home, and those at home where Works are light (light.go). It takes others only
// after its [Grace], and then as many as its hunger says, but at most half. So work is
// conserved, and homes count.
type Theft struct {
	Remote bool   // from another node
	Spares bool   // it spares Gs that are at home there
	Last   bool   // it is the thief's last round
	Hunger uint32 // of the thief's Node, see hunger.go; 0 before its Grace
}

// Take is how many of n Gs the thief takes, oldest first. The oldest free of them have
// nothing to lose; a thief that does not spare homes need not count them.
func (t Theft) Take(n, free uint32) uint32 {
	switch {
	case !t.Spares:
		return StealHalf(n)
	case free == 0 && t.Hunger > 0:
		return min(StealHalf(n), t.Hunger)
	case n < RemoteBacklog && !t.Last:
		return 0
	default:
		return min(StealHalf(n), free)
	}
}

// TakeNext reports whether the thief takes what its victim runs next, of which it knows
// whether that has something to lose at home. It does so in its last round only, when there is nothing else.
func (t Theft) TakeNext(homed bool) bool {
	return t.Last && !(t.Spares && homed && t.Hunger == 0)
}
