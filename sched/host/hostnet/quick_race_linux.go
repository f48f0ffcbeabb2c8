//go:build race

package hostnet

// quickRW is 0: the race detector has to know of each read and write, because they order what
// comes before the one and after the other.
const quickRW = 0
