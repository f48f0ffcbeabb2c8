package topology

// Parsers of the kernel's text files. Each takes the bytes of a file and ignores
// white space and NULs around them. It accepts nothing else that the kernel does not
// write, and allocates no more than its result needs. Its error quotes the text and
// says what was expected.

import (
	"bytes"
	"fmt"
	"strconv"
)

// Larger numbers are refused, because a corrupt list must not cost a gigabyte.
// Linux's own limits are 8192 CPUs (NR_CPUS) and 1024 nodes (NODES_SHIFT 10).
const (
	maxCPUs  = 1 << 14
	maxNodes = 1 << 10
)

// ParseCPUList reads the kernel's list format, such as "0-3,8": the files
// named *_list, online, cpuset.cpus. Numbers are below 16384.
func ParseCPUList(s string) (CPUSet, error) {
	var set CPUSet
	err := parseList(&set, []byte(s), maxCPUs)
	return set, err
}

// ParseCPUMask reads the kernel's mask format, such as "0000ff00,00000003": the
// files named *_map, *_siblings, *_cpus. A comma stands every 32 bits.
func ParseCPUMask(s string) (CPUSet, error) {
	var set CPUSet
	err := parseMask(&set, []byte(s))
	return set, err
}

// trim cuts the white space and NULs that kernels put around a value.
func trim(b []byte) []byte { return bytes.Trim(b, " \t\r\n\x00") }

// excerpt quotes the start of a text for an error message.
func excerpt(b []byte) string {
	if len(b) > 40 {
		return strconv.Quote(string(b[:40])) + "..."
	}
	return strconv.Quote(string(b))
}

// number reads decimal digits at the start of b. It returns -1 if there are
// none or if the value reaches limit.
func number(b []byte, limit int) (v int, rest []byte) {
	i := 0
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		if next := int64(v)*10 + int64(b[i]-'0'); next < int64(limit) {
			v = int(next)
		} else {
			return -1, b
		}
		i++
	}
	if i == 0 {
		return -1, b
	}
	return v, b[i:]
}

// reset empties the set and keeps its memory.
func (s *CPUSet) reset() {
	clear(s.words)
	s.words = s.words[:0]
}

// parseList puts the numbers of a list into set, which it empties first.
func parseList(set *CPUSet, b []byte, limit int) error {
	set.reset()
	b = trim(b)
	for rest := b; len(rest) > 0; {
		lo, next := number(rest, limit)
		hi := lo
		if lo >= 0 && len(next) > 0 && next[0] == '-' {
			hi, next = number(next[1:], limit)
		}
		if lo < 0 || hi < lo || len(next) > 0 && (next[0] != ',' || len(next) == 1) {
			return fmt.Errorf("%s: want a list such as 0-3,8 of numbers below %d", excerpt(b), limit)
		}
		for c := lo; c <= hi; c++ {
			set.add(c)
		}
		if len(next) > 0 {
			next = next[1:]
		}
		rest = next
	}
	return nil
}

// parseMask puts the bits of a mask into set, which it empties first.
func parseMask(set *CPUSet, b []byte) error {
	set.reset()
	b = trim(b)
	bad := func() error {
		set.reset()
		return fmt.Errorf("%s: want a mask such as 00000003 or 1,00000000 of at most %d bits", excerpt(b), maxCPUs)
	}
	if len(b) == 0 {
		return bad()
	}
	bit, digits := 0, 0 // where the word of 32 bits begins, and the digits read of it
	for i := len(b) - 1; i >= 0; i-- {
		c := b[i]
		if c == ',' {
			if digits == 0 || i == 0 {
				return bad()
			}
			bit += 32
			digits = 0
			continue
		}
		v := hexValue(c)
		if v < 0 || digits == 8 {
			return bad()
		}
		if v != 0 {
			at := bit + 4*digits
			if at >= maxCPUs {
				return bad()
			}
			for len(set.words) <= at/64 {
				set.words = append(set.words, 0)
			}
			set.words[at/64] |= uint64(v) << (at % 64)
		}
		digits++
	}
	return nil
}

func hexValue(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// parseInt reads one whole number with an optional sign, as in core_id.
func parseInt(b []byte) (int, error) {
	b = trim(b)
	v, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil || v != int64(int(v)) {
		return 0, fmt.Errorf("%s: want a whole number", excerpt(b))
	}
	return int(v), nil
}

// parseDistances reads the row of a node's distance file, such as "10 21". No
// node has more neighbours than maxNodes.
func parseDistances(b []byte) ([]int, error) {
	var row []int
	b = trim(b)
	for _, f := range bytes.Fields(b) {
		v, rest := number(f, 1<<16)
		if v < 0 || len(rest) > 0 || len(row) == maxNodes {
			return nil, fmt.Errorf("%s: want distances such as 10 21, at most %d of them", excerpt(b), maxNodes)
		}
		row = append(row, v)
	}
	return row, nil
}

// parseMemTotal returns the bytes in the line MemTotal of a meminfo file, the
// machine's ("MemTotal: 8 kB") or a node's ("Node 0 MemTotal: 8 kB").
func parseMemTotal(b []byte) (int64, error) {
	for line := range bytes.Lines(b) {
		_, value, ok := bytes.Cut(line, []byte("MemTotal:"))
		if !ok {
			continue
		}
		f := bytes.Fields(trim(value))
		if len(f) == 2 && string(f[1]) == "kB" {
			if v, err := strconv.ParseInt(string(f[0]), 10, 64); err == nil && v >= 0 && v < 1<<52 {
				return v << 10, nil
			}
		}
		return 0, fmt.Errorf("%s: want MemTotal: N kB", excerpt(trim(line)))
	}
	return 0, fmt.Errorf("%s: want a line MemTotal: N kB", excerpt(trim(b)))
}

// parseSize reads a cache's size, such as "32K", in bytes.
func parseSize(b []byte) (int64, error) {
	b = trim(b)
	digits, shift := b, 10 // the kernel writes K; a number without a unit means K as well
	if n := len(b); n > 0 {
		switch b[n-1] {
		case 'K':
			digits = b[:n-1]
		case 'M':
			digits, shift = b[:n-1], 20
		case 'G':
			digits, shift = b[:n-1], 30
		}
	}
	v, rest := number(digits, 1<<30)
	if v < 0 || len(rest) > 0 {
		return 0, fmt.Errorf("%s: want a size such as 32K", excerpt(b))
	}
	return int64(v) << shift, nil
}

// parseProcessors puts the CPU numbers that cpuinfo ("processor : 3") names
// into set. Alpha's and s390's files have no such lines: the set is empty.
func parseProcessors(set *CPUSet, b []byte) {
	set.reset()
	for line := range bytes.Lines(b) {
		key, value, ok := bytes.Cut(line, []byte(":"))
		if ok && string(trim(key)) == "processor" {
			if c, rest := number(trim(value), maxCPUs); c >= 0 && len(rest) == 0 {
				set.add(c)
			}
		}
	}
}

// parseStatCPUs puts the CPU numbers that /proc/stat ("cpu3 ...") names into
// set: those that are online.
func parseStatCPUs(set *CPUSet, b []byte) {
	set.reset()
	for line := range bytes.Lines(b) {
		if !bytes.HasPrefix(line, []byte("cpu")) {
			continue
		}
		if c, rest := number(line[3:], maxCPUs); c >= 0 && len(rest) > 0 && rest[0] == ' ' {
			set.add(c)
		}
	}
}
