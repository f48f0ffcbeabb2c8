//go:build race

package sched

import "sync/atomic"

// A slot of a ring, see slot.go.
type slot struct{ g atomic.Pointer[G] }

func (s *slot) load() *G   { return s.g.Load() }
func (s *slot) store(g *G) { s.g.Store(g) }
