// Package hosttest opens Machines for tests.
package hosttest

import (
	"strings"
	"testing"

	"numasched/numa/leakcheck"
	"numasched/sched/host"
	"numasched/topology"
)

// Open makes a Machine of the topology with that name, or of this host if topo is "",
// with that many Ps, or as many as there are CPUs if procs is 0. It is closed after the
// test, unless the test has closed it, and what the test leaves behind is an error.
func Open(tb testing.TB, topo string, procs int) *host.Machine {
	tb.Helper()
	leakcheck.After(tb)
	cfg := host.Config{Procs: procs}
	if topo != "" {
		t, err := topology.Load(topo)
		if err != nil {
			tb.Fatal(err)
		}
		cfg.Topology = t
	}
	m, err := host.New(cfg)
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
