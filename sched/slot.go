//go:build !race

package sched

// A slot of a ring. A thief may read one while its owner writes it, and then
// fails to get what it read, see ring. What it reads is some pointer that was
// written, as Go's memory model promises of single words; the compare-and-swaps
// of ring.state order what matters. An atomic store would cost a fifth of a
// fork: so it is atomic only for the race detector, see slot_race.go.
type slot struct{ g *G }

func (s *slot) load() *G   { return s.g }
func (s *slot) store(g *G) { s.g = g }
