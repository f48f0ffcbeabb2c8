package topology

// The part of the machine that this process may use: the CPUs and the nodes whose
// memory it may take. Cpusets limit both (cgroup v2, cgroup v1, and the cpuset file
// system before them), and the affinity mask limits the CPUs (taskset, Slurm, a
// container's --cpuset-cpus).
//
// A cpuset is looked for at every mount point: first at the path of our cgroup, then
// at each of its parents. That is because a container sees its host's path and its
// own mount, and because a controller may be off below some level. A limit of the
// parent holds for the child. The first mount that has a cpuset counts.

import (
	"bytes"
	"fmt"
	"path"
	"slices"

	"numasched/topology/cgroup"
)

// A cpusetMount is a place where cpusets may be found.
type cpusetMount struct {
	cgroup.Mount
	as string // what a capture calls Dir
}

// files returns the names of the files that hold a cpuset's CPUs and nodes. The
// effective sets come first: they are what tasks get. The others are what somebody
// has asked for.
func (m cpusetMount) files() (cpus, mems []string) {
	switch {
	case m.V2:
		return []string{"cpuset.cpus.effective"}, []string{"cpuset.mems.effective"}
	case m.NoPrefix:
		return []string{"effective_cpus", "cpus"}, []string{"effective_mems", "mems"}
	}
	return []string{"cpuset.effective_cpus", "cpuset.cpus"}, []string{"cpuset.effective_mems", "cpuset.mems"}
}

// usualMounts are where distributions put cpusets.
var usualMounts = []cpusetMount{
	{cgroup.Mount{Dir: "sys/fs/cgroup", V2: true}, "sys/fs/cgroup"},
	{cgroup.Mount{Dir: "sys/fs/cgroup/cpuset", Controllers: []string{"cpuset"}}, "sys/fs/cgroup/cpuset"},
	{cgroup.Mount{Dir: "dev/cpuset", Controllers: []string{"cpuset"}, NoPrefix: true}, "dev/cpuset"},
}

// cpusetMountsIn returns the cpuset mounts that a /proc/mounts lists. An unusual
// place may name a user or a container, so it has another name in a capture.
func cpusetMountsIn(b []byte) []cpusetMount {
	var mounts []cpusetMount
	for _, m := range cgroup.ParseMounts(b) {
		if !m.Has("cpuset") {
			continue
		}
		as := m.Dir
		if !slices.ContainsFunc(usualMounts, func(u cpusetMount) bool { return u.Dir == m.Dir }) {
			as = fmt.Sprintf("cpusets%d", len(mounts))
		}
		mounts = append(mounts, cpusetMount{m, as})
	}
	return mounts
}

// A status holds the allowed CPUs and nodes of files such as /proc/self/status.
type status struct {
	found, haveCPUs, haveMems bool
	cpus, mems                CPUSet
}

// parse adds the sets of one file. A set that is not there, or malformed, adds
// nothing. Before Linux 2.6.26 there are masks and no lists.
func (st *status) parse(b []byte) {
	var cpus, mems CPUSet
	var haveCPUs, haveMems bool
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
	st.found = true
	if haveCPUs {
		st.haveCPUs, st.cpus = true, st.cpus.Or(cpus)
	}
	if haveMems {
		st.haveMems, st.mems = true, st.mems.Or(mems)
	}
}

// maxThreads bounds how many threads status asks, and maxPID their numbers
// (Linux, PID_MAX_LIMIT).
const (
	maxThreads = 1 << 12
	maxPID     = 1 << 22
)

// status returns what at least one thread of the process may use, as Host does. If
// the tree does not list threads, one file stands for all of them.
func (s *source) status() (st status) {
	rec := s.rec
	s.rec = nil // a capture holds the result, not the threads
	asked := 0
	tids, _ := s.numbered("proc/self/task", "", maxPID)
	for tid := range tids.All() {
		if b, ok := s.read(fmt.Sprintf("proc/self/task/%d/status", tid), smallFile); ok {
			st.parse(b)
		}
		if asked++; asked == maxThreads {
			break
		}
	}
	for _, name := range []string{"proc/self/status", "proc/thread-self/status"} {
		if st.found {
			break
		}
		if b, ok := s.read(name, smallFile); ok {
			st.parse(b)
		}
	}
	if s.rec = rec; rec != nil && st.found {
		rec.status(st)
	}
	return st
}

// limits holds all that restricts this process to a part of the machine.
type limits struct {
	affinity CPUSet // from the system call; empty if it was not made
	cpus     []limit
	nodes    []limit
}

