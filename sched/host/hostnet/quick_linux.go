//go:build !race

package hostnet

// quickRW is how many bytes a system call moves in so short a time that Go's scheduler need
// not know of it.
const quickRW = 64 << 10
