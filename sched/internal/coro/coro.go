// Package coro makes stacks and switches between them directly.
//
// A coroutine of package iter is a place where one goroutine waits. A call of next or of
// yield changes places with that goroutine. The two calls must alternate. iter.Pull
// intends each for one goroutine, but any goroutine may make either. This package calls
// such a place a cell. It goes from any stack to any other by one change of places. Used
// as intended, next and yield would take two: back to the goroutine that entered, and from
// there into the other stack.
//
// A stack that has been left waits in the cell of the stack that was entered. So cells
// wander from stack to stack. That makes it hard to end a stack: when its goroutine
// returns, it changes places with whoever waits in the cell that the stack was born with.
// End first makes sure that its caller waits there.
//
// Invariants:
//   - Every cell has one goroutine that waits there, except while somebody changes
//     places with it.
//   - cell.waiter is the stack that waits there, while cell.there is set. It is not set
//     while somebody is about to change places with it. Whoever has been switched to notes
//     the stack that was left (arrive), so that nobody enters a stack which has not been left
//     yet.
//   - Whoever enters a stack first clears cell.there (claim). So does End when it has a stack
//     change cells; those who want to enter it wait for that. Only those wait who have
//     taken no other stack, so that nobody waits in a circle.
//   - cell.waiter belongs to whoever has cleared cell.there. To set and to clear a word takes
//     half as long as to exchange pointers, of which the garbage collector wants to know.
package coro

import (
	"iter"
	"runtime"
	"sync/atomic"
)

// A cell is where one goroutine waits.
type cell struct {
	next    func() (struct{}, bool)
	yield   func(struct{}) bool
	entered bool // next was called last, not yield
	there   atomic.Uint32
	waiter  *Stack

	_ [32]byte // a cell is a cache line: two that share one would be in each other's way
}

// take clears k.there and returns the stack that waits in k, or nil if somebody is about to
// change places with it.
func (k *cell) take() *Stack {
	if !k.there.CompareAndSwap(1, 0) {
		return nil
	}
	return k.waiter
}

// put undoes take.
func (k *cell) put() { k.there.Store(1) }

// changePlaces has the calling goroutine wait in k, and the one that waited there go on.
func (k *cell) changePlaces() {
	if !k.entered {
		k.entered = true
		k.next()
	} else {
		k.entered = false
		k.yield(struct{}{})
	}
}

// A Stack is a goroutine that runs only when it is switched to.
type Stack struct {
	cell atomic.Pointer[cell] // where it waits, or waited last
	born *cell                // nil for a goroutine that was not made here

	// Told by whoever switches to the stack.
	from    *Stack // that was left
	via     *cell  // where from waits
	order   order
	relay   *cell  // of orderRelay: change places there
	relayTo *Stack // who waits there
}

// An order is what a stack is to do when it is switched to.
type order uint8

const (
	orderNone   order = iota
	orderCancel       // have Switch return false
	orderRelay        // go on to another cell
)

// New makes a stack on which run will run. When it is switched to for the first time run
// is called, with canceled if Cancel has done so. After run has returned the stack cannot
// be used any more; it must return only when End has told it to.
//
// The calling goroutine must not be locked to its thread.
func New(run func(canceled bool)) *Stack {
	s, k := new(Stack), new(cell)
	k.next, _ = iter.Pull(func(yield func(struct{}) bool) {
		k.yield = yield
		run(!s.arrive())
	})
	s.born = k
	s.cell.Store(k)
	k.waiter = s
	k.put()
	return s
}

// Current returns a Stack for the calling goroutine, which was not made here. It runs.
func Current() *Stack { return new(Stack) }

// claim takes s out of the cell where it waits, so that only the caller changes places
// with it, and returns the cell.
func (s *Stack) claim() *cell {
	for {
		if k := s.tryClaim(); k != nil {
			return k
		}
		runtime.Gosched() // End has it change cells
	}
}

// tryClaim is claim, but returns nil if somebody else is about to change places with s.
func (s *Stack) tryClaim() *cell {
	k := s.cell.Load()
	if k == nil {
		return nil
	}
	switch k.take() {
	case s:
		return k
	case nil:
	default: // s has changed cells meanwhile
		k.put()
	}
	return nil
}

// Switch leaves s, which is the calling goroutine's, for to, and returns when somebody
// switches to s. It returns false if that was Cancel. Only one goroutine may switch to a
// stack; the caller answers for that.
//
// What a stack keeps while it waits is memory that is cold when it goes on. So Switch calls nothing
// between itself and package iter: it has enter, and changePlaces, in its own text. The three are
// to stay equal. And arrive calls nothing that needs more of the stack than they do.
func (s *Stack) Switch(to *Stack) bool {
	k := to.claim()
	to.from, to.via = s, k
	if !k.entered {
		k.entered = true
		k.next()
	} else {
		k.entered = false
		k.yield(struct{}{})
	}
	return s.arrive()
}

// enter changes places with to, which waits in k.
func (s *Stack) enter(to *Stack, k *cell) {
	to.from, to.via = s, k
	k.changePlaces()
}

// arrive is what a stack does when it has been switched to: it notes where the stack waits that was
// left, and does what it is told to.
func (s *Stack) arrive() bool {
	for {
		if left, k := s.from, s.via; left != nil {
			s.from, s.via = nil, nil
			if left.cell.Load() != k { // two stacks in turn stay where they are
				left.cell.Store(k)
			}
			k.waiter = left
			k.put()
		}
		switch s.order {
		case orderNone:
			return true
		case orderCancel:
			s.order = orderNone
			return false
		case orderRelay:
			k, to := s.relay, s.relayTo
			s.order, s.relay, s.relayTo = orderNone, nil, nil
			s.enter(to, k)
		}
	}
}

// Cancel switches from s to x and has x's Switch return false. It returns when somebody
// switches to s.
func (s *Stack) Cancel(x *Stack) {
	x.order = orderCancel
	s.Switch(x)
}

// End ends x, whose run returns when it is cancelled. It reports whether it has: not if
// somebody else is about to change places with x, or with the stack that waits in x's
// first cell. Try again then.
func (s *Stack) End(x *Stack) bool {
	switch y := x.born.take(); y {
	case nil:
		return false
	case x:
		x.born.put()
	default:
		// s goes to x in k, x to y in x's first cell, y to s in k. x has no from, so
		// that nobody takes s for one that waits in k.
		//
		// An End of y may do the same with y and x if each waits in the first cell of the
		// other. If both waited for what the other has, they would do so for ever.
		k := x.tryClaim()
		if k == nil {
			x.born.put()
			return false
		}
		x.order, x.relay, x.relayTo = orderRelay, x.born, y
		y.order, y.relay, y.relayTo = orderRelay, k, s
		k.changePlaces()
		s.arrive()
	}
	x.order = orderCancel
	x.claim().changePlaces() // in x.born, where s now waits for x's goroutine to end
	return true
}
