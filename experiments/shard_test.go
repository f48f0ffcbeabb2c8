package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"numasched/experiments/harness"
)

// The parts of a sweep, merged, are what the whole has.
func TestMergedShardsAreTheWhole(t *testing.T) {
	t.Chdir(t.TempDir())
	whole := append([]string{"sim"}, small("whole")...)
	if status, _, errs := cli(whole...); status != 0 {
		t.Fatal(errs)
	}
	for _, part := range []string{"1/3", "2/3", "3/3"} {
		args := append([]string{"sim", "--shard", part}, small("part"+part[:1])...)
		if status, _, errs := cli(args...); status != 0 {
			t.Fatal(errs)
		}
	}
	if status, _, errs := cli("merge", "--out", "merged", "part1", "part2", "part3"); status != 0 {
		t.Fatal(errs)
	}
	values := func(dir string) map[string][]harness.Value {
		res, err := harness.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		all := map[string][]harness.Value{}
		for _, m := range res.Measurements {
			all[m.Name()] = m.Values
		}
		return all
	}
	want, got := values("whole"), values("merged")
	if len(got) != len(want) {
		t.Errorf("%d cells, want %d", len(got), len(want))
	}
	for name, vs := range want {
		for i, v := range vs {
			if len(got[name]) != len(vs) || got[name][i] != v {
				t.Errorf("%s: %v, want %v", name, got[name], vs)
				break
			}
		}
	}
}

// A shard of a measurement has all arms of what it has, and the shards have everything
// once.
func TestShardsOfARunKeepArmsTogether(t *testing.T) {
	seen := map[string]int{}
	for _, part := range []string{"1/2", "2/2"} {
		f := runFlags{arms: "flat,numa", workloads: "fib,triad,spawn", topos: "host", procs: "1"}
		if err := f.shard.Set(part); err != nil {
			t.Fatal(err)
		}
		meta, _, err := f.plan()
		if err != nil {
			t.Fatal(err)
		}
		arms := map[string]int{}
		for _, c := range meta.Plan.Cells {
			seen[c.Name()]++
			arms[c.Workload]++
		}
		for load, n := range arms {
			if n != 2 {
				t.Errorf("shard %s has %d arms of %s, want both", part, n, load)
			}
		}
	}
	for name, n := range seen {
		if n != 1 || len(seen) != 6 {
			t.Errorf("%s is in %d shards; %d cells, want 6", name, n, len(seen))
		}
	}
}

// The shards of a claim table, in any order, merge to what one command writes: every byte
// of its claims, its results and its histograms, and the command that made them, so that
// --verify makes them again.
func TestMergedShardsAreTheClaimTable(t *testing.T) {
	small := func(more ...string) []string {
		return append([]string{"sim", "--claims", "--full", "--preset", "synthetic:2x2", "--workload", "fib:n=8,triad:n=8192"}, more...)
	}
	must := func(args ...string) {
		t.Helper()
		if status, _, errs := cli(args...); status != 0 {
			t.Fatalf("%v: %s", args, errs)
		}
	}
	t.Chdir(t.TempDir())
	must(small("--out", "whole")...)
	must(small("--shard", "1/3", "--out", "part1")...)
	must(small("--shard=2/3", "--out=part2")...)
	must(small("--shard", "3/3", "--out", "part3")...)
	if err := os.Mkdir("merged", 0o777); err != nil {
		t.Fatal(err)
	}
	whole, err := filepath.Abs("whole")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dirs []string
		want string
	}{
		{[]string{"part1", "part3"}, "shard 2/3 is missing"},
		{[]string{"part1", "part2"}, "shard 3/3 is missing"},
		{[]string{"part1", "part2", "part2", "part3"}, "the same shard, 2/3"},
		{[]string{"whole", "part2"}, "whole is no shard"},
	} {
		if status, _, errs := cli(append([]string{"merge", "--out", "bad"}, c.dirs...)...); status != 2 || !strings.Contains(errs, c.want) {
			t.Errorf("%v: status %d, %q; want 2 and %q", c.dirs, status, errs, c.want)
		}
	}
	_, out, _ := cli("report", "part2")
	if flat := strings.Join(strings.Fields(out), " "); strings.Contains(flat, "is claimed") || !strings.Contains(flat, `has a part of one: "experiments merge"`) {
		t.Errorf("of a part of a claim table, report says:\n%s", out)
	}
	must("sim", "--verify", "part2")
	// What was cut off goes on with the pieces that are not there.
	const part = "part3"
	kept := read(t, filepath.Join(part, "claims.txt"))
	if err := os.RemoveAll(part); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(part, 0o777); err != nil {
		t.Fatal(err)
	}
	at := strings.LastIndex(kept, "block ")
	if err := os.WriteFile(filepath.Join(part, "claims.txt"), []byte(kept[:at]), 0o666); err != nil {
		t.Fatal(err)
	}
	status, _, errs := cli(small("--shard", "3/3", "--out", part)...)
	if done := strings.Count(kept[:at], "block "); status != 0 || !strings.Contains(errs, fmt.Sprintf("%d of %d pieces are there", done, done+1)) {
		t.Errorf("gone on: status %d, says %q", status, errs)
	}
	if got := read(t, filepath.Join(part, "claims.txt")); got != kept {
		t.Errorf("gone on:\n%s\nat once:\n%s", got, kept)
	}
	parts := []string{"part3", "part1", "part2"}
	for i, dir := range parts {
		if parts[i], err = filepath.Abs(dir); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir("merged") // where the table has the name that the whole has
	must(append([]string{"merge", "--out", "whole"}, parts...)...)
	for _, file := range []string{"claims.txt", harness.ResultsFile, harness.HistogramsFile} {
		if want, got := read(t, filepath.Join(whole, file)), read(t, filepath.Join("whole", file)); got != want {
			t.Errorf("%s, merged:\n%s\nin one go:\n%s", file, got, want)
		}
	}
	if longTests() { // a part has been verified above
		must("sim", "--verify", "whole")
	}
	must("report", "whole")
}

