package doctor

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"numasched/topology"
	"numasched/topology/cgroup"
)

func (s System) allowedMemory() Check {
	t := s.Topology
	all, ours := t.NodesWith(topology.HasMemory), t.NodesWith(topology.MayAllocate)
	if ours.Equal(all) {
		return Check{Name: "allowed memory", Status: OK, Seen: "all of " + numbers("node", all)}
	}
	return Check{
		Name:   "allowed memory",
		Status: Warn,
		Seen:   fmt.Sprintf("%s alone of %v, by a cpuset", numbers("node", ours), all),
		Mend:   "start it outside the restriction",
	}
}

// memoryLimit finds the tightest limit on memory: of our control group, of a group
// above it, or of the process.
func (s System) memoryLimit() Check {
	c := Check{Name: "memory limit", Status: OK, Seen: "none"}
	least := int64(math.MaxInt64)
	limit := func(text, by, then string) {
		// Version 1 writes "no limit" as a number near 2^63.
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n >= least || n >= 1<<62 {
			return
		}
		least = n
		c.Seen = fmt.Sprintf("%s by %s: %s", size(n), by, then)
	}
	const killed, slowed, refused = "a process that needs more is killed", "a process that needs more is slowed down", "a process that maps more gets an error"
	for _, d := range cgroup.Dirs(s.Root, "memory") {
		if d.V2 {
			limit(s.text(d.Path+"/memory.max"), d.Path+"/memory.max", killed)
			limit(s.text(d.Path+"/memory.high"), d.Path+"/memory.high", slowed)
		} else {
			limit(s.text(d.Path+"/memory.limit_in_bytes"), d.Path+"/memory.limit_in_bytes", killed)
		}
	}
	for _, line := range strings.Split(s.text("proc/self/limits"), "\n") {
		for _, name := range []string{"Max address space", "Max data size"} {
			if rest, ok := strings.CutPrefix(line, name); ok {
				if f := strings.Fields(rest); len(f) > 0 {
					limit(f[0], "ulimit ("+strings.ToLower(name)+")", refused)
				}
			}
		}
	}
	have := s.nodeMemory()
	switch {
	case least == math.MaxInt64:
	case have > 0 && least >= have:
		c.Seen = fmt.Sprintf("%s, which is no less than the %s of the nodes", size(least), size(have))
	default:
		c.Status = Note
		if have > 0 {
			c.Seen += fmt.Sprintf("; the allowed nodes have %s", size(have))
		}
		c.Mend = "start it without a memory limit (docker --memory, Kubernetes limits.memory, systemd MemoryMax, ulimit), or keep workloads well below it"
	}
	return c
}

// nodeMemory is how much the nodes have from which we may allocate.
func (s System) nodeMemory() (sum int64) {
	for id := range s.Topology.NodesWith(topology.MayAllocate).All() {
		sum += s.Topology.Node(id).Memory
	}
	return sum
}

// goMemoryLimit: close to GOMEMLIMIT, Go collects garbage again and again. A limit that
// was meant for the whole machine is of no use where a cpuset leaves a node of it.
func (s System) goMemoryLimit() Check {
	c := Check{Name: "GOMEMLIMIT", Status: OK, Seen: "not set"}
	v := s.Env("GOMEMLIMIT")
	if v == "" || v == "off" {
		return c
	}
	if limit, have := bytesOf(v), s.nodeMemory(); have > 0 && limit > have {
		c.Status = Warn
		c.Seen = fmt.Sprintf("%s: more than the %s of %s, which are all that we may use: memory runs out before Go collects garbage for it",
			v, size(have), numbers("node", s.Topology.NodesWith(topology.MayAllocate)))
		c.Mend = fmt.Sprintf("GOMEMLIMIT=%dMiB", have*9/10>>20)
		return c
	}
	c.Status = Note
	c.Seen = fmt.Sprintf("%s: a run that comes near it spends its time on collecting garbage", v)
	c.Mend = "unset GOMEMLIMIT"
	return c
}

