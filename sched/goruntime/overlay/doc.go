// Package overlay makes Go's own runtime NUMA-aware, without a fork of Go. It reads the
// runtime's sources in a GOROOT, makes about seventy small edits, adds the files in
// _runtime and those of [numasched/sched/policy], and writes what "go build -overlay" wants.
//
// # What must hold
//
//   - Nothing is edited that nobody has read. Every declaration that an edit touches, and
//     every one that our files rely on, has a reviewed hash in reviewed.json. If one of
//     them differs, [Make] returns an [UnsupportedError] with their names and writes nothing.
//   - No line of Go's source is stored here. An edit names a declaration and, within it, a
//     field, or the nth call of a function.
//   - No edit adds or removes a newline, so line numbers in stack traces stay right.
//   - The decisions come from package policy. Its files are copied with another package
//     clause, and nothing else changes.
//   - On systems where the scheduler reads no nodes, the same edits compile to what stock does.
//   - The heap is Go's own unless GONUMA says "heap". Then pages, spans and stacks belong to
//     nodes: see _runtime/numa_heap.go and _runtime/numa_stacks.go.
//
// # Reading order
//
// edits.go is the table of edits; source.go finds declarations and hashes them; splice.go
// applies edits; make.go puts the overlay together. Then _runtime/numa.go, which says how
// the scheduler works, and _runtime/numa_heap.go, which says how the heap does.
package overlay
