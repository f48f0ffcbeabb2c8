package numa

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// A Mapping is one line of /proc/PID/numa_maps: a range of memory, its policy
// and where its pages lie. (fs/proc/task_mmu.c, show_numa_map.)
type Mapping struct {
	Start     uint64
	Policy    string         // such as "default" or "bind:0-1": see [Policy.String]
	File      string         // "" if none; the kernel's escapes (\040 for a space) are kept
	Heap      bool           // the brk heap
	Stack     bool           // the main thread's stack
	Huge      bool           // hugetlb pages
	Pages     map[int]uint64 // by node: resident pages, of PageBytes each
	PageBytes int64
	Counts    map[string]uint64 // the other counts: anon, dirty, mapped, mapmax, swapcache, active, writeback
}

// ReadMaps returns the mappings of a process; pid 0 is this one. The kernel walks
// every page table of the process, which takes at least 1 ms for each 100,000 pages.
// For a process of another user, the caller needs CAP_SYS_PTRACE.
func ReadMaps(pid int) ([]Mapping, error) {
	name := "/proc/self/numa_maps"
	if pid != 0 {
		name = fmt.Sprintf("/proc/%d/numa_maps", pid)
	}
	if runtime.GOOS != "linux" {
		return nil, ErrUnsupported
	}
	f, err := os.Open(name)
	if err != nil {
		if _, err := os.Stat(name[:strings.LastIndex(name, "/")]); err == nil && os.IsNotExist(err) {
			return nil, fmt.Errorf("numa: %s: this kernel is built without NUMA: %w", name, ErrUnsupported)
		}
		return nil, fmt.Errorf("numa: %w", err)
	}
	defer f.Close()
	return ParseMaps(f, name)
}

// ParseMaps reads the format of /proc/PID/numa_maps. Errors name the file and the
// line. ParseMaps leaves out words that it does not know.
func ParseMaps(r io.Reader, name string) ([]Mapping, error) {
	var maps []Mapping
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20) // enough for a path and a count for each of 1024 nodes
	for n := 1; lines.Scan(); n++ {
		m, err := parseMapping(lines.Text())
		if err != nil {
			return maps, fmt.Errorf("numa: %s:%d: %w", name, n, err)
		}
		maps = append(maps, m)
	}
	if err := lines.Err(); err != nil {
		return maps, fmt.Errorf("numa: %s: %w", name, err)
	}
	return maps, nil
}

func parseMapping(line string) (Mapping, error) {
	m := Mapping{Pages: map[int]uint64{}, Counts: map[string]uint64{}}
	addr, rest, ok := strings.Cut(line, " ")
	start, err := strconv.ParseUint(addr, 16, 64)
	if !ok || err != nil {
		return m, fmt.Errorf("%.40q: want a hexadecimal address and a policy", line)
	}
	m.Start = start
	// Two of the kernel's policy names hold a space.
	for _, two := range []string{"prefer (many)", "weighted interleave"} {
		if strings.HasPrefix(rest, two) {
			m.Policy, rest = two, rest[len(two):]
		}
	}
	word, rest, _ := strings.Cut(rest, " ")
	m.Policy += word
	for _, w := range strings.Fields(rest) {
		key, value, has := strings.Cut(w, "=")
		switch {
		case key == "file" && has:
			m.File = value
		case w == "heap":
			m.Heap = true
		case w == "stack":
			m.Stack = true
		case w == "huge":
			m.Huge = true
		case has:
			v, err := strconv.ParseUint(value, 10, 64)
			if err != nil {
				return m, fmt.Errorf("%.40q: want a number after %q", w, key)
			}
			if key == "kernelpagesize_kB" {
				m.PageBytes = int64(v) << 10
			} else if node, err := strconv.Atoi(strings.TrimPrefix(key, "N")); err == nil && key[0] == 'N' {
				m.Pages[node] = v
			} else {
				m.Counts[key] = v
			}
		}
	}
	return m, nil
}
