//go:build linux && (amd64 || arm64)

package runtime

import (
	"internal/runtime/syscall/linux"
	"unsafe"
)

// Reads the machine's nodes from /sys, before there is a heap to speak of.

var numaBuf [16 << 10]byte

// numaRead reads a whole file, whose name ends with a zero byte. It returns nothing if it
// cannot.
func numaRead(name []byte) []byte {
	fd := open(&name[0], 0, 0)
	if fd < 0 {
		return nil
	}
	n := int32(0)
	for n < int32(len(numaBuf)) {
		k := read(fd, noescape(unsafe.Pointer(&numaBuf[n])), int32(len(numaBuf))-n)
		if k <= 0 {
			break
		}
		n += k
	}
	closefd(fd)
	return numaBuf[:n]
}

// numaDigits reads a number at b[i:] and returns what follows it. A negative number is none.
func numaDigits(b []byte, i int) (n int32, next int) {
	n = -1
	for i < len(b) && b[i] >= '0' && b[i] <= '9' && n < 1<<24 {
		n = max(n, 0)*10 + int32(b[i]-'0')
		i++
	}
	return n, i
}

// A numaList is a list of numbers as in "0-3,8".
type numaList struct {
	b        []byte
	i        int
	at, last int32
}

func numaNewList(b []byte) numaList { return numaList{b: b, at: 0, last: -1} }

func (l *numaList) next() (n int32, ok bool) {
	if l.at > l.last {
		if l.i < len(l.b) && l.b[l.i] == ',' {
			l.i++
		}
		l.at, l.i = numaDigits(l.b, l.i)
		if l.at < 0 {
			return 0, false
		}
		l.last = l.at
		if l.i < len(l.b) && l.b[l.i] == '-' {
			l.last, l.i = numaDigits(l.b, l.i+1)
		}
	}
	l.at++
	return l.at - 1, l.at-1 <= l.last
}

// numaNodeFile is the name of a file of a node, with a zero byte at its end.
func numaNodeFile(buf *[96]byte, node int32, leaf string) []byte {
	const dir = "/sys/devices/system/node/node"
	n := copy(buf[:], dir)
	var digits [10]byte
	k := len(digits)
	for {
		k--
		digits[k] = byte('0' + node%10)
		if node /= 10; node == 0 {
			break
		}
	}
	n += copy(buf[n:], digits[k:])
	n += copy(buf[n:], leaf)
	buf[n] = 0
	return buf[:n+1]
}

// numaCPUs reads which CPUs we may use.
func numaCPUs() bool {
	r := sched_getaffinity(0, unsafe.Sizeof(numa.all), &numa.all[0])
	numa.masklen = uintptr(max(r, 0))
	return r > 0
}

// numaNarrowed reports whether somebody took CPUs away from us: by taskset, numactl, a
// cpuset.
func numaNarrowed() bool {
	l := numaNewList(numaRead([]byte("/sys/devices/system/cpu/online\x00")))
	for {
		c, ok := l.next()
		if !ok {
			return false
		}
		if c < numaMaxCPUs && !numa.all.has(c) {
			return true
		}
	}
}

// numaPolicySet reports whether somebody gave us a memory policy.
func numaPolicySet() bool {
	mode := int32(0)
	_, _, e := linux.Syscall6(numaSysGetMempolicy, uintptr(unsafe.Pointer(&mode)), 0, 0, 0, 0, 0)
	return e == 0 && mode != 0
}

// numaRealNodes reads the nodes that have CPUs which this process may use.
func numaRealNodes() {
	var buf [96]byte
	var pos [numaMaxNodes]int32 // node -> column of the matrix of distances
	// The list is in the buffer that the other files use, so it is copied.
	var online [numaMaxNodes]int32
	columns := int32(0)
	for l := numaNewList(numaRead([]byte("/sys/devices/system/node/online\x00"))); ; {
		i, ok := l.next()
		if !ok || columns == numaMaxNodes {
			break
		}
		online[columns] = i
		columns++
	}
	for i := int32(0); i < columns; i++ {
		nd := &numa.nodes[numa.n]
		nd.ncpu = 0
		for l := numaNewList(numaRead(numaNodeFile(&buf, online[i], "/cpulist"))); ; {
			c, ok := l.next()
			if !ok {
				break
			}
			if c < numaMaxCPUs && numa.all.has(c) {
				nd.mask.add(c)
				nd.ncpu++
			}
		}
		if nd.ncpu > 0 { // else it has memory only, or is masked out
			nd.os, pos[numa.n] = online[i], i
			numa.n++
		}
	}
	for i := int32(0); i < numa.n; i++ {
		nd := &numa.nodes[i]
		b := numaRead(numaNodeFile(&buf, nd.os, "/distance"))
		var row [numaMaxNodes]int32
		for k, at := int32(0), 0; k < columns && at < len(b); k++ {
			row[k], at = numaDigits(b, at)
			at++ // the blank
		}
		for j := int32(0); j < numa.n; j++ {
			nd.dist[j] = row[pos[j]]
		}
		b = numaRead(numaNodeFile(&buf, nd.os, "/meminfo"))
		nd.memory, nd.free = numaKB(b, "MemTotal:"), numaKB(b, "MemFree:")
	}
}

// numaKB returns the bytes that a line of meminfo tells in kB.
func numaKB(b []byte, name string) uint64 {
	for i := 0; i+len(name) <= len(b); i++ {
		if string(b[i:i+len(name)]) != name {
			continue
		}
		for i += len(name); i < len(b) && b[i] == ' '; i++ {
		}
		n := uint64(0)
		for ; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
			n = n*10 + uint64(b[i]-'0')
		}
		return n << 10
	}
	return 0
}

// numaPretendNodes deals our CPUs to n nodes. With fewer CPUs than nodes each has one in
// the books, and nothing is bound.
func numaPretendNodes(n int32) {
	numa.n = n
	ncpu := numa.all.count()
	at := int32(0)
	for c := int32(0); c < numaMaxCPUs; c++ {
		if numa.all.has(c) {
			nd := &numa.nodes[at*n/ncpu]
			nd.mask.add(c)
			nd.ncpu++
			at++
		}
	}
	for i := int32(0); i < n; i++ {
		nd := &numa.nodes[i]
		nd.os = i
		if ncpu < n {
			nd.ncpu, numa.bind = 1, false
		}
		for j := int32(0); j < n; j++ {
			nd.dist[j] = 20
		}
	}
}

// numaOrder sorts the other nodes of each by distance. Equal ones are rotated, so that
// the nodes do not all spill over to the same one.
func numaOrder() {
	for i := int32(0); i < numa.n; i++ {
		nd := &numa.nodes[i]
		for k := int32(0); k < numa.n-1; k++ {
			j := (i + 1 + k) % numa.n
			at := k
			for at > 0 && nd.dist[nd.order[at-1]] > nd.dist[j] {
				nd.order[at] = nd.order[at-1]
				at--
			}
			nd.order[at] = uint8(j)
		}
	}
}

// numaStartNode is the node of the CPU that we run on: the kernel has just chosen the
// idlest one for this program.
func numaStartNode() int32 {
	cpu := uint32(0)
	if _, _, e := linux.Syscall6(numaSysGetcpu, uintptr(unsafe.Pointer(&cpu)), 0, 0, 0, 0, 0); e == 0 && cpu < numaMaxCPUs {
		for i := int32(0); i < numa.n; i++ {
			if numa.nodes[i].mask.has(int32(cpu)) {
				return i
			}
		}
	}
	return 0
}
