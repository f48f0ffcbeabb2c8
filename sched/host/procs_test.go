package host_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"numasched/numa/leakcheck"
	"numasched/sched/host"
	"numasched/sched/host/hosttest"
	"numasched/topology"
)

func wantGOMAXPROCS(t *testing.T, when string, want int) {
	t.Helper()
	if got := runtime.GOMAXPROCS(0); got != want {
		t.Errorf("GOMAXPROCS is %d %s, want %d", got, when, want)
	}
}

func TestGOMAXPROCSIsAboveTheMsOfTheLargestOpenMachine(t *testing.T) {
	leakcheck.After(t)
	before := runtime.GOMAXPROCS(0)
	for _, order := range [][3]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}} {
		cpus := [3]int{30, 50, 40}
		var ms [3]*hosttest.Machine
		for i, n := range cpus {
			ms[i] = open(t, fmt.Sprintf("synthetic:1x%d", n), 0)
		}
		open := map[int]bool{30: true, 50: true, 40: true}
		for _, i := range order {
			want := before
			for n := range open {
				want = max(want, n+2)
			}
			wantGOMAXPROCS(t, fmt.Sprintf("with Machines %v", open), want)
			if err := ms[i].Close(); err != nil {
				t.Error(err)
			}
			delete(open, cpus[i])
		}
		wantGOMAXPROCS(t, "after all were closed", before)
	}
}

func TestTheProgramsOwnGOMAXPROCSLasts(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)

	a, b := open(t, "synthetic:1x30", 0), open(t, "synthetic:1x40", 0)
	runtime.GOMAXPROCS(7)
	a.Close()
	wantGOMAXPROCS(t, "after one of two Machines was closed", 7)
	b.Close()
	wantGOMAXPROCS(t, "after both were closed", 7)

	a = open(t, "synthetic:1x30", 0)
	runtime.GOMAXPROCS(9)
	b = open(t, "synthetic:1x40", 0)
	wantGOMAXPROCS(t, "with another Machine, which needs more", 42)
	a.Close()
	b.Close()
	wantGOMAXPROCS(t, "after both were closed", 9)
}

func TestImpossibleProcsAreRefused(t *testing.T) {
	leakcheck.After(t)
	topo, err := topology.Load("synthetic:2x2")
	if err != nil {
		t.Fatal(err)
	}
	for _, procs := range []int{-5, 5, 1000} {
		_, err := host.New(host.Config{Topology: topo, Procs: procs})
		want := fmt.Sprintf("Config.Procs is %d: want 1 to 4, the number of CPUs that synthetic:2x2 allows", procs)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Procs %d: error %v, want %q", procs, err, want)
		}
	}
	none := *topo
	none.Allowed = topology.CPUSet{}
	if _, err := host.New(host.Config{Topology: &none}); err == nil || !strings.Contains(err.Error(), "Config.Topology is synthetic:2x2, which allows no CPU") {
		t.Errorf("a topology that allows no CPU: %v", err)
	}
}
