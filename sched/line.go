package sched

// Cache lines. A shared word is charged, on a simulated machine, for the line that its
// field line names. On a real machine it lies where its struct has it. The two must
// agree: words of different lines lie on different ones, words of the same line lie on
// the same one, and what is often read lies apart from what others often write. A test
// compares the addresses of the words of Sched, Nodes, Ps and Ms with their lines.
//
// Gs and what Gs share are many, and padding would cost memory. There one line stands
// for an object, which may lie on two: for a G the second of its lines, for a channel its
// lock.

// lineSize is the size of a cache line in bytes on every CPU that this module was tried
// on. Some have 128 (Apple's, POWER's), and Intel's fetch lines in pairs.
const lineSize = 64

// A linePad keeps apart what lies before and after it.
type linePad [lineSize]byte

// In a struct that begins with toLine, what follows begins a line. Go's allocator puts
// a header of 8 bytes before an object that holds pointers and has more than 512 bytes,
// since Go 1.22 (runtime.mallocHeaderSize).
type toLine [lineSize - 8]byte
