package sched

import (
	"context"
	"reflect"
)

// Fork and Forked.Join for functions of any one argument and any result: G.Fork and G.Join
// without an Arg. The argument and the result lie in a frame, which stays with the child's
// G and is used again by the next child of the same types. So a fork allocates nothing.
//
// Invariant: if arg.Data of a G is a frame, its task is that frame's. A child that was taken back
// keeps both, so that a fork that finds its G in the ring need not set them.

// A Forked is a child that Fork has made and that has not been joined.
type Forked[A, R any] struct {
	child Child
	frame *frame[A, R]
}

// A frame is what a forked function works on.
type frame[A, R any] struct {
	fn     func(*G, A) R
	arg    A
	result R
	task   Task // runs fn; made once
}

// Fork starts fn(arg) as a child of g, as [G.Fork] does. g must Join every child before it
// returns; the last forked is best joined first.
func Fork[A, R any](g *G, fn func(*G, A) R, arg A) Forked[A, R] {
	mustRun(fn != nil)
	if !g.hasFresh() {
		return forkSlow(g, fn, arg)
	}
	m := g.m
	gp := m.p.takeFresh()
	f, ok := gp.arg.Data.(*frame[A, R])
	if !ok {
		f = giveFrame[A, R](gp)
	}
	f.fn, f.arg, gp.parent = fn, arg, g
	if m.keepsMuch() {
		m.offer()
	}
	return Forked[A, R]{Child{gp, gp.forks, g.depth}, f}
}

// forkSlow is Fork where something is out of the ordinary.
//
//go:noinline
func forkSlow[A, R any](g *G, fn func(*G, A) R, arg A) Forked[A, R] {
	gp := g.running().newChild()
	f := giveFrame[A, R](gp)
	f.fn, f.arg, gp.parent = fn, arg, g
	g.runqfork(gp)
	return Forked[A, R]{Child{gp, gp.forks, g.depth}, f}
}

// giveFrame has gp run the task of its frame for functions of these types, which it returns.
//
//go:noinline
func giveFrame[A, R any](gp *G) *frame[A, R] {
	rest := gp.needRest()
	f, ok := rest.frame.(*frame[A, R])
	if !ok {
		f = new(frame[A, R])
		f.task = func(g *G, _ Arg) int {
			arg := f.takeArg()
			f.result = f.fn(g, arg)
			return 0
		}
		rest.frame = f
	}
	gp.task, gp.arg.Data = f.task, f
	return f
}

// takeArg returns the argument and clears it, for the garbage collector.
func (f *frame[A, R]) takeArg() A {
	var none A
	arg := f.arg
	f.arg = none
	return arg
}

// Join waits for a child of g and returns what its function returned. It panics if c is
// the child of another G, or was joined before.
func (c Forked[A, R]) Join(g *G) R {
	child, f := c.child.of(g), c.frame
	if m := g.m; g.short() && m.p.ring.newest() == child {
		m.p.ring.drop()
		if m.keepsMuch() {
			m.offer()
		}
	} else if taken, short := g.takeChild(child); !short {
		g.joinOwn(child, taken)
		// The child's G is free, but on a list of this P: nobody has taken it yet.
		var none R
		result := f.result
		f.result = none
		return result
	}
	fn, arg := f.fn, f.takeArg()
	f.fn, child.parent = nil, nil // its task and frame stay, for the next fork
	child.forks++
	g.beginCall()
	depth := g.depth
	defer func() {
		if g.depth != depth {
			g.panicked(recover(), g)
		}
	}()
	g.depth = depth + 1
	ret := fn(g, arg)
	g.endCall(depth)
	return ret
}

// JoinContext is Join until ctx is done, as [G.JoinContext] is.
func (c Forked[A, R]) JoinContext(ctx context.Context, g *G) (result R, err error) {
	if err := g.awaitChild(ctx, c.child); err != nil {
		return result, err
	}
	return c.Join(g), nil
}

// forked returns the function that the frame's task runs, and that task.
func (f *frame[A, R]) forked() (fn, task uintptr) {
	return reflect.ValueOf(f.fn).Pointer(), reflect.ValueOf(f.task).Pointer()
}