// Merge refuses directories whose commands do not write the shards of one claim table, and
// makes nothing of them.
func TestMergeRefusesWhatIsNoShardOfAClaimTable(t *testing.T) {
	t.Chdir(t.TempDir())
	// command returns a shard's command in which one word is another, or several.
	command := func(dir, part, word, other string) []string {
		var words []string
		for _, w := range strings.Fields("experiments sim --claims --preset=synthetic:2x2 --workload fib:n=8,triad:n=8192 --shard " + part + " --out " + dir) {
			if w == word {
				words = append(words, strings.Fields(other)...)
				continue
			}
			words = append(words, w)
		}
		return words
	}
	parts := map[string]string{"part1": "1/2", "part2": "2/2"}
	for dir, part := range parts {
		if status, _, errs := cli(command(dir, part, "", "")[1:]...); status != 0 {
			t.Fatal(errs)
		}
	}
	// record makes words the command that dir was written by.
	record := func(dir string, words []string) {
		path := filepath.Join(dir, harness.MetaFile)
		var meta map[string]json.RawMessage
		if err := json.Unmarshal([]byte(read(t, path)), &meta); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(words)
		if err != nil {
			t.Fatal(err)
		}
		meta["command"] = text
		if text, err = json.Marshal(meta); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	const notOne = "part1 is no shard of a claim table"
	in := "the command in " + filepath.Join("part1", harness.MetaFile) + ": "
	for _, c := range []struct{ word, other, want string }{
		{"sim", "run", notOne},
		{"sim", "", notOne},
		{"--claims", "", notOne},
		{"--claims", "--claims=false", notOne},
		{"--claims", "--check", in + "--out and --check exclude each other"},
		{"--claims", "--claims --frob", in + `unknown flag "--frob"`},
		{"--claims", "--claims --arm flat", in + "--claims and --arm exclude each other"},
		{"--claims", "--claims word", in + `unexpected argument "word"`},
		{"--claims", "--claims -- --full", in + `unexpected argument "--full"`},
		{"--shard", "--seed 1 --shard=half --shard", in + `--shard "half"`},
		{"--shard", "--seed", in + `--seed "1/2"`},
		{"--out", "", in + `unexpected argument "part1"`},
	} {
		for dir, part := range parts {
			record(dir, command(dir, part, c.word, c.other))
		}
		if status, _, errs := cli("merge", "--out", "bad", "part1", "part2"); status != 2 || !strings.Contains(errs, c.want) {
			t.Errorf("%q for %q: status %d, %q; want 2 and %q", c.other, c.word, status, errs, c.want)
		}
		if _, err := os.Stat("bad"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q for %q: merge made a directory", c.other, c.word)
		}
	}
	for _, words := range [][]string{{}, {"experiments"}} {
		record("part1", words)
		if status, _, errs := cli("merge", "--out", "bad", "part1", "part2"); status != 2 || !strings.Contains(errs, notOne) {
			t.Errorf("command %q: status %d, %q; want 2 and %q", words, status, errs, notOne)
		}
	}
	for dir, part := range parts {
		record(dir, command(dir, part, "", ""))
	}
	if status, _, errs := cli("merge", "--out", "good", "part1", "part2"); status != 0 {
		t.Fatal(errs)
	}
	if head, _, _ := strings.Cut(read(t, filepath.Join("good", "claims.txt")), "\n"); head != "# experiments sim --claims --preset=synthetic:2x2 --workload fib:n=8,triad:n=8192 --out good" {
		t.Errorf("the merged table is of %q", head)
	}
}

func TestBadShards(t *testing.T) {
	for _, args := range []string{"run --shard 9/9 --workload fib --arm flat --out x", "sim --preset synthetic:2x2 --shard 9/9", "sim --shard half",
		"sim --claims --preset synthetic:2x2 --workload fib:n=8,triad:n=8192 --shard 3/3 --out x", "sim --claims --shard 2/1 --out x"} {
		if status, _, errs := cli(strings.Fields(args)...); status != 2 || !strings.Contains(errs, "--shard") {
			t.Errorf("%s: status %d, %q", args, status, errs)
		}
	}
}
