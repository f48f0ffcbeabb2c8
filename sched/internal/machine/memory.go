package machine

import "sync/atomic"

// A Memory charges the scheduler for what it does, on a machine where doing
// it takes no time by itself.
type Memory interface {
	// Access charges one access to a word of the given line, and may let
	// other Ms run before it returns.
	Access(m *M, line Line, kind Access)

	// Scan charges the loads of a scan one after another: for each line that s names it
	// does as Access. It returns when s is over. It may call s.Next on the
	// stacks of other Ms.
	Scan(m *M, s Scan)

	// Spin is Scan for a G that computes between its loads: line 0 stands for a Work of ops
	// operations and no memory, which is charged as any other. A machine on which work
	// takes no time calls kernel for it.
	Spin(m *M, ops int64, kernel func(), s Scan)

	// Spend charges scheduler work that touches no shared word.
	Spend(m *M, c Cost)
}

// A Scan is a walk over words that only loads them, until it has found something. It is
// written as steps, because a machine that has to let others run between two loads can then
// go on with it without a switch to the stack of its M.
type Scan interface {
	// Next reads the word that it named last, for the load has happened. It returns the
	// line of the next word, or false if the scan is over. Meanwhile it must not access
	// anything through a Memory, nor change what other Ms see.
	Next() (line Line, more bool)
}

// A Line identifies a cache line that holds words of the scheduler. The zero
// Line is private to its M and never reported.
type Line uint32

// A Word is a 32-bit word that Ms share, as futexes know it: the same word is always the
// same Word.
type Word struct {
	Addr *uint32
	Line Line
}

// Peek returns the word's value without an access: for a machine that decides whether a
// sleeper may sleep.
func (w Word) Peek() uint32 { return atomic.LoadUint32(w.Addr) }

// Access is the way a word is accessed.
type Access uint8

const (
	Load  Access = iota // needs the line shared
	Store               // needs the line exclusive
	RMW                 // atomic read-modify-write: exclusive, and locked
)

// Cost names work of the scheduler that touches no shared word.
type Cost uint8

const (
	CostSpawn    Cost = iota // make a G and fill in what it runs
	CostInline               // run a child inside its parent's join
	CostExecute              // start a fresh G from the scheduling loop
	CostSwitch               // leave one carrier and enter another
	CostSchedule             // one turn of the scheduling loop
	CostNewStack             // make a carrier
	CostObject               // make a small object on Go's heap, and its share of collecting it
	NumCosts
)
