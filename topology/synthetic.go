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

	NodeMemory int64 // bytes; default 16 GiB
	L1dBytes   int64 // of each core; default 32 KiB
	L2Bytes    int64 // of each core; default 1 MiB
	L3Bytes    int64 // of each L3; default 32 MiB

	Local       int // SLIT distance of a node to itself; default 10
	SamePackage int // to another node of its package; default 12
	Remote      int // to a node of another package; default 32
}

// MaxSyntheticCPUs and MaxSyntheticNodes bound what [Synthetic] makes: a
// mistyped number shall be an error, not a full memory. Linux's own limits are
// 8192 and 1024.
const (
	MaxSyntheticCPUs  = maxCPUs
	MaxSyntheticNodes = maxNodes
)

// Synthetic makes the regular machine that spec describes. It fails if a count
// is negative, or if there are more CPUs or nodes than the limits above.
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
	nodes := spec.Packages * spec.NodesPerPackage
	if nodes > MaxSyntheticNodes {
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
	s := shape{
		packages: spec.Packages, threads: spec.ThreadsPerCore,
		l2Cores: 1, l3Cores: spec.CoresPerL3,
		l1d: spec.L1dBytes, l2: spec.L2Bytes, l3: spec.L3Bytes,
		memory: spec.NodeMemory,
		slit: tiers(spec.Packages, spec.NodesPerPackage,
			dist(spec.Local, 10), dist(spec.SamePackage, 12), dist(spec.Remote, 32)),
	}
	for range spec.NodesPerPackage {
		s.nodeCores = append(s.nodeCores, spec.L3sPerNode*spec.CoresPerL3)
	}
	return s.topology(fmt.Sprintf("synthetic:%dx%dx%dx%dx%d",
		spec.Packages, spec.NodesPerPackage, spec.L3sPerNode, spec.CoresPerL3, spec.ThreadsPerCore)), nil
}

// ParseSynthetic makes the machine that spec names, with or without the prefix
// "synthetic:". There are two forms:
//
//	NxC        N packages, each one node, one L3 and C cores of one thread;
//	           distances 10 and 21, as two-socket Xeons say
//	PxNxLxCxT  packages x nodes per package x L3s per node x cores per L3 x
//	           threads per core; distances 10, 12 and 32, as EPYCs say
//
// An error names the spec and what was expected.
func ParseSynthetic(spec string) (*Topology, error) {
	t, err := parseSynthetic(strings.TrimPrefix(spec, "synthetic:"))
	if err != nil {
		return nil, fmt.Errorf("topology %q: %w", spec, err)
	}
	return t, nil
}

func parseSynthetic(spec string) (*Topology, error) {
	fields := strings.Split(spec, "x")
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
	if len(n) == 5 {
		return Synthetic(SyntheticSpec{Packages: n[0], NodesPerPackage: n[1], L3sPerNode: n[2], CoresPerL3: n[3], ThreadsPerCore: n[4]})
	}
	t, err := Synthetic(SyntheticSpec{Packages: n[0], CoresPerL3: n[1], Remote: 21})
	if err != nil {
		return nil, err
	}
	t.Origin = "synthetic:" + spec
	return t, nil
}
