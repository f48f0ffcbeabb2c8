package topology

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A SyntheticSpec describes a regular machine. CPUs, and nodes, are numbered
// from 0 in the order of the tree, so that the threads of a core have
// neighbouring numbers. Counts that are zero mean one; sizes and distances that
// are zero take the defaults given here, which stand for no real machine.
type SyntheticSpec struct {
	Packages        int
	NodesPerPackage int
	L3sPerNode      int
	CoresPerL3      int
	ThreadsPerCore  int

	// What there is beside the regular machine, by default nothing. It is numbered
	// after the regular machine, in this order, and has SLIT distance Remote.
	MemorylessPackages int // packages like the others, whose nodes have no memory
	MemoryNodes        int // nodes of NodeMemory without CPUs, as CXL memory is
	EmptyNodes         int // nodes with neither CPUs nor memory

	NodeMemory int64 // bytes; default 16 GiB
	L1dBytes   int64 // of each core; default 32 KiB
	L2Bytes    int64 // of each core; default 1 MiB
	L3Bytes    int64 // of each L3; default 32 MiB

	Local       int // SLIT distance of a node to itself; default 10
	SamePackage int // to another node of its package; default 12
	Remote      int // to a node of another package; default 32
}

// MaxSyntheticCPUs and MaxSyntheticNodes bound what [Synthetic] makes, so that a
// mistyped number gives an error and does not fill the memory. Linux's own limits
// are 8192 and 1024.
const (
	MaxSyntheticCPUs  = maxCPUs
	MaxSyntheticNodes = maxNodes
)

// Synthetic makes the machine that spec describes. It fails if a count is
// negative, or if there are more CPUs or nodes than the limits above.
func Synthetic(spec SyntheticSpec) (*Topology, error) {
	counts := []*int{&spec.Packages, &spec.NodesPerPackage, &spec.L3sPerNode, &spec.CoresPerL3, &spec.ThreadsPerCore}
	cpus := 1
	for _, n := range counts {
		if *n == 0 {
			*n = 1
		}
		if *n < 0 || *n > MaxSyntheticCPUs || cpus*(*n) > MaxSyntheticCPUs {
			return nil, fmt.Errorf("want counts of at least 1 and at most %d CPUs in all", MaxSyntheticCPUs)
		}
		cpus *= *n
	}
	for _, n := range []int{spec.MemorylessPackages, spec.MemoryNodes, spec.EmptyNodes} {
		if n < 0 || n > MaxSyntheticNodes {
			return nil, fmt.Errorf("%d more nodes: want 0 to %d", n, MaxSyntheticNodes)
		}
	}
	packages := spec.Packages + spec.MemorylessPackages
	if cpus := cpus / spec.Packages * packages; cpus > MaxSyntheticCPUs {
		return nil, fmt.Errorf("%d CPUs: want at most %d", cpus, MaxSyntheticCPUs)
	}
	extra := spec.MemoryNodes + spec.EmptyNodes
	if nodes := packages*spec.NodesPerPackage + extra; nodes > MaxSyntheticNodes {
		return nil, fmt.Errorf("%d nodes: want at most %d", nodes, MaxSyntheticNodes)
	}
	def := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
	def(&spec.NodeMemory, 16<<30)
	def(&spec.L1dBytes, 32<<10)
	def(&spec.L2Bytes, 1<<20)
	def(&spec.L3Bytes, 32<<20)
	dist := func(v, d int) int {
		if v == 0 {
			return d
		}
		return v
	}
	local, same, remote := dist(spec.Local, 10), dist(spec.SamePackage, 12), dist(spec.Remote, 32)
	regular := tiers(packages, spec.NodesPerPackage, local, same, remote)
	s := shape{
		packages: packages, memoryless: spec.MemorylessPackages, threads: spec.ThreadsPerCore,
		l2Cores: 1, l3Cores: spec.CoresPerL3,
		l1d: spec.L1dBytes, l2: spec.L2Bytes, l3: spec.L3Bytes,
		memory: spec.NodeMemory,
		slit: matrix(len(regular)+extra, func(i, j int) int {
			switch {
			case i == j:
				return local
			case max(i, j) < len(regular):
				return regular[i][j]
			}
			return remote
		}),
		extra: make([]int64, extra),
	}
	for i := range spec.MemoryNodes {
		s.extra[i] = spec.NodeMemory
	}
	for range spec.NodesPerPackage {
		s.nodeCores = append(s.nodeCores, spec.L3sPerNode*spec.CoresPerL3)
	}
	origin := fmt.Sprintf("synthetic:%dx%dx%dx%dx%d", spec.Packages, spec.NodesPerPackage, spec.L3sPerNode, spec.CoresPerL3, spec.ThreadsPerCore)
	return s.topology(origin + moreOf(&spec)), nil
}

