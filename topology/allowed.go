package topology

// What we may use of the machine: the CPUs that cpusets (cgroup v2, v1, and the
// cpuset file system before them) and the affinity mask (taskset, Slurm, a
// container's --cpuset-cpus) leave us, and the nodes we may take memory from.
//
// A cpuset is looked for at every mount point, at the path that our cgroup
// names, and then at each of its parents: a container sees its host's path and
// its own mount, and a controller may be off below some level; what holds for
// the parent holds for the child. The first mount that has one counts.

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
)

// A cpusetMount is a place where cpusets may be found.
type cpusetMount struct {
	dir        string // relative to the root
	as         string // dir as a capture has it
	cpus, mems []string
	v2         bool // whose path our cgroup's line "0::" gives
}

func unifiedMount(dir string) cpusetMount {
	return cpusetMount{dir, dir, []string{"cpuset.cpus.effective"}, []string{"cpuset.mems.effective"}, true}
}

func cgroup1Mount(dir string) cpusetMount {
	return cpusetMount{dir, dir, []string{"cpuset.cpus", "cpuset.effective_cpus"}, []string{"cpuset.mems", "cpuset.effective_mems"}, false}
}

func legacyMount(dir string) cpusetMount {
	return cpusetMount{dir, dir, []string{"cpus"}, []string{"mems"}, false}
}

// usualMounts are where distributions put cpusets.
var usualMounts = []cpusetMount{unifiedMount("sys/fs/cgroup"), cgroup1Mount("sys/fs/cgroup/cpuset"), legacyMount("dev/cpuset")}

// parseMounts returns the cpuset mounts of a /proc/mounts. Those at unusual
// places, which may tell of users and containers, have another name in a capture.
func parseMounts(b []byte) []cpusetMount {
	var mounts []cpusetMount
	for line := range bytes.Lines(b) {
		f := bytes.Fields(line)
		if len(f) < 4 || len(mounts) == 64 {
			continue
		}
		dir := strings.TrimPrefix(path.Clean("/"+unescapeMount(string(f[1]))), "/")
		if dir == "" {
			continue
		}
		options := bytes.Split(f[3], []byte(","))
		has := func(o string) bool {
			return slices.ContainsFunc(options, func(b []byte) bool { return string(b) == o })
		}
		var m cpusetMount
		switch kind := string(f[2]); {
		case kind == "cgroup2":
			m = unifiedMount(dir)
		case kind == "cpuset", kind == "cgroup" && has("cpuset") && has("noprefix"):
			m = legacyMount(dir)
		case kind == "cgroup" && has("cpuset"):
			m = cgroup1Mount(dir)
		default:
			continue
		}
		if !slices.ContainsFunc(usualMounts, func(u cpusetMount) bool { return u.dir == dir }) {
			m.as = fmt.Sprintf("cpusets%d", len(mounts))
		}
		mounts = append(mounts, m)
	}
	return mounts
}

