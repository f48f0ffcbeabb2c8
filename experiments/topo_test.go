package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"numasched/topology"
)

func runTopo(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, err bytes.Buffer
	status = dispatch(append([]string{"topo"}, args...), &out, &err)
	return out.String(), err.String(), status
}

func TestTopoShowsAPresetAsATree(t *testing.T) {
	out, _, status := runTopo(t, "--from", "skx-2x8180")
	if status != 0 || !strings.Contains(out, "package 1, node 1 of 96 GiB, L3 38.5 MiB: CPUs 28-55,84-111") {
		t.Errorf("status %d:\n%s", status, out)
	}
}

func TestTopoPrintsTheFieldsThatOthersCompare(t *testing.T) {
	out, _, status := runTopo(t, "--from", "synthetic:2x4", "--json")
	var m map[string]any
	if err := json.Unmarshal([]byte(out), &m); err != nil || status != 0 {
		t.Fatalf("status %d, %v:\n%s", status, err, out)
	}
	for _, field := range []string{
		"pus", "offline_pus", "cores", "packages", "dies", "clusters", "l1d", "l2", "l3", "l2_bytes", "l3_bytes",
		"numa", "distance_nodes", "distances", "allowed_pus", "allowed_nodes", "restricted", "synthetic_single_node",
	} {
		if _, ok := m[field]; !ok {
			t.Errorf("no field %q", field)
		}
	}
}

func TestTopoDrawsIntoFiles(t *testing.T) {
	dir := t.TempDir()
	svg, png := filepath.Join(dir, "a.svg"), filepath.Join(dir, "a.png")
	if out, errs, status := runTopo(t, "--from", "kunpeng-920", "--svg", svg, "--png", png); status != 0 || out != "" {
		t.Fatalf("status %d: %s%s", status, out, errs)
	}
	for file, magic := range map[string]string{svg: "<?xml", png: "\x89PNG"} {
		b, err := os.ReadFile(file)
		if err != nil || !strings.HasPrefix(string(b), magic) {
			t.Errorf("%s: %v, begins with %.20q", file, err, b)
		}
	}
}

func TestTopoRefusesWhatIsNoMachineInOneLine(t *testing.T) {
	dir := t.TempDir()
	junk := filepath.Join(dir, "junk.tar.gz")
	if err := os.WriteFile(junk, []byte("junk"), 0o666); err != nil {
		t.Fatal(err)
	}
	xml := filepath.Join(dir, "a.xml")
	if err := os.WriteFile(xml, []byte("<svg></svg>"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ args, want string }{
		{"--from nosuch", `"nosuch"`},
		{"--from " + junk, "junk.tar.gz"},
		{"--from " + xml, `"svg"`},
		{"--from " + dir, "want the files sys/devices"},
		{"--from synthetic:2", "synthetic:NxC"},
		{"--from preset:x", "skx-2x8180"},
		{"skx-8s", "--from skx-8s"},
		{"--nosuch", "--nosuch"},
		{"--from skx-8s --svg " + dir, dir},
		{"--from skx-8s --svg - --png -", "one of them"},
		{"--from skx-8s --json --png -", "one of them"},
	} {
		_, errs, status := runTopo(t, strings.Fields(x.args)...)
		if status != 2 || !strings.Contains(errs, x.want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("topo %s: status %d, %q; want 2 and one line with %q", x.args, status, errs, x.want)
		}
	}
}

func TestCaptureIsReadBackAsTheSameMachine(t *testing.T) {
	if _, err := os.Stat("/sys/devices/system/cpu"); err != nil {
		t.Skip("this system has no /sys to capture")
	}
	file := filepath.Join(t.TempDir(), "m.tar.gz")
	var out, errs bytes.Buffer
	if status := dispatch(append([]string{"capture"}, file), &out, &errs); status != 0 {
		t.Fatalf("status %d: %s", status, errs.String())
	}
	captured, err := topology.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	host, err := topology.Host()
	if err != nil {
		t.Fatal(err)
	}
	if !captured.Online.Equal(host.Online) || len(captured.Nodes) != len(host.Nodes) {
		t.Errorf("captured CPUs %v on %d nodes; the machine has %v on %d", captured.Online, len(captured.Nodes), host.Online, len(host.Nodes))
	}
	if status := dispatch(append([]string{"capture"}, file), &out, &errs); status != 2 {
		t.Errorf("a second capture into the same file: status %d, want 2", status)
	}
}

func TestCaptureWritesToStandardOutput(t *testing.T) {
	if _, err := os.Stat("/sys/devices/system/cpu"); err != nil {
		t.Skip("this system has no /sys to capture")
	}
	t.Chdir(t.TempDir())
	var out, errs bytes.Buffer
	if status := dispatch([]string{"capture", "-"}, &out, &errs); status != 0 {
		t.Fatalf("status %d: %s", status, errs.String())
	}
	if _, err := topology.OpenArchive(&out); err != nil {
		t.Errorf("standard output is no capture: %v", err)
	}
	if _, err := os.Stat("-"); err == nil {
		t.Error("there is a file of the name -")
	}
	if !strings.HasPrefix(errs.String(), "standard output: ") || strings.Count(errs.String(), "\n") != 1 {
		t.Errorf("standard error: %q", errs.String())
	}
}

// A name that cannot be opened is asking for something impossible; a full disk is a failure.
func TestAFileThatCannotBeWritten(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no /dev/full here")
	}
	for file, want := range map[string]int{"/dev/full": 1, filepath.Join(t.TempDir(), "none", "x.svg"): 2} {
		if got := dispatch([]string{"topo", "--from", "synthetic:2x1", "--svg", file}, io.Discard, io.Discard); got != want {
			t.Errorf("topo --svg %s: exit status %d, want %d", file, got, want)
		}
	}
}