// A syntheticPart is what a spec may add to a regular machine.
type syntheticPart struct {
	word  string
	count func(*SyntheticSpec) *int
}

var syntheticParts = []syntheticPart{
	{"cpu", func(s *SyntheticSpec) *int { return &s.MemorylessPackages }},
	{"mem", func(s *SyntheticSpec) *int { return &s.MemoryNodes }},
	{"empty", func(s *SyntheticSpec) *int { return &s.EmptyNodes }},
}

// moreOf writes what a spec adds, as "+1cpu+2mem".
func moreOf(spec *SyntheticSpec) (s string) {
	for _, part := range syntheticParts {
		if n := *part.count(spec); n > 0 {
			s += fmt.Sprintf("+%d%s", n, part.word)
		}
	}
	return s
}

// ParseSynthetic makes the machine that spec names, with or without the prefix
// "synthetic:". There are two forms:
//
//	NxC        N packages, each one node, one L3 and C cores of one thread;
//	           distances 10 and 21, as two-socket Xeons say
//	PxNxLxCxT  packages x nodes per package x L3s per node x cores per L3 x
//	           threads per core; distances 10, 12 and 32, as EPYCs say
//
// Additions may follow:
//
//	+Kcpu      K more packages like the others, whose nodes have no memory
//	+Kmem      K more nodes of memory without CPUs, as CXL memory is
//	+Kempty    K more nodes with neither, as a GPU's before it is used
//
// So 2x4+1mem is two nodes of 4 CPUs and one of memory alone. An error names the
// spec and what was expected.
func ParseSynthetic(spec string) (*Topology, error) {
	t, err := parseSynthetic(strings.TrimPrefix(spec, "synthetic:"))
	if err != nil {
		return nil, fmt.Errorf("topology %q: %w", spec, err)
	}
	return t, nil
}

func parseSynthetic(text string) (*Topology, error) {
	regular, more, added := strings.Cut(text, "+")
	fields := strings.Split(regular, "x")
	if len(fields) != 2 && len(fields) != 5 {
		return nil, errors.New("want synthetic:NxC (nodes x CPUs) or synthetic:PxNxLxCxT (packages x nodes x L3s x cores x threads)")
	}
	n := make([]int, len(fields))
	for i, f := range fields {
		v, err := strconv.Atoi(f)
		if err != nil || v < 1 {
			return nil, fmt.Errorf("%q is not a number from 1 on", f)
		}
		n[i] = v
	}
	spec := SyntheticSpec{Packages: n[0], CoresPerL3: n[1], Remote: 21}
	if len(n) == 5 {
		spec = SyntheticSpec{Packages: n[0], NodesPerPackage: n[1], L3sPerNode: n[2], CoresPerL3: n[3], ThreadsPerCore: n[4]}
	}
	if added {
		for _, m := range strings.Split(more, "+") {
			if err := addSynthetic(&spec, m); err != nil {
				return nil, err
			}
		}
	}
	t, err := Synthetic(spec)
	if err != nil {
		return nil, err
	}
	if len(n) == 2 {
		t.Origin = "synthetic:" + regular + moreOf(&spec)
	}
	return t, nil
}

// addSynthetic takes in an addition such as "2mem".
func addSynthetic(spec *SyntheticSpec, text string) error {
	for _, part := range syntheticParts {
		if digits, ok := strings.CutSuffix(text, part.word); ok {
			v, err := strconv.Atoi(digits)
			if err != nil || v < 1 || v > MaxSyntheticNodes {
				return fmt.Errorf("%q is not a number from 1 to %d", digits, MaxSyntheticNodes)
			}
			*part.count(spec) += v
			return nil
		}
	}
	return fmt.Errorf("+%s: want +Kcpu (packages without memory), +Kmem (nodes of memory alone) or +Kempty (nodes with neither)", text)
}
