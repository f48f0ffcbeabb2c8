package topology

// CPUs, cores, clusters, dies, packages and caches, from
// sys/devices/system/cpu (Linux, Documentation/ABI/stable/sysfs-devices-system-cpu).
//
// Where the files leave a choice, the rules are those of hwloc 2.9:
//
//   - A CPU is a PU if it has a topology directory and `online` lists it.
//     If that file is missing, cpuN/online must not say 0. A CPU on which this
//     process may run is a PU as well.
//   - If no topology directory holds a mask, the PUs are those that `online`,
//     cpuinfo or stat list, or else all CPUs that have a directory. Linux before
//     2.6.16 has no masks, and some containers hide them.
//   - Objects are known by their masks, never by their ids: core_id,
//     physical_package_id, die_id and cluster_id repeat, are sparse, or are -1. An
//     object is made from the mask that its own first CPU has. So every object
//     appears once, in order of first CPU.
//   - Every mask is cut to the PUs.
//   - Threads of one sibling set whose core_ids differ are separate cores. Linux
//     reports AMD's modules of two cores that way.
//   - A die or cluster that equals the package, or holds one CPU, carries no
//     information and is left out.

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

const cpuDir = "sys/devices/system/cpu"

// An attribute is one fact and the files that hold it, which have other names in
// kernels of other ages. The file that worked last is tried first, then the others
// in order. A kernel has an optional attribute for all CPUs, under one name, or for
// none, so after some misses nobody asks for it any more.
type attribute struct {
	names    []string // a name that ends in _list has list format, others a mask
	last     int
	found    bool // last has worked
	optional bool
	misses   int // CPUs without it, before the first CPU that has it
}

const patience = 4 // misses after which an optional attribute is given up

const cacheIndexes = 10 // index0 to index9, of which machines have had up to index4

type cpuReader struct {
	*source
	t *Topology

	core, cluster, die, pkg, shared attribute
	path                            []byte
	set, coreSet                    CPUSet // scratch, like ids and cores
	ids                             []int
	cores                           []CPUSet
	maxIndex                        int // highest cache index seen; -1 before the first
}

// findCPUs sets Online and Offline. It fails if no CPU is online.
func (r *cpuReader) findCPUs(l limits) error {
	online, known := r.list(cpuDir+"/online", maxCPUs)
	dirs, _ := r.numbered(cpuDir, "cpu", maxCPUs)
	// lxcfs renumbers the CPUs in `online` for a container. The affinity mask is more
	// reliable, because the scheduler runs nobody on a CPU that is down. So are the
	// files that limit us, unless the CPU's own files contradict them.
	may := l.innermost()
	var (
		pus      CPUSet
		unlisted CPUSet // those of pus that `online` does not list
		bare     CPUSet // a file says that they are up, and they have no topology directory
		silent   CPUSet // they have no topology directory, and no file says whether they are up
		offline  CPUSet
		down     CPUSet // those of offline whose own files say so
	)
	for c := range dirs.All() {
		described := r.isDir(r.name(c, "topology"))
		up, said := online.Contains(c), known
		if !known || !up && may.Contains(c) {
			if v, ok := r.int(r.name(c, "online")); ok {
				up, said = v != 0, true
				if !up {
					down.add(c)
				}
			} else {
				up = described || !known
			}
		}
		switch {
		case l.affinity.Contains(c), up && described, up && said && may.Contains(c):
			pus.add(c)
			if known && !online.Contains(c) {
				unlisted.add(c)
			}
		case up && said:
			bare.add(c)
		case up:
			silent.add(c)
		default:
			offline.add(c)
		}
	}
	if elsewhere := l.affinity.AndNot(dirs); !elsewhere.Empty() {
		pus, unlisted = pus.Or(elsewhere), unlisted.Or(elsewhere)
	}
	if !unlisted.Empty() {
		r.note(Contradicted, cpuDir+"/online", "does not list CPUs %v, on which this process may run: taken as online", unlisted)
	}
	for c := range pus.All() {
		if r.mask(&r.set, c, "topology/", &r.core) || r.mask(&r.set, c, "topology/", &r.pkg) {
			r.t.Online, r.t.Offline = pus, offline.Or(silent)
			break
		}
	}
	if !r.t.Online.Empty() {
		if left := online.AndNot(dirs); !left.Empty() {
			r.note(Contradicted, cpuDir+"/online", "lists CPUs %v, which have no directory: ignored", left)
		}
		if !bare.Empty() {
			r.note(Contradicted, cpuDir, "CPUs %v are online, and have no topology directory: left out", bare)
		}
		return nil
	}
	// No file says which CPUs share what.
	set := online
	if set.Empty() {
		if b, ok := r.read("proc/cpuinfo", bigFile); ok {
			parseProcessors(&set, b)
		}
	}
	if set.Empty() {
		if b, ok := r.read("proc/stat", bigFile); ok {
			parseStatCPUs(&set, b)
		}
	}
	if set.Empty() {
		set = pus.Or(bare).Or(silent)
	}
	r.t.Online = set.Or(pus.And(may))
	if r.t.Online.And(may).Empty() {
		r.t.Online = r.t.Online.Or(may.AndNot(down))
	}
	r.t.Offline = dirs.AndNot(r.t.Online)
	switch {
	case !r.t.Online.Empty():
		return nil
	case dirs.Empty():
		return errors.New("no CPUs found: want the files sys/devices/system/cpu/cpu*/topology or proc/cpuinfo of a Linux machine")
	case known:
		return fmt.Errorf("no CPUs found: %s/online lists none, though there are directories of CPUs %v", cpuDir, dirs)
	}
	return fmt.Errorf("no CPUs found: %s has directories of CPUs %v, and cpu*/online says that all are offline", cpuDir, dirs)
}

