package topology

import "io/fs"

// Read finds out what the machine is from a tree of the Linux files /sys and
// /proc: a real one, an unpacked capture, or one that a test has made. Paths are
// relative to the root, such as sys/devices/system/cpu/online. Give it an
// [os.Root]'s FS rather than an [os.DirFS], which follows links out of the tree,
// or call [Load].
//
// What is not there or makes no sense is noted in Missing, and the rest is used.
// Read fails only if it finds no CPU at all, or if the tree is absurdly large.
func Read(fsys fs.FS) (*Topology, error) {
	return read(newSource(fsys), CPUSet{})
}

// read is Read from a source. Affinity holds CPUs that are known to be online
// from elsewhere, and to which we are limited; if it is empty nothing is known.
func read(s *source, affinity CPUSet) (*Topology, error) {
	t := &Topology{}
	l := readLimits(s, affinity)
	r := newCPUReader(s, t)
	if err := r.findCPUs(l); err != nil {
		return nil, err
	}
	r.readCPUs()
	readNodes(s, t)
	joinPackages(s, t)
	l.apply(s, t)
	if s.spent > readBudget {
		return nil, errBudget
	}
	t.Missing = s.notes()
	t.finish()
	return t, nil
}
