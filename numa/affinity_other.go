//go:build !linux

package numa

import "numasched/topology"

// SetAffinity returns [ErrUnsupported]: this system does not bind threads.
func SetAffinity(tid int, cpus topology.CPUSet) error { return ErrUnsupported }

// Affinity returns [ErrUnsupported].
func Affinity(tid int) (topology.CPUSet, error) { return topology.CPUSet{}, ErrUnsupported }

// AllowedCPUs returns [ErrUnsupported].
func AllowedCPUs() (topology.CPUSet, error) { return topology.CPUSet{}, ErrUnsupported }

// CurrentThread returns 0, which stands for the calling thread.
func CurrentThread() int { return 0 }

// Threads returns [ErrUnsupported].
func Threads() ([]int, error) { return nil, ErrUnsupported }

// CurrentCPU returns -1, -1: this system does not tell.
func CurrentCPU() (cpu, node int) { return -1, -1 }
