//go:build !linux

package host

import "numasched/sched"

// NewPoller implements [sched.Machine]: there is no poller for this system yet.
func (m *Machine) NewPoller() (sched.Poller, error) { return nil, nil }
