package explore

import (
	"errors"

	"numasched/sched"
)

// NewCache implements [sched.Machine]: explored programs allocate nothing.
func (x *Machine) NewCache(int) (sched.Cache, error) {
	return nil, errors.New("explore: Gs cannot allocate here")
}
