package sched

// A Once calls one function once, as a [sync.Once]. The zero Once has called none. It
// belongs to the scheduler whose G first uses it, and must not be copied after that.
type Once struct {
	syncState // state is 1 once the function has returned
	mu        Mutex
}

// Do calls f if o has called no function yet. It returns when f has returned, also if
// another G has called it. If f panics, it counts as returned. If f calls Do, Gs wait for
// each other for ever.
func (o *Once) Do(g *G, f func()) {
	if m := o.on(g); o.state.load(m) == 0 {
		o.doSlow(g, f)
	}
}

func (o *Once) doSlow(g *G, f func()) {
	if f == nil {
		panic(errNilOnce)
	}
	o.mu.lockFor(g, WaitOnce, nil)
	defer o.mu.Unlock(g)
	if o.state.load(g.m) == 0 {
		defer func() { o.state.store(g.m, 1) }()
		f()
	}
}
