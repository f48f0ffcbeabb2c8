package sched

import "testing"

// Free Gs that come back from a P that goes, more than a magazine holds, go on to others.
func TestALargeMagazineGrowsNoMore(t *testing.T) {
	m := ringM()
	m.s.mayAsk = 0
	for i := range 2 * magazineSize {
		m.p.gfree.push(named(i))
	}
	for i := range 4 * magazineSize {
		m.gfput(named(i))
	}
	if n := m.p.gfree.n; n > magazineSize {
		t.Errorf("the magazine has %d Gs, want %d at most", n, magazineSize)
	}
}

// A member that was placed, and that the Wait calls, leaves no home behind.
func TestAFreeGHasNoHome(t *testing.T) {
	m := ringM()
	g, child := named(1), named(2)
	g.m = m
	child.home.Store(1)
	child.arg.Data = func(*G) {}
	g.runInlineMember(child)
	if home := child.home.Load(); home != noHome {
		t.Errorf("the free G is at home at %d", home)
	}
}
