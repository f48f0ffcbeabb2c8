package topology

import "runtime"

// Host reads the machine that the program runs on.
func Host() (*Topology, error) {
	t, err := Synthetic(SyntheticSpec{CoresPerL3: runtime.NumCPU()})
	if err != nil {
		return nil, err
	}
	t.Origin = "host"
	t.Missing = []string{"/sys is not read yet: assumed one node with runtime.NumCPU CPUs"}
	return t, nil
}
