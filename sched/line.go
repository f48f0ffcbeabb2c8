package sched

import "unsafe"

// Cache lines. A shared word is charged, on a simulated machine, for the line that its
// field line names. On a real machine it lies where its struct has it. The two must
// agree: words of different lines lie on different ones, words of the same line lie on
// the same one, and what is often read lies apart from what others often write. A test
// compares the addresses of the words of Sched, Nodes, Ps and Ms with their lines.
//
// Gs and what Gs share are many, and padding would cost memory. There one line stands
// for an object, which may lie on two: for a G the second of its lines, for a channel its
// lock. But what this package allocates for Gs begins a line and fills its last, so that
// no two such objects share one. Where they did, 4 pairs of Gs that played ping-pong took 1.4
// times as long on 16 CPUs. There are two exceptions: values of more than 64 bytes that
// wait to be received, and large buffers. A Mutex or a Group lies where its user puts it.

// lineSize is the size of a cache line in bytes on every CPU that this module was tried
// on. Some have 128 (Apple's, POWER's), and Intel's fetch lines in pairs.
const lineSize = 64

// A linePad keeps apart what lies before and after it.
type linePad [lineSize]byte

// newApart returns a new T that shares no line with other objects, if it has at most 64 bytes.
// Go's allocator puts small objects side by side, and an object of 64 bytes at the beginning
// of a line.
func newApart[T any]() *T {
	switch size := unsafe.Sizeof(*new(T)); {
	case size == 0 || size > lineSize-16:
		return new(T)
	case size > lineSize-32:
		return &new(struct {
			v T
			_ [16]byte
		}).v
	case size > lineSize-48:
		return &new(struct {
			v T
			_ [32]byte
		}).v
	}
	return &new(struct {
		v T
		_ [48]byte
	}).v
}

// In a struct that begins with toLine, what follows begins a line. Go's allocator puts
// a header of 8 bytes before an object that holds pointers and has more than 512 bytes,
// since Go 1.22 (runtime.mallocHeaderSize).
type toLine [lineSize - 8]byte
