package topology

// A shape describes a regular machine in a few numbers. Synthetic machines and
// presets are built from shapes. All packages of a shape are alike.
type shape struct {
	packages  int
	nodeCores []int // cores of each node of a package
	threads   int   // of a core

	// If true, CPUs are numbered as firmware and Linux do on x86: the first threads
	// of all cores come before the second ones. Otherwise the threads of a core have
	// neighbouring numbers, as on POWER and s390.
	threadsApart bool

	l2Cores, l3Cores int // cores that share one; 0: l3Cores is the package
	clusterCores     int // 0: no clusters
	l1d, l2, l3      int64

	memory     int64   // bytes of each node
	memoryless int     // how many packages, the last ones, have nodes without memory
	slit       [][]int // of all nodes, the extra ones last
	extra      []int64 // bytes of each node without CPUs
}

func (s shape) topology(origin string) *Topology {
	t := &Topology{Origin: origin}
	perPackage := 0
	for _, n := range s.nodeCores {
		perPackage += n
	}
	cores := s.packages * perPackage
	group := func(first, n int) CPUSet { // the CPUs of n cores
		var set CPUSet
		for c := first; c < first+n; c++ {
			for th := range s.threads {
				if s.threadsApart {
					set.add(th*cores + c)
				} else {
					set.add(c*s.threads + th)
				}
			}
		}
		return set
	}
	groups := func(n int) []CPUSet {
		list := make([]CPUSet, 0, cores/n)
		for p := range s.packages {
			for c := 0; c < perPackage; c += n {
				list = append(list, group(p*perPackage+c, min(n, perPackage-c)))
			}
		}
		return list
	}
	caches := func(n int, bytes int64) []Cache {
		var list []Cache
		for _, set := range groups(n) {
			list = append(list, Cache{set, bytes})
		}
		return list
	}
	l3Cores := s.l3Cores
	if l3Cores == 0 {
		l3Cores = perPackage
	}
	t.Online = group(0, cores)
	t.Allowed = t.Online
	t.Cores, t.Packages = groups(1), groups(perPackage)
	if s.clusterCores > 0 {
		t.Clusters = groups(s.clusterCores)
	}
	t.L1d, t.L2, t.L3 = caches(1, s.l1d), caches(s.l2Cores, s.l2), caches(l3Cores, s.l3)
	first := 0
	for p := range s.packages {
		memory := s.memory
		if p >= s.packages-s.memoryless {
			memory = 0
		}
		for _, n := range s.nodeCores {
			t.Nodes = append(t.Nodes, Node{ID: len(t.Nodes), CPUs: group(first, n), Memory: memory})
			first += n
		}
	}
	for _, bytes := range s.extra {
		t.Nodes = append(t.Nodes, Node{ID: len(t.Nodes), CPUless: true, Memory: bytes})
	}
	for _, n := range t.Nodes {
		t.AllowedNodes.add(n.ID)
	}
	if len(t.Nodes) > 1 {
		t.Distances = s.slit
	}
	t.finish()
	return t
}

// tiers returns the SLIT of packages of n nodes each: local, in the same
// package, in another one.
func tiers(packages, n, local, same, remote int) [][]int {
	return matrix(packages*n, func(i, j int) int {
		switch {
		case i == j:
			return local
		case i/n == j/n:
			return same
		}
		return remote
	})
}

// circulant returns the SLIT in which the distance from i to j is that from 0
// to j-i, counted round: row is that of node 0.
func circulant(row ...int) [][]int {
	return matrix(len(row), func(i, j int) int { return row[(j-i+len(row))%len(row)] })
}

func matrix(n int, at func(i, j int) int) [][]int {
	m := make([][]int, n)
	for i := range m {
		m[i] = make([]int, n)
		for j := range m[i] {
			m[i][j] = at(i, j)
		}
	}
	return m
}