// unescapeMount undoes the octal escapes of white space in /proc/mounts.
func unescapeMount(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// parseCgroup returns the path of the cpuset hierarchy and that of the unified
// one in a /proc/self/cgroup; "" where it has no such line.
func parseCgroup(b []byte) (cpuset, unified string) {
	for line := range bytes.Lines(b) {
		id, rest, _ := strings.Cut(string(trim(line)), ":")
		controllers, p, ok := strings.Cut(rest, ":")
		if !ok || !strings.HasPrefix(p, "/") {
			continue
		}
		switch {
		case id == "0" && controllers == "":
			unified = path.Clean(p)
		case slices.Contains(strings.Split(controllers, ","), "cpuset"):
			cpuset = path.Clean(p)
		}
	}
	return cpuset, unified
}

// parseStatus returns the sets of a /proc/self/status, and whether each was
// there and well formed. Before Linux 2.6.26 they are masks alone.
func parseStatus(b []byte) (cpus CPUSet, haveCPUs bool, mems CPUSet, haveMems bool) {
	for line := range bytes.Lines(b) {
		key, value, _ := bytes.Cut(line, []byte(":"))
		switch string(key) {
		case "Cpus_allowed":
			haveCPUs = parseMask(&cpus, value) == nil
		case "Cpus_allowed_list": // comes after the mask
			haveCPUs = parseList(&cpus, value, maxCPUs) == nil
		case "Mems_allowed_list":
			haveMems = parseList(&mems, value, maxNodes) == nil
		}
	}
	return cpus, haveCPUs, mems, haveMems
}

func readAllowed(s *source, t *Topology, affinity CPUSet) {
	cpus := t.Online
	nodes := t.NodesWith(0)
	narrow := func(set *CPUSet, by CPUSet, what, from string) {
		if left := set.And(by); left.Empty() {
			s.note(Contradicted, from, "allows %s %v, and none of those is there: ignored", what, by)
		} else {
			*set = left
		}
	}
	for _, m := range s.cpusetMounts() {
		c, from, ok := s.climb(m, m.cpus, maxCPUs)
		n, nfrom, nok := s.climb(m, m.mems, maxNodes)
		if ok {
			narrow(&cpus, c, "CPUs", from)
		}
		if nok {
			narrow(&nodes, n, "nodes", nfrom)
		}
		if ok || nok {
			break
		}
	}
	status := "proc/thread-self/status"
	b, ok := s.read(status, smallFile)
	if !ok {
		status = "proc/self/status"
		b, ok = s.read(status, smallFile)
	}
	if ok {
		c, haveCPUs, n, haveNodes := parseStatus(b)
		if haveCPUs && affinity.Empty() {
			narrow(&cpus, c, "CPUs", status)
		}
		if haveNodes {
			// The kernel lists the nodes that have memory, and no others.
			memoryless := nodes.AndNot(t.NodesWith(HasMemory))
			narrow(&nodes, n, "nodes", status)
			nodes = nodes.Or(memoryless)
		}
	}
	if !affinity.Empty() {
		narrow(&cpus, affinity, "CPUs", "sched_getaffinity")
	}
	t.Allowed = cpus
	t.AllowedNodes = nodes
}

type cpusetPlace struct {
	cpusetMount
	path string // of our cgroup
}

// cpusetMounts returns the usual mount points and those of /proc/mounts, each
// with the path of our cgroup below it.
func (s *source) cpusetMounts() []cpusetPlace {
	mounts := slices.Clone(usualMounts)
	for _, name := range []string{"proc/self/mounts", "proc/mounts"} {
		if b, ok := s.read(name, bigFile); ok {
			for _, m := range parseMounts(b) {
				if !slices.ContainsFunc(mounts, func(k cpusetMount) bool { return k.dir == m.dir && k.v2 == m.v2 }) {
					mounts = append(mounts, m)
				}
			}
			break
		}
	}
	var cpuset, unified string
	if b, ok := s.read("proc/self/cgroup", smallFile); ok {
		cpuset, unified = parseCgroup(b)
	}
	if cpuset == "" {
		if b, ok := s.read("proc/self/cpuset", smallFile); ok && len(b) > 0 && b[0] == '/' {
			cpuset = path.Clean(string(trim(b)))
		}
	}
	if unified == "" {
		unified = cpuset
	}
	places := make([]cpusetPlace, len(mounts))
	for i, m := range mounts {
		places[i] = cpusetPlace{m, cpuset}
		if m.v2 {
			places[i].path = unified
		}
	}
	return places
}

// climb returns the first set that is not empty in one of the files, from our
// cgroup's directory on up to the mount point.
func (s *source) climb(m cpusetPlace, files []string, limit int) (set CPUSet, from string, ok bool) {
	below := m.path
	for depth := 0; depth < 64; depth++ {
		for _, f := range files {
			name := path.Join(m.dir, below, f)
			if set, ok := s.listAs(name, path.Join(m.as, anonymous(below), f), limit); ok && !set.Empty() {
				return set, name, true
			}
		}
		if below == "/" || below == "" || below == "." {
			break
		}
		below = path.Dir(below)
	}
	return CPUSet{}, "", false
}