// A limit is a set that a file or a system call names.
type limit struct {
	set  CPUSet
	from string // the file, or the call

	// memoryOnly is true for a set that lists only nodes with memory. A node without
	// memory that is not in the set is not forbidden by it.
	memoryOnly bool
}

func readLimits(s *source, affinity CPUSet) limits {
	l := limits{affinity: affinity}
	for _, p := range s.cpusetPlaces() {
		cpuFiles, memFiles := p.files()
		cpus, from, ok := s.climb(p, cpuFiles, maxCPUs)
		if ok {
			l.cpus = append(l.cpus, limit{set: cpus, from: from})
		}
		nodes, from, nok := s.climb(p, memFiles, maxNodes)
		if nok {
			l.nodes = append(l.nodes, limit{set: nodes, from: from})
		}
		if ok || nok {
			break
		}
	}
	if status := s.status(); status.found {
		if status.haveCPUs && affinity.Empty() {
			l.cpus = append(l.cpus, limit{set: status.cpus, from: "proc/self/status"})
		}
		if status.haveMems {
			l.nodes = append(l.nodes, limit{set: status.mems, from: "proc/self/status", memoryOnly: true})
		}
	}
	if !affinity.Empty() {
		l.cpus = append(l.cpus, limit{set: affinity, from: "sched_getaffinity"})
	}
	return l
}

// innermost returns the CPUs of the innermost limit. The process runs on some of
// them, so they are online unless another file says otherwise. A mask in
// /proc/self/status may also name CPUs that do not exist.
func (l limits) innermost() CPUSet {
	if n := len(l.cpus); n > 0 {
		return l.cpus[n-1].set
	}
	return CPUSet{}
}

// apply sets Allowed and AllowedNodes.
func (l limits) apply(s *source, t *Topology) {
	narrow := func(set CPUSet, by limit, what string) CPUSet {
		left := set.And(by.set)
		if left.Empty() {
			s.note(Contradicted, by.from, "allows %s %v, and none of those is there: ignored", what, by.set)
			return set
		}
		return left
	}
	t.Allowed, t.AllowedNodes = t.Online, t.NodesWith(0)
	for _, by := range l.cpus {
		t.Allowed = narrow(t.Allowed, by, "CPUs")
	}
	for _, by := range l.nodes {
		var memoryless NodeSet
		if by.memoryOnly {
			memoryless = t.AllowedNodes.AndNot(t.NodesWith(HasMemory))
		}
		t.AllowedNodes = narrow(t.AllowedNodes, by, "nodes").Or(memoryless)
	}
}

type cpusetPlace struct {
	cpusetMount
	path string // of our cgroup
}

// cpusetPlaces returns the usual mount points and those of /proc/mounts, each
// with the path of our cgroup below it.
func (s *source) cpusetPlaces() []cpusetPlace {
	mounts := slices.Clone(usualMounts)
	for _, name := range []string{"proc/self/mounts", "proc/mounts"} {
		if b, ok := s.read(name, bigFile); ok {
			for _, m := range cpusetMountsIn(b) {
				if !slices.ContainsFunc(mounts, func(k cpusetMount) bool { return k.Dir == m.Dir && k.V2 == m.V2 }) {
					mounts = append(mounts, m)
				}
			}
			break
		}
	}
	var paths cgroup.Paths
	if b, ok := s.read("proc/self/cgroup", smallFile); ok {
		paths = cgroup.ParsePaths(b)
	}
	if paths.V1["cpuset"] == "" {
		if b, ok := s.read("proc/self/cpuset", smallFile); ok && len(b) > 0 && b[0] == '/' {
			if paths.V1 == nil {
				paths.V1 = map[string]string{}
			}
			paths.V1["cpuset"] = path.Clean(string(trim(b)))
		}
	}
	places := make([]cpusetPlace, len(mounts))
	for i, m := range mounts {
		places[i] = cpusetPlace{m, paths.In(m.Mount, "cpuset")}
	}
	return places
}

// climb returns the first set that is not empty. It looks in the given files of our
// cgroup's directory, then of each directory above it, up to the mount point.
func (s *source) climb(p cpusetPlace, files []string, limit int) (set CPUSet, from string, ok bool) {
	for _, group := range cgroup.Up(p.path) {
		for _, f := range files {
			name := path.Join(p.Dir, group, f)
			if set, ok := s.listAs(name, path.Join(p.as, anonymous(group), f), limit); ok && !set.Empty() {
				return set, name, true
			}
		}
	}
	return CPUSet{}, "", false
}
