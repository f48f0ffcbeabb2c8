package numa_test

import (
	"testing"

	"numasched/numa/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }
