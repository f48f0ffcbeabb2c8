package sched_test

import (
	"strings"
	"testing"

	"numasched/sched"
	"numasched/sched/host"
	"numasched/sched/policy"
)

func TestAConfigWithoutAMachineOrAnArmIsRefused(t *testing.T) {
	m := open(t, "")
	for _, c := range []struct {
		cfg  sched.Config
		want string
	}{
		{sched.Config{Arm: policy.Arms[1]}, "Config.Machine is nil"},
		{sched.Config{Machine: (*host.Machine)(nil), Arm: policy.Arms[1]}, "Config.Machine is nil"},
		{sched.Config{Machine: m}, "Config.Arm has no name"},
	} {
		if _, err := sched.New(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New: %v, want an error with %q", err, c.want)
		}
	}
}

func TestImpossibleProcsAreRefused(t *testing.T) {
	m := open(t, "synthetic:2x2")
	for _, procs := range []int{-1, 5} {
		_, err := sched.New(sched.Config{Machine: m, Arm: policy.Arms[1], Procs: procs})
		if err == nil || !strings.Contains(err.Error(), "want 1 to 4") {
			t.Errorf("%d procs: error %v, want one that says 1 to 4", procs, err)
		}
	}
}
