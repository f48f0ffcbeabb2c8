package doctor

import (
	"os"
	"time"

	"numasched/topology"
)

// Host makes all checks of this machine.
func Host(watch time.Duration) ([]Check, error) {
	t, err := topology.Host()
	if err != nil {
		return nil, err
	}
	s := System{Root: os.DirFS("/"), Topology: t, Env: os.Getenv}
	checks := append(Examine(s), Watch(s, watch)...)
	checks = append(checks, SystemCalls()...)
	return append(checks, KVM("doctor", "probe-kvm")), nil
}
