package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"numasched/experiments/compare"
	"numasched/experiments/harness"
)

// cannotWrite makes dir a directory in which no figure and no page can be written,
// also by root.
func cannotWrite(t *testing.T, dir string) {
	for _, name := range []string{"." + harness.ReportFile, ".throughput.svg"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFigureThatCannotBeWrittenDoesNotHideTheTables(t *testing.T) {
	dir := copyCase(t, "onenode")
	cannotWrite(t, dir)
	for _, command := range []string{"report", "plot"} {
		status, out, errs := cli(command, dir)
		if status != 1 || strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: status %d, want 1; says %q", command, status, errs)
		}
		if command == "report" && !strings.Contains(out, "numa against flat:") {
			t.Errorf("report prints %q, want the tables all the same", out)
		}
	}
}

// A file beside results that should be a trace and is none is the user's mistake.
func TestAReportRefusesABrokenTrace(t *testing.T) {
	dir := copyCase(t, "onenode")
	name := filepath.Join(dir, "trace.json")
	for _, make := range []func() error{
		func() error { return os.WriteFile(name, []byte("{"), 0o666) },
		func() error { return os.Mkdir(name, 0o777) },
	} {
		os.Remove(name)
		if err := make(); err != nil {
			t.Fatal(err)
		}
		if status, _, errs := cli("report", dir); status != 2 || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, name) || strings.Count(errs, "want ") > 1 {
			t.Errorf("status %d, %q; want 2 and what is wrong with the file", status, errs)
		}
	}
}

func TestADirectoryThatARunWritesToIsLeftAlone(t *testing.T) {
	dir := copyCase(t, "onenode")
	lock, err := harness.LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"report", "plot"} {
		status, out, errs := cli(command, dir)
		if status != 2 || !strings.Contains(errs, "a run is under way there (pid ") {
			t.Errorf("%s: status %d, says %q", command, status, errs)
		}
		if printed := strings.Contains(out, "numa against flat:"); printed != (command == "report") {
			t.Errorf("%s prints %q", command, out)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 3 {
		t.Errorf("%d files, want results.txt, run.json and the lock", len(entries))
	}
	lock.Unlock()
	if status, _, errs := cli("plot", dir); status != 0 {
		t.Errorf("once the run is over: %s", errs)
	}
}

func TestSimulationsDoNotShareADirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sim")
	lock, err := harness.LockNewDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if status, _, errs := cli(append([]string{"sim"}, small(dir)...)...); status != 2 || !strings.Contains(errs, "a run is under way there (pid ") {
		t.Errorf("status %d, says %q", status, errs)
	}
	lock.Unlock()
	if _, err := os.Stat(dir); err == nil {
		t.Error("the directory that was made for the lock is left behind")
	}
}

func TestAReportSaysOnceWhereItsNumbersAreFrom(t *testing.T) {
	for _, name := range []string{"onenode", "fournodes", "scaling", "virtual"} {
		dir := copyCase(t, name)
		res, err := harness.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, out, _ := cli("report", dir); strings.Count(out, res.Meta.Label()+"\n") != 1 || !strings.HasPrefix(out, res.Meta.Label()) {
			t.Errorf("%s: the label %q is not there once, at the top", name, res.Meta.Label())
		}
	}
}

func TestTheBaselineMayBeAnyArm(t *testing.T) {
	dir := copyCase(t, "onenode")
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"report", dir}, []string{"over flat", "numa against flat: "}},
		{[]string{"report", dir, "--baseline", "numa"}, []string{"over numa", "flat against numa: ", "over numa: median of"}},
		{[]string{"compare", dir, dir, "--baseline", "gm"}, []string{"fib · n=27 · P=2 · 1n1l2c1t · over gm"}},
	} {
		status, out, errs := cli(c.args...)
		if status != 0 {
			t.Fatalf("%v: %s", c.args, errs)
		}
		for _, w := range c.want {
			if !strings.Contains(out, w) {
				t.Errorf("%v: %q is not in\n%s", c.args, w, out)
			}
		}
	}
	if status, _, errs := cli("plot", dir, "--baseline", "numa"); status != 0 || !strings.Contains(read(t, filepath.Join(dir, "speedup.svg")), "Speed-up over numa") {
		t.Errorf("the figure is not of speed-ups over numa: status %d, %s", status, errs)
	}
	if page := read(t, filepath.Join(dir, harness.ReportFile)); !strings.Contains(page, "over numa") {
		t.Error("the page is not of speed-ups over numa")
	}
}