// name returns the path of a file of a CPU.
func (r *cpuReader) name(cpu int, file string) string {
	r.path = append(r.path[:0], cpuDir+"/cpu"...)
	r.path = strconv.AppendInt(r.path, int64(cpu), 10)
	r.path = append(r.path, '/')
	r.path = append(r.path, file...)
	return string(r.path)
}

// mask reads an attribute of a CPU into set and cuts it to the PUs.
func (r *cpuReader) mask(set *CPUSet, cpu int, dir string, a *attribute) bool {
	for k := range a.names {
		i := (a.last + k) % len(a.names)
		file := a.names[i]
		name := r.name(cpu, dir+file)
		b, ok := r.read(name, smallFile)
		if !ok {
			if a.optional && (a.found || a.misses >= patience) {
				break
			}
			continue
		}
		var err error
		if n := len(file); n > 5 && file[n-5:] == "_list" {
			err = parseList(set, b, maxCPUs)
		} else {
			err = parseMask(set, b)
		}
		if err != nil {
			r.note(Malformed, name, "%v", err)
			continue
		}
		a.last, a.found = i, true
		if !r.t.Online.Empty() {
			set.cut(r.t.Online)
		}
		return true
	}
	if !a.found {
		a.misses++
	}
	set.reset()
	return false
}

// cut removes what is not in t.
func (s *CPUSet) cut(t CPUSet) {
	if len(s.words) > len(t.words) {
		s.words = s.words[:len(t.words)]
	}
	for i := range s.words {
		s.words[i] &= t.words[i]
	}
}

func newCPUReader(s *source, t *Topology) *cpuReader {
	return &cpuReader{
		source:   s,
		t:        t,
		core:     attribute{names: []string{"core_cpus", "thread_siblings", "core_cpus_list", "thread_siblings_list"}},
		cluster:  attribute{names: []string{"cluster_cpus", "cluster_cpus_list"}, optional: true},
		die:      attribute{names: []string{"die_cpus", "die_cpus_list"}, optional: true},
		pkg:      attribute{names: []string{"package_cpus", "core_siblings", "package_cpus_list", "core_siblings_list"}},
		shared:   attribute{names: []string{"shared_cpu_map", "shared_cpu_list"}, optional: true},
		maxIndex: -1,
	}
}

func (r *cpuReader) readCPUs() {
	t := r.t
	for c := range t.Online.All() {
		haveCore := r.mask(&r.coreSet, c, "topology/", &r.core)
		lead := !haveCore // whether the CPU stands for its core
		if haveCore {
			lead = r.addCores(c)
		}
		if lead {
			r.addPackage(c)
		}
		r.addCaches(c)
	}
	slices.SortStableFunc(t.Cores, func(a, b CPUSet) int { return cmp.Compare(a.First(), b.First()) })
	if len(t.L1d)+len(t.L2)+len(t.L3) == 0 {
		r.addSPARCCaches()
	}
	for _, x := range []struct {
		file, what string
		unknown    bool
	}{
		{"topology/core_cpus", "cores", len(t.Cores) == 0},
		{"topology/package_cpus", "packages", len(t.Packages) == 0},
		{"cache", "caches", len(t.L1d)+len(t.L2)+len(t.L3) == 0},
	} {
		if x.unknown {
			r.note(NotThere, cpuDir+"/cpu*/"+x.file, "not there: %s are unknown", x.what)
		}
	}
}