// bytesOf reads what GOMEMLIMIT may be, such as "2GiB". It returns 0 for anything else.
func bytesOf(text string) int64 {
	for i, unit := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.ParseInt(number, 10, 64)
			if shift := 10 * (i + 1); err == nil && n >= 0 && n < 1<<(62-shift) {
				return n << shift
			}
			return 0
		}
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(text, "B"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// A meminfo is a file such as /proc/meminfo or a node's, in bytes.
type meminfo map[string]int64

func (s System) meminfo(name string) meminfo {
	m := meminfo{}
	for _, line := range strings.Split(s.text(name), "\n") {
		key, value, ok := strings.Cut(line, ":")
		f := strings.Fields(value)
		if !ok || len(f) == 0 {
			continue
		}
		if i := strings.LastIndexByte(key, ' '); i >= 0 {
			key = key[i+1:] // "Node 0 MemTotal"
		}
		if kb, err := strconv.ParseInt(f[0], 10, 64); err == nil && kb >= 0 && kb < 1<<52 {
			m[key] = kb << 10
		}
	}
	return m
}

// freeMemory: if a node is full, pages that its threads touch first go to another node
// without a word, and locality is lost. The page cache can be taken back at once, so
// it counts as free.
func (s System) freeMemory() Check {
	c := Check{Name: "free memory", Status: OK}
	var full, known []string
	for id := range s.Topology.NodesWith(topology.MayAllocate).All() {
		file := fmt.Sprintf("sys/devices/system/node/node%d/meminfo", id)
		if s.Topology.OneNodeAssumed {
			file = "proc/meminfo"
		}
		m := s.meminfo(file)
		total, free := m["MemTotal"], m["MemFree"]
		if _, ok := m["MemFree"]; !ok || total == 0 {
			continue
		}
		free = min(total, free+m["Active(file)"]+m["Inactive(file)"]+m["SReclaimable"])
		text := fmt.Sprintf("node %d has %s of %s", id, size(free), size(total))
		known = append(known, text)
		if free < total/10 {
			full = append(full, text)
		}
	}
	switch {
	case len(full) > 0:
		c.Status = Warn
		c.Seen = strings.Join(full, ", ") + ": what does not fit there goes to other nodes"
		c.Mend = "stop what holds the memory (numastat -m says how much of which kind)"
	case len(known) == 0:
		c.Status, c.Seen = Note, "this kernel does not say how much of each node is free"
	case len(known) > 4:
		c.Seen = fmt.Sprintf("at least a tenth of each of %d nodes", len(known))
	default:
		c.Seen = strings.Join(known, ", ")
	}
	return c
}

// memorySizes compares the sum of the nodes with the machine. The kernel counts the
// same pages for both. So if they differ, one of the files is not the kernel's own, as
// in a container under lxcfs, or the nodes are made up.
func (s System) memorySizes() Check {
	c := Check{Name: "memory sizes", Status: OK}
	machine := s.meminfo("proc/meminfo")["MemTotal"]
	var nodes int64
	for _, n := range s.Topology.Nodes {
		nodes += n.Memory
	}
	difference := machine - nodes
	if difference < 0 {
		difference = -difference
	}
	switch {
	case s.Topology.OneNodeAssumed || nodes == 0 || machine == 0:
		c.Seen = "the nodes or /proc/meminfo do not say"
	case difference > machine/20:
		c.Status = Note
		c.Seen = fmt.Sprintf("the nodes have %s, but /proc/meminfo says %s: one of the two is not the machine's own", size(nodes), size(machine))
		c.Mend = "find out which one is right: lxcfs and some sandboxes show a container's limit in /proc/meminfo, and some virtual machines make nodes up"
	default:
		c.Seen = fmt.Sprintf("nodes and /proc/meminfo agree: %s", size(machine))
	}
	return c
}

func (s System) hugePages() Check {
	c := Check{Name: "huge pages", Status: OK}
	_, v, _ := strings.Cut(s.text("sys/kernel/mm/transparent_hugepage/enabled"), "[")
	v, _, _ = strings.Cut(v, "]")
	switch v {
	case "":
		c.Seen = "no transparent ones in this kernel"
	case "always":
		c.Status, c.Seen = Note, "transparent ones always: a first touch homes 2 MB at once"
		c.Mend = "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled"
	default:
		c.Seen = "transparent ones: " + v
	}
	return c
}
