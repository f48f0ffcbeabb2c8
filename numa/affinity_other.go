//go:build !linux

package numa

import "numasched/topology"

// SetAffinity returns [ErrUnsupported]: this system does not bind threads.
func SetAffinity(tid int, cpus topology.CPUSet) error { return ErrUnsupported }

// Affinity returns [ErrUnsupported].
func Affinity(tid int) (topology.CPUSet, error) { return topology.CPUSet{}, ErrUnsupported }

// Threads returns [ErrUnsupported].
func Threads() ([]int, error) { return nil, ErrUnsupported }

// CurrentCPU returns -1, -1: this system does not tell.
func CurrentCPU() (cpu, node int) { return -1, -1 }
