package host_test

import (
	"testing"

	"numasched/numa/leakcheck"
	"numasched/sched/host/hosttest"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

var open = hosttest.Open
