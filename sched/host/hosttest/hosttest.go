// Package hosttest opens Machines for tests.
package hosttest

import (
	"os"
	"strings"
	"testing"

	"numasched/numa/leakcheck"
	"numasched/sched/host"
	"numasched/sched/internal/machine"
	"numasched/sched/trace"
	"numasched/topology"
)

// A Machine is a host. In a test it records what its schedulers do, which is validated when
// the test ends. It does not in a benchmark, or on an emulated machine (scripts/numalab.sh).
type Machine struct {
	*host.Machine
	sink func(*machine.M) machine.EventSink
}

// EventSink implements [sched.Machine].
func (m *Machine) EventSink(of *machine.M) machine.EventSink {
	if m.sink == nil {
		return nil
	}
	return m.sink(of)
}

// OpenUnrecorded is Open without a record: what runs is what users run, who record nothing.
func OpenUnrecorded(tb testing.TB, topo string, procs int) *Machine {
	tb.Helper()
	m := Open(tb, topo, procs)
	m.sink = nil
	return m
}

// Open makes a Machine of the topology with that name, or of this host if topo is "",
// with that many Ps, or as many as there are CPUs if procs is 0. It is closed after the
// test, unless the test has closed it, and what the test leaves behind is an error.
func Open(tb testing.TB, topo string, procs int) *Machine {
	tb.Helper()
	leakcheck.After(tb)
	m := new(Machine)
	// The clock of an emulated machine takes microseconds, and each event reads it: what a
	// test measures there would be that.
	emulated := os.Getenv("NUMALAB_SHAPE") != ""
	if _, bench := tb.(*testing.B); !bench && !emulated {
		m.sink = trace.Checked(tb) // its Cleanup comes after that of the Machine
	}
	cfg := host.Config{Procs: procs}
	if topo != "" {
		t, err := topology.Load(topo)
		if err != nil {
			tb.Fatal(err)
		}
		cfg.Topology = t
	}
	var err error
	m.Machine, err = host.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := m.Close(); err != nil && !strings.Contains(err.Error(), "the Machine is closed") {
			tb.Error(err)
		}
	})
	return m
}
