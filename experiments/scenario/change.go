package scenario

import "slices"

// What a variant changes of buffers and threads.

// uses reports whether some phase of g reads or writes a buffer.
func (g *Group) uses(buffer string) bool {
	for i := range g.Phases {
		if slices.Contains(g.Phases[i].buffers(), buffer) {
			return true
		}
	}
	return false
}

// apply returns a buffer with the change.
func (x *Set) apply(b Buffer) Buffer {
	if x.At != "" {
		b.Home = x.At
	}
	if x.Bytes > 0 {
		b.Bytes = x.Bytes
	}
	return b
}

// apply returns a group with the changes that the variant makes.
func (v *Variant) apply(g Group) Group {
	for _, x := range v.Set {
		if x.Threads != g.Name {
			continue
		}
		if x.Count > 0 {
			g.Count = x.Count
		}
		if x.Nodes != nil || x.L3s != nil || x.CPUs != nil {
			g.Nodes, g.L3s, g.CPUs = x.Nodes, x.L3s, x.CPUs
		}
		if x.Soft != nil {
			g.Soft = *x.Soft
		}
		if x.Times > 0 {
			g.Times = x.Times
		}
		if x.Home != nil {
			g.Home = x.Home
		}
		if x.Counted > 0 {
			g.Counted = x.Counted
		}
	}
	return g
}
