package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sort"
	"strings"
	"syscall"
	"testing"

	"numasched/numa"
	"numasched/topology"
)

// app is the program that the tests below spawn, if NUMAGO_TEST_APP says so.
func app() {
	switch os.Getenv("NUMAGO_TEST_APP") {
	case "":
		return
	case "where":
		cpus, err := numa.Affinity(0)
		policy, perr := numa.CurrentPolicy()
		fmt.Println(os.Args[1:], cpus, err, policy, perr == nil)
		fmt.Fprint(os.Stderr, "no end of line")
	case "doctor":
		os.Exit(run([]string{"doctor"}, os.Stdout, os.Stderr))
	case "status":
		if os.Args[1] == "0" {
			os.Exit(0)
		}
		os.Exit(7)
	case "killed":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "signal":
		got := make(chan os.Signal, 1)
		signal.Notify(got, syscall.SIGUSR1)
		fmt.Println("ready")
		fmt.Println("got", <-got)
	}
	os.Exit(0)
}

// twoNodes pretends two nodes on the CPUs of this process.
func twoNodes(t *testing.T) []node {
	top, err := topology.Host()
	if err != nil {
		t.Fatal(err)
	}
	all := usableNodes(top)
	cpus := all[0].cpus.List()
	return []node{{all[0].id, topology.CPUs(cpus[0])}, {all[0].id, topology.CPUs(cpus[len(cpus)-1])}}
}

func sorted(text string) []string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	sort.Strings(lines)
	return lines
}

func TestSpawn(t *testing.T) {
	t.Setenv("NUMAGO_TEST_APP", "where")
	nodes := twoNodes(t)
	var out, errs strings.Builder
	if err := spawnOn(nodes, []string{os.Args[0], "--id={node}", "a b"}, false, &out, &errs); err != nil {
		t.Fatal(err, errs.String())
	}
	lines := sorted(out.String())
	if len(lines) != 2 {
		t.Fatalf("got %q", out.String())
	}
	for i, n := range nodes {
		want := fmt.Sprintf("node%d| [--id=%d a b] %v <nil>", n.id, n.id, n.cpus)
		if !strings.HasPrefix(lines[i], want) {
			t.Errorf("got %q, want %q", lines[i], want)
		}
		if before, err := numa.CurrentPolicy(); err == nil && before.Mode == numa.Default && numa.SetPolicy(before) == nil && !strings.Contains(lines[i], fmt.Sprintf("prefer:%d", n.id)) {
			t.Errorf("%q has no memory policy", lines[i])
		}
	}
	if got := sorted(errs.String()); len(got) != 2 || got[0] != fmt.Sprintf("node%d| no end of line", nodes[0].id) {
		t.Errorf("standard error is %q", errs.String())
	}
}

// Our own threads keep their mask.
func TestSpawnLeaksNothing(t *testing.T) {
	t.Setenv("NUMAGO_TEST_APP", "status")
	before, err := numa.Affinity(0)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		spawnOn(twoNodes(t), []string{os.Args[0], "0"}, false, io.Discard, io.Discard)
	}
	tids, err := numa.Threads()
	if err != nil {
		t.Fatal(err)
	}
	for _, tid := range tids {
		if mask, err := numa.Affinity(tid); err == nil && !mask.Equal(before) {
			t.Errorf("thread %d has mask %v, want %v", tid, mask, before)
		}
	}
}

func TestSpawnStatus(t *testing.T) {
	for app, want := range map[string]int{"status": 7, "killed": 128 + int(syscall.SIGKILL)} {
		t.Setenv("NUMAGO_TEST_APP", app)
		if err := spawnOn(twoNodes(t), []string{os.Args[0], "1"}, false, io.Discard, io.Discard); err != exitError(want) {
			t.Errorf("%s: got %v, want status %d", app, err, want)
		}
	}
	err := spawnOn(twoNodes(t), []string{"/does/not/exist"}, false, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "/does/not/exist") {
		t.Errorf("a program that does not exist: %v", err)
	}
}

func TestSpawnSignals(t *testing.T) {
	t.Setenv("NUMAGO_TEST_APP", "signal")
	r, w := io.Pipe()
	done := make(chan error)
	go func() { done <- spawnOn(twoNodes(t), []string{os.Args[0]}, false, w, io.Discard) }()
	ready, got := 0, 0
	lines := bufio.NewScanner(r)
	for got < 2 && lines.Scan() {
		switch {
		case strings.HasSuffix(lines.Text(), "ready"):
			if ready++; ready == 2 {
				syscall.Kill(os.Getpid(), syscall.SIGUSR1)
			}
		case strings.HasSuffix(lines.Text(), "got user defined signal 1"):
			got++
		default:
			t.Errorf("got %q", lines.Text())
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSpawnDry(t *testing.T) {
	var out strings.Builder
	nodes := []node{{0, topology.CPUs(0, 1, 2, 3)}, {8, topology.CPUs(4, 6)}}
	if err := spawnOn(nodes, []string{"app", "-id", "{node}", "a b"}, true, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	want := "numactl --physcpubind=0-3 --preferred=0 -- app -id 0 'a b'\nnumactl --physcpubind=4,6 --preferred=8 -- app -id 8 'a b'\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}
