package sched

import "context"

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
		o.doSlow(g, f, nil)
	}
}

// DoContext is Do that waits for another G's f only until ctx is done. Then it returns ctx.Err(),
// as it does if ctx is done already. An f that it has called itself it lets return.
func (o *Once) DoContext(ctx context.Context, g *G, f func()) error {
	return g.until(ctx, func(done *Chan[struct{}]) bool {
		m := o.on(g)
		return o.state.load(m) == 0 && o.doSlow(g, f, done)
	})
}

// doSlow is Do until done is closed, which may be nil. It reports whether that is why it has
// ended.
func (o *Once) doSlow(g *G, f func(), done *Chan[struct{}]) (ended bool) {
	if f == nil {
		panic(errNilOnce)
	}
	if o.mu.lockFor(g, WaitOnce, done) {
		return true
	}
	defer o.mu.Unlock(g)
	if o.state.load(g.m) == 0 {
		defer func() { o.state.store(g.m, 1) }()
		f()
	}
	return false
}
