package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAShapeBecomesQEMUsArguments(t *testing.T) {
	s, err := newShape(3, 2, 256<<20, true, true)
	if err != nil {
		t.Fatal(err)
	}
	if s.Distances, err = parseDistances("10 20 30 40\n20 10 20 30 # comment\n\n30 20 10 20\n41 30 20 10\n", 4); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(s.qemu(), " ")
	for _, want := range []string{
		"-m 768M -smp 6,sockets=3,cores=2,threads=1",
		"size=268435456 -numa node,nodeid=0,memdev=mem0",
		"-numa node,nodeid=2 ", // without memory
		"-numa node,nodeid=3,memdev=mem3",
		"-numa cpu,node-id=2,socket-id=2",
		"-numa dist,src=0,dst=3,val=40", "-numa dist,src=3,dst=0,val=41",
	} {
		if !strings.Contains(got+" ", want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
	if strings.Contains(got, "cpu,node-id=3") {
		t.Errorf("the node without CPUs has some: %s", got)
	}
	if c := s.Nodes[2].CPUs; !slices.Equal(c, []int{4, 5}) || s.Nodes[3].CPUs != nil {
		t.Errorf("CPUs: %+v", s.Nodes)
	}
}

func TestBadArgumentsAreRefusedWithTheirTextAndWhatWasExpected(t *testing.T) {
	dist := filepath.Join(t.TempDir(), "dist")
	os.WriteFile(dist, []byte("10 20\n20 ten\n"), 0o644)
	for args, says := range map[string]string{
		"--nodes 0 -- x":                     "--nodes 0: want 1 to 64",
		"--nodes many -- x":                  `"many" for flag -nodes: want a whole number`,
		"--timeout 5 -- x":                   "want a number and a unit",
		"--nodes 64 --cpus-per-node 8 -- x":  "512 CPUs; want at most 255",
		"--mem-per-node 12 -- x":             `"12": want a number and M or G`,
		"--mem-per-node 1M -- x":             `"1M": want a number and M or G, such as 512M, and at least 64M`,
		"--nodes 1 --memless-node -- x":      "--nodes 2 or more",
		"--nodes 2":                          "no command",
		"--accel fast -- x":                  `"fast": want auto, kvm or tcg`,
		"--timeout -1s -- x":                 "want a time above 0",
		"--env NAME -- x":                    `"NAME": want NAME=VALUE`,
		"--nodes 2 --dist " + dist + " -- x": dist + `:2: "ten": want a number from 10 to 254`,
		"--dist /nowhere -- x":               "/nowhere",
		"--kernel /nowhere -- x":             "--kernel: open /nowhere",
		"--what -- x":                        "-what",
	} {
		if _, err := parseOptions(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v; want %q", args, err, says)
		}
	}
	if _, err := parseOptions([]string{"--help"}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("--help: %v", err)
	}
}

func TestBadDistancesAreRefusedWithTheLine(t *testing.T) {
	for text, says := range map[string]string{
		"":                     "0: 0 lines of numbers: want 2",
		"10 20\n":              "1: 1 lines of numbers: want 2",
		"10 20\n20 10\n20 10":  "3: ",
		"10 20 30\n20 10 20\n": "want 2 lines of 2 numbers",
		"10 255\n20 10\n":      `1: "255"`,
		"11 20\n20 10\n":       "10 from a node to itself",
		"10 10\n20 10\n":       "and only there",
	} {
		if _, err := parseDistances(text, 2); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v; want %q", text, err, says)
		}
	}
}

func TestOnlyStaticProgramsAndKernelsAreTaken(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	os.WriteFile(name, []byte("#!/bin/sh\n"), 0o755)
	if err := checkStatic(name); err != nil {
		t.Errorf("a script: %v", err)
	}
	os.WriteFile(name, []byte("#!/usr/bin/env bash\n"), 0o755)
	if err := checkStatic(name); err == nil || !strings.Contains(err.Error(), `"/usr/bin/env bash", which the machine does not have`) {
		t.Errorf("a script for bash: %v", err)
	}
	if err := checkKernel(name); err == nil || !strings.Contains(err.Error(), "not an x86 Linux kernel") {
		t.Errorf("a script as kernel: %v", err)
	}
	image := make([]byte, 0x300)
	copy(image[0x202:], "HdrS")
	os.WriteFile(name, image, 0o644)
	if err := checkKernel(name); err != nil {
		t.Errorf("a kernel: %v", err)
	}
}

// A machine that never powers off is ended, and does not stay behind.
func TestAMachineIsEndedByItsTimeOutOrASignal(t *testing.T) {
	dir := t.TempDir()
	qemu, pid := filepath.Join(dir, "qemu"), filepath.Join(dir, "pid")
	script := "#!/bin/sh\necho $$ >" + pid + ".new; mv " + pid + ".new " + pid + "; exec sleep 1000\n"
	if err := os.WriteFile(qemu, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command("sh", "-c", "kill -0 $$").Run(); err != nil {
		t.Skip("no Unix shell: ", err)
	}
	s, err := newShape(1, 1, 64<<20, false, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		timeout time.Duration
		stop    bool
		want    error
	}{{"time-out", 500 * time.Millisecond, false, errTimeout}, {"signal", time.Hour, true, errInterrupted}} {
		os.Remove(pid)
		stop := make(chan os.Signal, 1)
		m := &machine{qemu: qemu, dir: dir, stop: stop}
		ran := func() bool { _, err := os.Stat(pid); return err == nil }
		for timeout := c.timeout; ; timeout *= 2 { // until it runs before it is ended
			ended := make(chan error, 1)
			go func() { ended <- m.boot(s, "", timeout, io.Discard, "", "") }()
			for c.stop && !ran() && len(ended) == 0 {
				time.Sleep(10 * time.Millisecond)
			}
			if c.stop {
				stop <- os.Interrupt
			}
			if err := <-ended; !errors.Is(err, c.want) {
				t.Fatalf("%s: %v; want %v", c.name, err, c.want)
			}
			if ran() {
				break
			}
		}
		text, err := os.ReadFile(pid)
		if err != nil {
			t.Fatal(err)
		}
		if exec.Command("kill", "-0", strings.TrimSpace(string(text))).Run() == nil {
			t.Errorf("%s: the machine still runs", c.name)
		}
	}
}

// fakeMachine returns a shell script that takes the place of QEMU.
func fakeMachine(t *testing.T, script string) string {
	t.Helper()
	if err := exec.Command("sh", "-c", "kill -0 $$").Run(); err != nil {
		t.Skip("no Unix shell: ", err)
	}
	name := filepath.Join(t.TempDir(), "qemu")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

// A machine that is to end early is told to, and what it then sends is kept.
func TestResultsOfAMachineThatEndsEarlyAreKept(t *testing.T) {
	sent := archive(t, statusPrefix+"130", "a", "sub/b")
	for _, c := range []struct {
		name, script      string
		timeout, patience time.Duration
		status            int
		says              string
		kept              bool
	}{
		{"signal", "echo up; read word && [ $word = stop ] && cp " + sent + " $RESULTS", time.Hour, time.Minute, exitInterrupted, "interrupted; what the command had written is in ", true},
		{"time-out", "read word && [ $word = stop ] && cp " + sent + " $RESULTS", time.Second, time.Minute, exitTimeout, "; what the command had written is in ", true},
		{"deaf", "echo up; exec sleep 1000", time.Hour, time.Second, exitInterrupted, "interrupted; it did not send its results", false},
		{"torn", "echo up; read word; head -c 50 " + sent + " >$RESULTS", time.Hour, time.Minute, exitInterrupted, "it did not send its results, or not all of them", false},
	} {
		s, err := newShape(1, 1, 64<<20, false, false)
		if err != nil {
			t.Fatal(err)
		}
		dir, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
		t.Setenv("RESULTS", filepath.Join(dir, "results"))
		stop := make(chan os.Signal, 1)
		m := &machine{qemu: fakeMachine(t, c.script), dir: dir, stop: stop, patience: c.patience}
		if c.timeout == time.Hour {
			stop <- os.Interrupt // also one that comes early is not lost
		}
		status, err := m.run(&options{shape: s, timeout: c.timeout, out: out}, "")
		if status != c.status || err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: status %d, %v; want %d and %q", c.name, status, err, c.status, c.says)
		}
		if _, err := os.Stat(filepath.Join(out, "sub", "b")); (err == nil) != c.kept {
			t.Errorf("%s: %v; results kept is to be %v", c.name, err, c.kept)
		}
	}
}

// Who interrupts twice does not want to wait.
func TestASecondSignalEndsAMachineAtOnce(t *testing.T) {
	s, err := newShape(1, 1, 64<<20, false, false)
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan os.Signal, 2)
	m := &machine{qemu: fakeMachine(t, "exec sleep 1000"), dir: t.TempDir(), stop: stop, patience: time.Hour}
	stop <- os.Interrupt
	stop <- os.Interrupt
	if status, err := m.run(&options{shape: s, timeout: time.Hour, out: t.TempDir()}, ""); status != exitInterrupted || !errors.Is(err, errInterrupted) {
		t.Errorf("status %d, %v", status, err)
	}
}

// archive is what a guest sends.
func archive(t *testing.T, names ...string) string {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	tw := tar.NewWriter(gz)
	for _, n := range names {
		tw.WriteHeader(&tar.Header{Name: n, Size: int64(len(n)), Mode: 0o600})
		tw.Write([]byte(n))
	}
	tw.Close()
	gz.Close()
	name := filepath.Join(t.TempDir(), "results")
	if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestResultsAreUnpackedInTheirDirectoryAndNowhereElse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	status, err := unpack(archive(t, statusPrefix+"7", "a", "sub/b", "../evil", "/evil"), dir)
	if status != 7 || err != nil {
		t.Fatalf("status %d, %v", status, err)
	}
	for _, name := range []string{"a", "sub/b"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); string(text) != name || err != nil {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	if found, _ := filepath.Glob(filepath.Join(dir, "..", "evil")); found != nil {
		t.Error("a file was written outside the directory")
	}
}

func TestATornArchiveIsAnErrorAndNoStatus(t *testing.T) {
	name := archive(t, statusPrefix+"0", "a")
	whole, _ := os.ReadFile(name)
	for _, n := range []int{0, 5, len(whole) / 2, len(whole) - 4} {
		os.WriteFile(name, whole[:n], 0o644)
		if _, err := unpack(name, ""); err == nil {
			t.Errorf("%d of %d bytes were taken", n, len(whole))
		}
	}
	if _, err := unpack(archive(t, "a"), ""); err == nil || !strings.Contains(err.Error(), `begins with "a"`) {
		t.Errorf("no status: %v", err)
	}
}

func TestTailIsTheEndOfTheConsole(t *testing.T) {
	name := filepath.Join(t.TempDir(), "console")
	os.WriteFile(name, []byte("one\r\ntwo\r\nthree\r\n"), 0o644)
	if got := tail(name, 2); got != "    two\n    three" {
		t.Errorf("%q", got)
	}
	if got := tail(name+"x", 2); !strings.Contains(got, "never spoke") {
		t.Errorf("%q", got)
	}
}