func TestARunWithoutFlatComparesWithItsFirstArmOrTheOneGiven(t *testing.T) {
	for flags, want := range map[string]string{"": "goroutine", "--baseline=numa": "numa"} {
		dir := filepath.Join(t.TempDir(), "run")
		args := append([]string{"run", "--arm", "goroutine,numa", "--workload", "fib:n=10", "--procs", "1", "--reps", "2", "--time", "1ms", "--out", dir}, strings.Fields(flags)...)
		status, out, errs := cli(args...)
		if status != 0 || !strings.Contains(out, "against "+want+": ") {
			t.Errorf("%s: status %d, prints %q, %s", flags, status, out, errs)
		}
		if !strings.Contains(read(t, filepath.Join(dir, harness.MetaFile)), `"baseline": "`+want+`"`) {
			t.Errorf("%s: run.json does not say that the baseline is %s", flags, want)
		}
	}
}

func TestJSONSaysWhatTheTablesSay(t *testing.T) {
	for _, name := range []string{"onenode", "fournodes", "scaling", "virtual", "interrupted"} {
		status, out, errs := cli("report", "--json", copyCase(t, name))
		if status != 0 {
			t.Fatalf("%s: %s", name, errs)
		}
		var rep harness.Report
		dec := json.NewDecoder(strings.NewReader(out))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&rep); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		res, err := harness.Load(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if rep.Label != res.Meta.Label() || rep.Baseline != "flat" || len(rep.Groups) != len(res.Groups()) || rep.Done != len(res.Measurements) {
			t.Errorf("%s: %+v", name, rep)
		}
		for i, g := range res.Groups() {
			for j, r := range g.Rows {
				row := rep.Groups[i].Rows[j]
				if row.Arm != r.Arm || row.Repetitions != r.N {
					t.Fatalf("%s: row %+v, want arm %s", name, row, r.Arm)
				}
				if timed := res.Meta.Place.HasSpeed(); timed != (row.NsPerUnit != nil) || timed && row.NsPerUnit.Median != r.NsPerUnit.Center {
					t.Errorf("%s, %s: time %v, want %v", name, r.Arm, row.NsPerUnit, r.NsPerUnit.Center)
				}
				for _, c := range r.Counted[1:] {
					if e := row.Metrics[c.In(g.Unit)]; c.Metric != harness.Bandwidth && (e == nil || e.Median != c.Center) {
						t.Errorf("%s, %s: %s: %v, want %v", name, r.Arm, c.Unit, e, c.Center)
					}
				}
				if judged := row.OverBaseline != nil && row.OverBaseline.Verdict != ""; judged && name == "fournodes" {
					t.Errorf("%s: a verdict on the speed of pretended nodes", r.Arm)
				} else if judged && row.OverBaseline.Verdict != r.Speedup.Finding().String() {
					t.Errorf("%s, %s: verdict %q", name, r.Arm, row.OverBaseline.Verdict)
				}
			}
		}
	}
	status, out, errs := cli("compare", "--json", filepath.Join("testdata", "onenode"), filepath.Join("testdata", "onenode"))
	var c compare.Comparison
	if err := json.Unmarshal([]byte(out), &c); status != 0 || err != nil || len(c.Cells) != 16 || c.Cells[0].Old.Median != c.Cells[0].New.Median || c.Cells[0].Differs {
		t.Errorf("compare: status %d, %s, %v: %+v", status, errs, err, c)
	}
	status, out, errs = cli(tiny(filepath.Join(t.TempDir(), "run"), "--json")...)
	var rep harness.Report
	if err := json.Unmarshal([]byte(out), &rep); status != 0 || err != nil || len(rep.Groups) != 1 || len(rep.Groups[0].Rows) != 3 {
		t.Errorf("run: status %d, %s, %v: %+v", status, errs, err, rep)
	}
}

