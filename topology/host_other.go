//go:build !linux

package topology

import "runtime"

// Host reads the machine that the program runs on: its /sys and /proc, and the
// affinity masks of its threads. Allowed is what any thread of the process may run
// on: taskset, Slurm and cpusets narrow every thread, but a program or a scheduler
// that binds threads narrows single ones, and a goroutine does not know which
// thread it is on. A system without Linux's /sys is one node with all CPUs, and
// Missing says so.
func Host() (*Topology, error) {
	cpus := CPURange(0, runtime.NumCPU())
	t := &Topology{
		Origin:         "host",
		host:           true,
		Online:         cpus,
		Allowed:        cpus,
		Nodes:          []Node{{ID: 0, CPUs: cpus, MemoryUnknown: true}},
		AllowedNodes:   NodeIDs(0),
		OneNodeAssumed: true,
		Missing:        []Note{{NotThere, "", runtime.GOOS + " shows no /sys: assumed one node with runtime.NumCPU CPUs; caches, cores, packages and memory are unknown"}},
	}
	t.finish()
	return t, nil
}