// addCores adds the core, or the cores, of the sibling set in r.coreSet if cpu
// is its first, and reports whether it is.
func (r *cpuReader) addCores(cpu int) bool {
	set := r.coreSet
	if set.First() != cpu {
		return false
	}
	if set.Len() == 1 {
		r.t.Cores = append(r.t.Cores, set.clone())
		return true
	}
	// Each core_id is a core. A thread without a core_id joins the first core.
	own, ownOK := r.int(r.name(cpu, "topology/core_id"))
	r.ids = append(r.ids[:0], own)
	cores := append(r.cores[:0], CPUs(cpu))
	for c := range set.All() {
		if c == cpu {
			continue
		}
		k := 0
		if id, ok := r.int(r.name(c, "topology/core_id")); ok && ownOK {
			if k = slices.Index(r.ids, id); k < 0 {
				k = len(r.ids)
				r.ids = append(r.ids, id)
				cores = append(cores, CPUSet{})
			}
		}
		cores[k].add(c)
	}
	r.t.Cores = append(r.t.Cores, cores...)
	r.cores = cores
	return true
}

// addPackage adds the package, die and cluster whose first CPU is cpu.
func (r *cpuReader) addPackage(cpu int) {
	var pkg CPUSet
	if r.mask(&r.set, cpu, "topology/", &r.pkg) {
		pkg = r.set.clone()
		if pkg.First() == cpu {
			r.t.Packages = append(r.t.Packages, pkg)
		}
	}
	for _, x := range []struct {
		a    *attribute
		list *[]CPUSet
	}{{&r.die, &r.t.Dies}, {&r.cluster, &r.t.Clusters}} {
		if !x.a.found && x.a.misses >= patience {
			continue
		}
		if r.mask(&r.set, cpu, "topology/", x.a) && r.set.First() == cpu && r.set.Len() > 1 && !r.set.Equal(pkg) {
			*x.list = append(*x.list, r.set.clone())
		}
	}
}

// addCaches adds the data and unified caches whose first CPU is cpu. CPUs of one
// machine may differ in the number of their caches, and some have none.
func (r *cpuReader) addCaches(cpu int) {
	known := r.shared.found
	if !known && !r.isDir(r.name(cpu, "cache")) {
		return
	}
	highest := -1
	r.shared.misses = 0 // of this CPU alone
	for index := 0; index < cacheIndexes; index++ {
		if r.addCache(cpu, index) {
			highest = index
		} else if known && index > r.maxIndex {
			break
		}
	}
	r.maxIndex = max(r.maxIndex, highest)
}

// addCache adds the cache of one index if it is a data or unified cache whose first
// CPU is cpu. It reports whether cpu has a cache of that index.
func (r *cpuReader) addCache(cpu, index int) bool {
	dir := "cache/index" + string('0'+byte(index)) + "/"
	if !r.mask(&r.set, cpu, dir, &r.shared) {
		return false
	}
	set := r.set
	if set.Empty() {
		set = r.coreSet // the L3 of some Itaniums, which belongs to the core
	}
	if set.First() != cpu {
		return true
	}
	// A cache of unknown type counts as unified, as in hwloc.
	if kind, ok := r.read(r.name(cpu, dir+"type"), smallFile); ok && bytes.HasPrefix(kind, []byte("Instruction")) {
		return true
	}
	level, ok := r.int(r.name(cpu, dir+"level"))
	if !ok || level < 1 || level > 3 {
		return true
	}
	cache := Cache{CPUs: set.clone()}
	if b, ok := r.read(r.name(cpu, dir+"size"), smallFile); ok {
		bytes, err := parseSize(b)
		if err != nil {
			r.note(Malformed, r.name(cpu, dir+"size"), "%v", err)
		} else if bytes == 0 && level == 3 {
			return true // Knights Landing lists an L3 that it does not have
		}
		cache.Bytes = bytes
	}
	list := [...]*[]Cache{&r.t.L1d, &r.t.L2, &r.t.L3}[level-1]
	if n := len(*list); n == 0 || !(*list)[n-1].CPUs.Equal(cache.CPUs) {
		*list = append(*list, cache)
	}
	return true
}

// addSPARCCaches reads the files that sparc64 has instead of cache directories. They
// hold sizes in bytes, and do not say which CPUs share a cache (Linux,
// arch/sparc/kernel/sysfs.c).
func (r *cpuReader) addSPARCCaches() {
	cores := r.t.Cores
	if len(cores) == 0 {
		for c := range r.t.Online.All() {
			cores = append(cores, CPUs(c))
		}
	}
	for i, core := range cores {
		for _, x := range []struct {
			file string
			list *[]Cache
		}{{"l1_dcache_size", &r.t.L1d}, {"l2_cache_size", &r.t.L2}} {
			if bytes, ok := r.int(r.name(core.First(), x.file)); ok && bytes > 0 {
				*x.list = append(*x.list, Cache{CPUs: core, Bytes: int64(bytes)})
			}
		}
		if i == 0 && len(r.t.L1d)+len(r.t.L2) == 0 {
			return // another kind of machine
		}
	}
	if len(r.t.L1d)+len(r.t.L2) > 0 {
		r.note(Assumed, cpuDir+"/cpu*/l2_cache_size", "does not say which CPUs share a cache: taken as each core's own")
	}
}