func TestNoLineIsWiderThanAPage(t *testing.T) {
	t.Chdir(copyAll(t)) // paths are short where users are
	sim := []string{"sim", "--preset", "synthetic:4x2", "--arm", "all", "--workload", "triad:n=65536,pingpong:rounds=300", "--out", "sim"}
	if status, _, errs := cli(sim...); status != 0 {
		t.Fatal(errs)
	}
	for _, args := range [][]string{
		{"report", "onenode"}, {"report", "fournodes"}, {"report", "scaling"}, {"report", "virtual"}, {"report", "interrupted"}, {"report", "sim"},
		{"sim", "--preset", "skx-2x8180", "--arm", "flat,numa-wrongmap", "--workload", "fib:n=12,pingpong:rounds=300", "--procs", "4,all"},
		{"compare", "onenode", "scaling"}, {"compare", "fournodes", "fournodes"}, {"compare", "virtual", "virtual"}, {"compare", "sim", "sim"},
	} {
		_, out, _ := cli(args...)
		for line := range strings.Lines(out) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > harness.Columns {
				t.Errorf("%v: %d columns: %s", args, n, line)
			}
		}
	}
}

// copyAll copies all directories of made-up results.
func copyAll(t *testing.T) string {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestSeveralDirectoriesAreMerged(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"a", "b"} {
		if status, _, errs := cli(tiny(dir)...); status != 0 {
			t.Fatal(errs)
		}
	}
	if status, out, errs := cli("merge", "--out", "both", "a", "b"); status != 0 || !strings.Contains(out, "of 2 runs") {
		t.Fatalf("status %d, %s%s", status, out, errs)
	}
	for _, args := range [][]string{{"report", "both"}, {"plot", "a", "b", "--out", "again"}, {"compare", "a", "b", "both"}} {
		if status, _, errs := cli(args...); status != 0 {
			t.Errorf("%v: status %d: %s", args, status, errs)
		}
	}
	for _, c := range []struct{ args, want string }{
		{"report a b", "want --out DIR"},
		{"merge a", "want --out DIR"},
		{"merge --out a b", "--out a: it exists"},
		{"merge --out twice a a", "a: its run is there already"},
		{"merge --out twice both b", "b: its run is there already"},
		{"report", "want one result directory or more"},
	} {
		if status, _, errs := cli(strings.Fields(c.args)...); status != 2 || !strings.Contains(errs, c.want) {
			t.Errorf("%s: status %d, %q, want %q", c.args, status, errs, c.want)
		}
	}
}

// A run of a workload with sleeps has how long Gs took from waking to running, in results,
// histograms and tables, and a sentence says it beside the baseline's.
func TestRunSaysHowLongWakingTakes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	status, out, errs := cli("run", "--arm", "flat,numa", "--workload", "timers:n=1:sleeps=2:sleep=20000", "--procs", "1", "--reps", "1", "--time", "1ms", "--out", dir)
	if status != 0 {
		t.Fatal(errs)
	}
	for _, want := range []string{"start p50", "start p99.9", "From wake-up to run under numa (under flat): timers start p99.9 "} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	for file, want := range map[string]string{harness.ResultsFile: " start-p99.9-ns", harness.HistogramsFile: " start-ns "} {
		if text := read(t, filepath.Join(dir, file)); strings.Count(text, want) < 2 {
			t.Errorf("%q is not there for both arms in %s:\n%s", want, file, text)
		}
	}
}
