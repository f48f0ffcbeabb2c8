package topology

import "io/fs"

// Read describes the machine whose files /sys and /proc are in a tree: the real
// ones, an unpacked capture, or files that a test has made. Paths are relative to
// the root, such as sys/devices/system/cpu/online. An [os.DirFS] follows links out of
// the tree; the FS of an [os.Root] does not, nor does [Load].
//
// If a file is missing or makes no sense, Read lists it in Missing and uses the
// rest. Read fails only if it finds no CPU, or if the tree is absurdly large.
func Read(fsys fs.FS) (*Topology, error) {
	return read(newSource(fsys), CPUSet{})
}

// read is Read from a source. Affinity holds the CPUs on which the process may run,
// which are online; it is empty if nobody has asked.
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
