//go:build !linux

package host

import (
	"numasched/sched/internal/machine"
)

// NewPoller implements [sched.Machine]: there is no poller for this system yet.
func (m *Machine) NewPoller() (machine.Poller, error) { return nil, nil }
