package workload

import (
	"fmt"
	"math"
)

// A Room is what a machine has room for, where a workload's size depends on the machine.
type Room struct {
	CPUs  int64
	Bytes int64 // of arrays that are together twice as large as all second- and third-level caches
}

// sized returns the sizes of a workload that is claimed with the same ones on every machine.
func sized(sizes string) func(Room) []string { return func(Room) []string { return []string{sizes} } }

// triads returns arrays that fill the room, with even and with skewed tasks. Every P has equally
// many chunks, so that static loses nothing to rounding.
func triads(m Room) []string {
	elements := roundUp(m.Bytes/24, triadChunk*m.CPUs)
	return []string{fmt.Sprintf("n=%d", elements), fmt.Sprintf("n=%d/skew=4", elements)}
}

// squares returns a square that fills the room. Every P has equally many blocks of its rows.
func squares(m Room) []string {
	side := roundUp(int64(math.Sqrt(float64(m.Bytes/16))), 8*m.CPUs)
	return []string{fmt.Sprintf("n=%d/rows=%d/sweeps=1", side, side/(8*m.CPUs))}
}

func roundUp(n, unit int64) int64 { return (n + unit - 1) / unit * unit }
