//go:build !linux

package numa

import "runtime"

// Capabilities reports that this system has none of the calls.
func Capabilities() []Capability {
	var all []Capability
	for _, call := range []string{
		"sched_setaffinity", "getcpu", "set_mempolicy", "mbind", "move_pages", "migrate_pages", "numa_maps",
	} {
		all = append(all, Capability{
			Call: call, State: Unsupported,
			Reason: runtime.GOOS + " has no such call: threads and memory stay unbound, and locality is not measured",
			Fix:    "run on Linux, or in scripts/numalab.sh",
		})
	}
	return all
}
