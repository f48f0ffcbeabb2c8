package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"numasched/experiments/harness"
)

// small is a sweep of some milliseconds.
func small(dir string) []string {
	return []string{"--preset", "synthetic:4x2,skx-2x8180", "--arm", "flat,numa,numa-wrongmap", "--workload", "triad:n=65536,fib:n=12", "--procs", "1/4,8", "--out", dir}
}

// What sim --out writes is a result directory like any other, and it is verified
// until a byte of it changes.
func TestSimDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sim")
	if status, out, errs := cli(append([]string{"sim"}, small(dir)...)...); status != 0 || !strings.Contains(out, "over flat") {
		t.Fatalf("status %d, prints %q and %q", status, out, errs)
	}
	for _, file := range []string{"results.txt", "run.json", "index.html", "throughput.svg", "speedup.png", "machine-skx-2x8180.svg"} {
		if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
			t.Error(err)
		}
	}
	res, err := harness.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	// 2 presets, 3 arms, 2 workloads; 1/4 of 8 CPUs and of 112, and 8.
	if res.Meta.Place != harness.Simulated || !res.Meta.Complete() || len(res.Measurements) != 24 || !res.Measurements[0].Exact {
		t.Errorf("%+v with %d measurements", res.Meta, len(res.Measurements))
	}
	again, err := os.ReadFile(filepath.Join(dir, "results.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if text := harness.ResultsText(&res.Meta, res.Measurements); !bytes.Equal(text, again) {
		t.Errorf("what was read is written as\n%s\nwant\n%s", text, again)
	}
	for _, args := range [][]string{{"report", dir}, {"plot", dir}, {"compare", dir, dir}, {"sim", "--verify", dir}} {
		if status, _, errs := cli(args...); status != 0 {
			t.Errorf("%v: status %d: %s", args, status, errs)
		}
	}
	if status, _, errs := cli(append([]string{"sim"}, small(dir)...)...); status != 2 || !strings.Contains(errs, "exists") {
		t.Errorf("over another run: status %d, %q", status, errs)
	}

	histograms := filepath.Join(dir, "histograms.txt")
	kept, err := os.ReadFile(histograms)
	if err != nil {
		t.Fatal(err)
	}
	if text := harness.HistogramsText(res.Measurements); !bytes.Equal(text, kept) {
		t.Errorf("what was read is written as\n%s\nwant\n%s", text, kept)
	}
	if err := os.WriteFile(histograms, bytes.Replace(kept, []byte(" wake-ns "), []byte(" wake-ns 5:1 "), 1), 0o666); err != nil {
		t.Fatal(err)
	}
	if status, _, errs := cli("sim", "--verify", dir); status != 1 || !strings.Contains(errs, "1 line differs in") || !strings.Contains(errs, "histograms.txt") {
		t.Errorf("another histogram: status %d, %q", status, errs)
	}
	if err := os.Remove(histograms); err != nil {
		t.Fatal(err)
	}
	if status, _, errs := cli("sim", "--verify", dir); status != 0 {
		t.Errorf("without histograms: status %d: %s", status, errs)
	}

	changed := bytes.Replace(again, []byte(" ns/chunk"), []byte("1 ns/chunk"), 1)
	if err := os.WriteFile(filepath.Join(dir, "results.txt"), changed, 0o666); err != nil {
		t.Fatal(err)
	}
	line := 1 + bytes.Count(again[:bytes.Index(again, []byte(" ns/chunk"))], []byte("\n"))
	status, out, errs := cli("sim", "--verify", dir)
	if want := "results.txt:" + strconv.Itoa(line); status != 1 || !strings.Contains(out, want) || !strings.Contains(errs, "1 line differs in") {
		t.Errorf("a changed byte: status %d, prints %q and %q, want %s", status, out, errs, want)
	}
	if err := os.WriteFile(filepath.Join(dir, "results.txt"), again[:len(again)-1], 0o666); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := cli("sim", "--verify", dir); status != 1 {
		t.Errorf("a missing byte: status %d", status)
	}
}

func TestVerifyWantsSimulatedResults(t *testing.T) {
	for _, args := range [][]string{
		{"sim", "--verify", filepath.Join("testdata", "onenode")},
		{"sim", "--verify", "nowhere"},
		{"sim", "--preset", "synthetic:2x2", "--out", "x", "--json"},
	} {
		if status, _, errs := cli(args...); status != 2 || strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: status %d, %q", args, status, errs)
		}
	}
}

// --claims wants a folder, no flag that it ignores, and does not write over other results: a
// finished run is not written again, and one of another command not gone on with.
func TestSimClaimsBadInput(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "claims.txt"), []byte("# experiments sim --claims --full\n\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"sim", "--claims"}, "--claims: want --out DIR"},
		{[]string{"sim", "--claims", "--arm", "numa", "--out", "x"}, "--claims and --arm exclude each other"},
		{[]string{"sim", "--claims", "--preset", "vax", "--out", "x"}, `preset "vax"`},
		{[]string{"sim", "--claims", "--preset", "synthetic:2x2", "--out", dir}, "claims.txt is of another command"},
		{[]string{"sim", "--claims", "--preset", "synthetic:2x2", "--out", filepath.Join("testdata", "onenode")}, "it exists: want a folder that does not"},
	} {
		if status, _, errs := cli(c.args...); status != 2 || !strings.Contains(errs, c.want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: status %d, %q; want 2 and %q", c.args, status, errs, c.want)
		}
	}
}

// A claim table is a result directory. Report shows it, and --verify makes it again until a
// byte of it changes.
func TestSimClaims(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "claims")
	args := []string{"sim", "--claims", "--preset", "synthetic:2x2", "--workload", "fib:n=10,triad:n=16384", "--out", dir}
	status, out, errs := cli(args...)
	if status != 0 || !strings.Contains(out, "what is claimed of numa") || !strings.Contains(out, "Aim, all that is judged by time") {
		t.Fatalf("status %d, prints %q and %q", status, out, errs)
	}
	for _, args := range [][]string{{"report", dir}, {"sim", "--verify", dir}} {
		if status, _, errs := cli(args...); status != 0 {
			t.Errorf("%v: status %d: %s", args, status, errs)
		}
	}
	page, err := os.ReadFile(filepath.Join(dir, "index.html"))
	if err != nil || !bytes.Contains(page, []byte("what is claimed of numa")) {
		t.Errorf("the page has no claim table (%v)", err)
	}
	if status, _, errs := cli(args...); status != 2 || !strings.Contains(errs, "it exists") {
		t.Errorf("over a finished one: status %d, %q", status, errs)
	}
	file := filepath.Join(dir, "claims.txt")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.Replace(text, []byte("seed=2 "), []byte("seed=2 9"), 1), 0o666); err != nil {
		t.Fatal(err)
	}
	if status, out, _ := cli("sim", "--verify", dir); status != 1 || !strings.Contains(out, "claims.txt:") {
		t.Errorf("a changed byte: status %d, prints %q", status, out)
	}
}
