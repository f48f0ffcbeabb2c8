package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"numasched/experiments/harness"
	"numasched/experiments/report"
	"numasched/experiments/usage"
)

// cli runs the command line and returns what it printed.
func cli(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = dispatch(args, &out, &errs)
	return status, out.String(), errs.String()
}

// tiny is a run of a few milliseconds.
func tiny(out string, more ...string) []string {
	return append([]string{"run", "--arm", "flat,numa,goroutine", "--workload", "fib:n=10", "--procs", "1", "--reps", "2", "--time", "1ms", "--out", out}, more...)
}

func TestHelpListsEveryCommandAndEachExplainsItself(t *testing.T) {
	status, help, _ := cli("--help")
	if status != 0 {
		t.Errorf("status %d", status)
	}
	if status, again, _ := cli("help"); status != 0 || again != help {
		t.Errorf("help: status %d, prints %q; --help prints %q", status, again, help)
	}
	if status, again, _ := cli("-help"); status != 0 || again != help {
		t.Errorf("-help: status %d, prints %q; --help prints %q", status, again, help)
	}
	for _, c := range newRoot(nil, io.Discard, io.Discard).Commands() {
		if !strings.Contains(help, "\n  "+c.Name()+" ") {
			t.Errorf("%s is not in the help", c.Name())
		}
		for _, args := range [][]string{{c.Name(), "--help"}, {"help", c.Name()}} {
			status, out, errs := cli(args...)
			if status != 0 || errs != "" || !strings.Contains(out, "Usage:\n  experiments "+c.Name()) {
				t.Errorf("%v: status %d, prints %q and %q", args, status, out, errs)
			}
		}
	}
	_, out, _ := cli("run", "--help")
	for _, name := range append(usage.ArmNames(), usage.WorkloadNames()...) {
		if !strings.Contains(out, " "+name+" ") {
			t.Errorf("run --help does not know %s", name)
		}
	}
}

// What was asked for nothing says what there is, and fails.
func TestWithoutACommandTheHelpIsAnError(t *testing.T) {
	if status, out, errs := cli(); status != 2 || out != "" || !strings.Contains(errs, "\n  experiments [command]") {
		t.Errorf("status %d, prints %q and %q; want status 2 and the help on standard error", status, out, errs)
	}
}

func TestBadInputIsOneLineThatNamesItAndTheChoices(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "letter.txt")
	if err := os.WriteFile(file, []byte("dear machine"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"rum"}, []string{`unknown command "rum"`, `did you mean "run"?`, "report"}},
		{[]string{"run", "--arm", "flat,nuna"}, []string{`--arm: unknown arm "nuna"`, `did you mean "numa"?`, "numa-wrongmap", "goroutine"}},
		{[]string{"nope"}, []string{`unknown command "nope" (valid: topo, `}},
		{[]string{"run", "--arm", "all,nuna"}, []string{`--arm: unknown arm "nuna"`, `did you mean "numa"?`}},
		{[]string{"run", "--arm", ""}, []string{"--arm", "valid: gm, flat"}},
		{[]string{"run", "--workload", "fibb"}, []string{`--workload: unknown workload "fibb"`, `did you mean "fib"?`, "triad"}},
		{[]string{"run", "--workload", "fib:m=3"}, []string{"--workload: ", "fib", `unknown size "m"`, "want n"}},
		{[]string{"run", "--workload", "fib:n=three"}, []string{`"n=three"`, "want name=number"}},
		{[]string{"run", "--workload", "fib:n=1000000"}, []string{"n=1000000", "out of range"}},
		{[]string{"run", "--prosc", "2"}, []string{`unknown flag "--prosc"`, `did you mean "--procs"?`}},
		{[]string{"run", "--procs", "two"}, []string{`--procs "two"`, "as in 1,2,4"}},
		{[]string{"run", "--procs", "0"}, []string{"--procs 0 is impossible", "want 1 to"}},
		{[]string{"run", "--procs", "1,-1"}, []string{"--procs -1 is impossible", "want 1 to"}},
		{[]string{"run", "--procs", "1000000000"}, []string{"--procs 1000000000 is impossible", "want 1 to"}},
		{[]string{"run", "--topology", "synthetic:2x1", "--procs", "3"}, []string{"--procs 3 is impossible", "1 to 2"}},
		{[]string{"run", "--topology", file}, []string{"--topology", "letter.txt"}},
		{[]string{"run", "--topology", "synthetic:2x0"}, []string{"--topology", "2x0"}},
		{[]string{"run", "--topology", filepath.Join(dir, "none.tar.gz")}, []string{"--topology", "none.tar.gz"}},
		{[]string{"run", "--topology", ""}, []string{"--topology", "synthetic:NxC", "skx-2x8180"}},
		{[]string{"run", "--workload", ""}, []string{"--workload", "fib", "quick"}},
		{[]string{"run", "--reps", "-1"}, []string{"--reps -1", "want 1 to"}},
		{[]string{"run", "--reps", "0"}, []string{"--reps 0", "want 1 to"}},
		{[]string{"run", "--reps", "x"}, []string{`--reps "x"`, "want a whole number"}},
		{[]string{"run", "--reps", "9999999999999999999999"}, []string{`--reps "9999999999999999999999"`, "want a whole number"}},
		{[]string{"run", "--out", ""}, []string{`--out ""`, "want a directory"}},
		{[]string{"run", "--seed", "-1"}, []string{`--seed "-1"`, "want a whole number from 0"}},
		{[]string{"run", "--budget", "1"}, []string{`--budget "1"`, "as in 500ms"}},
		{[]string{"run", "--budget", "0s"}, []string{"--budget 0s", "more than nothing"}},
		{[]string{"run", "--budget", "1ns", "--arm", "flat,numa", "--workload", "fib", "--procs", "1", "--reps", "3"}, []string{"--budget 1ns: want at least 10ms for 3 repetitions of 2 cells"}},
		{[]string{"run", "--time", "x"}, []string{`--time "x"`, "as in 500ms"}},
		{[]string{"run", "--time", "0"}, []string{"--time 0s", "more than nothing"}},
		{[]string{"run", "--time", "-1s"}, []string{"--time -1s", "more than nothing"}},
		{[]string{"run", "--quick=perhaps"}, []string{`--quick "perhaps"`, "want true or false"}},
		{[]string{"run", "--arm"}, []string{"--arm", "want a LIST after it"}},
		{[]string{"run", "--time", "1s", "--budget", "1s"}, []string{"--time and --budget"}},
		{[]string{"run", "fib"}, []string{`unexpected argument "fib"`}},
		{[]string{"run", "-arm", "flat"}, []string{`unknown flag "-arm"`, `did you mean "--arm"?`}},
		{[]string{"run", "-quick"}, []string{`unknown flag "-quick"`, `did you mean "--quick"?`}},
		{[]string{"run", "-x=3"}, []string{`unknown flag "-x=3"`, "--arm"}},
		{[]string{"run", "--", "--quick"}, []string{`unexpected argument "--quick"`}},
		{[]string{"--prosc"}, []string{`unknown flag "--prosc"`, "--version"}},
		{[]string{"-verbose"}, []string{`unknown flag "-verbose"`}},
		{[]string{"rum", "--arm", "flat"}, []string{`unknown command "rum"`, `did you mean "run"?`}},
		{[]string{"--arm", "run"}, []string{`unknown flag "--arm"`}},
		{[]string{"help", "rum"}, []string{`unknown command "rum"`, `did you mean "run"?`}},
		{[]string{"topo", "skx-8s"}, []string{`"skx-8s"`, "did you mean --from skx-8s?"}},
		{[]string{"topo", "--from", "skx-2x818"}, []string{`--from: topology "skx-2x818"`, `did you mean "skx-2x8180"?`}},
		{[]string{"topo", "--from", "preset:skx-2x818"}, []string{`--from: unknown preset "skx-2x818"`, `did you mean "skx-2x8180"?`}},
		{[]string{"run", "--topology", "skx-9s"}, []string{`--topology: topology "skx-9s"`, `did you mean "skx-8s"?`}},
		{[]string{"sim", "--preset", "synthetic:2x2", "--arm", "nuna"}, []string{`--arm: unknown arm "nuna"`, `did you mean "numa"?`}},
		{[]string{"explore", "--arm", "nuna"}, []string{`--arm: unknown arm "nuna"`, `did you mean "numa"?`}},
		{[]string{"sim", "--preset", "likwid-e5-268"}, []string{`--preset: preset "likwid-e5-268"`, `did you mean "likwid-e5-2680"?`}},
		{[]string{"topo", "--from"}, []string{"--from: want a FROM after it"}},
		{[]string{"doctor", "x"}, []string{`unexpected argument "x"`}},
		{[]string{"doctor", "--watch", "2h"}, []string{"--watch 2h0m0s", "want a duration from 0s to 1m"}},
		{[]string{"doctor", "--watch", "2"}, []string{`--watch "2"`, "as in 500ms"}},
		{[]string{"capture"}, []string{"want the name of one file", "got 0"}},
		{[]string{"capture", "a", "b"}, []string{"want the name of one file", "got 2"}},
		{[]string{"peers", "--workload", "fibb"}, []string{`experiments peers: --workload: unknown workload "fibb"`, `did you mean "fib"?`}},
		{[]string{"peers", "--procs", "two"}, []string{`experiments peers: --procs "two"`}},
		{[]string{"calibrate", "--otu", "x.json"}, []string{`unknown flag "--otu"`, `did you mean "--out"?`}},
		{[]string{"man"}, []string{"want one directory", "got 0"}},
		{[]string{"man", filepath.Join(file, "below")}, []string{"letter.txt"}},
		{[]string{"completion", "tcsh"}, []string{`unknown shell "tcsh"`, "bash, zsh, fish, powershell"}},
		{[]string{"completion"}, []string{"want a shell: bash, zsh, fish, powershell"}},
		{[]string{"completion", "bash", "more"}, []string{`unexpected argument "more"`}},
		{[]string{"run", "--resume"}, []string{"--resume", "want --out DIR"}},
		{tiny(filepath.Join(dir, "none"), "--resume"), []string{"--resume", "none", "no such directory", "no run to go on with"}},
		{tiny(filepath.Join(file, "below")), []string{"--out", "letter.txt"}},
		{tiny(file), []string{"--out", "letter.txt", "it is a file: want a folder"}},
		{tiny(file, "--resume"), []string{"--out", "letter.txt", "it is a file: want a folder"}},
		{tiny(dir), []string{"--out", dir, "exists and is not a run", "choose another directory"}},
		{tiny(dir, "--resume"), []string{"--out", "cannot resume"}},
		{[]string{"plot", "--frob"}, []string{`unknown flag "--frob"`, "valid: --baseline"}},
		{[]string{"plot"}, []string{"want one result directory"}},
		{[]string{"run", "--arm", "flat,numa", "--baseline", "nuna"}, []string{"--baseline", `unknown arm "nuna"`, `did you mean "numa"?`}},
		{[]string{"report", filepath.Join("testdata", "onenode"), "--baseline", "numa-pin"}, []string{"--baseline", `unknown arm "numa-pin"`, "gm, flat, numa, goroutine"}},
		{[]string{"plot", filepath.Join("testdata", "onenode"), "--baseline", "numa-pin"}, []string{"--baseline", `unknown arm "numa-pin"`}},
		{[]string{"compare", filepath.Join("testdata", "onenode"), filepath.Join("testdata", "scaling"), "--baseline", "goroutine"}, []string{"--baseline", "scaling", `unknown arm "goroutine"`}},
		{[]string{"plot", dir}, []string{"not a result directory"}},
		{[]string{"report", filepath.Join(dir, "none")}, []string{"none: no such directory"}},
		{[]string{"report", file}, []string{"letter.txt: it is a file: want a result directory"}},
		{[]string{"report", filepath.Join("testdata", "onenode"), "--tex", "-"}, []string{`--tex "-": want a file`}},
		{[]string{"sim", "--verify", ""}, []string{`--verify "": want a directory`}},
		{[]string{"sim", "--scenario", ""}, []string{`--scenario "": want a file`}},
		{[]string{"topo", "--svg", ""}, []string{`--svg "": want a file`}},
		{[]string{"trace", "--out", "-"}, []string{`--out "-": want a file`}},
		{[]string{"topo", "--svg", "a", "--png", "a"}, []string{"--svg and --png are both a: want two files"}},
		{[]string{"capture", ""}, []string{`experiments capture: "": want a file`}},
		{[]string{"man", ""}, []string{`experiments man: "": want a directory`}},
		{[]string{"man", "-"}, []string{`experiments man: "-": want a directory`}},
		{[]string{"report", "testdata", ""}, []string{`experiments report: "": want a directory`}},
		{[]string{"compare", dir}, []string{"want two result directories"}},
		{[]string{"compare", dir, dir}, []string{"not a result directory"}},
	} {
		status, out, errs := cli(c.args...)
		if status != 2 || out != "" {
			t.Errorf("%v: status %d, want 2; prints %q", c.args, status, out)
		}
		if strings.Count(errs, "\n") != 1 || !strings.HasSuffix(errs, "\n") {
			t.Errorf("%v: not one line: %q", c.args, errs)
		}
		for _, w := range c.want {
			if !strings.Contains(errs, w) {
				t.Errorf("%v: %q does not say %q", c.args, errs, w)
			}
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("bad input has left %d files behind", len(entries)-1)
	}
}

// Commands that run a scheduler on this host read NUMASCHED, and refuse what they cannot read before
// they make anything. Others do not look at it.
func TestAWrongEnvironmentIsRefusedWhereItIsRead(t *testing.T) {
	t.Setenv("NUMASCHED", "schedtrace=x")
	dir := t.TempDir()
	for _, args := range [][]string{
		tiny(filepath.Join(dir, "run")),
		{"peers", "--arm", "flat", "--out", filepath.Join(dir, "peers")},
		{"trace", "--out", filepath.Join(dir, "trace.json")},
		{"calibrate", "--out", filepath.Join(dir, "host.json")},
	} {
		status, out, errs := cli(args...)
		if status != 2 || out != "" || !strings.HasPrefix(errs, "experiments "+args[0]+`: sched: NUMASCHED: "schedtrace=x": want`) {
			t.Errorf("%v: status %d, %q, want 2 and NUMASCHED alone", args, status, errs)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
	for _, args := range [][]string{
		{"sim", "--preset", "synthetic:1x1", "--workload", "fib:n=5"},
		{"trace", "--preset", "synthetic:1x1", "--workload", "fib:n=5", "--out", filepath.Join(dir, "simulated.json")},
		{"explore", "--program", "spawn", "--bound", "0", "--limit", "1", "--pct", "1"},
		{"topo"},
	} {
		if status, _, errs := cli(args...); status != 0 {
			t.Errorf("%v: status %d, %q", args, status, errs)
		}
	}
}

func TestEveryCommandRefusesUnknownFlagsAndSurplusArguments(t *testing.T) {
	var all [][]string
	for _, cmd := range newRoot(nil, io.Discard, io.Discard).Commands() {
		all = append(all, []string{cmd.Name()})
		for _, sub := range cmd.Commands() {
			all = append(all, []string{cmd.Name(), sub.Name()})
		}
	}
	for _, args := range all {
		for _, c := range []struct {
			more []string
			want string
		}{
			{[]string{"--no-such-flag"}, `unknown flag "--no-such-flag"`},
			{[]string{"-no-such-flag"}, `unknown flag "-no-such-flag"`},
			{[]string{"surplus", "surplus", "surplus"}, ""}, // none takes three
		} {
			status, out, errs := cli(append(args[:len(args):len(args)], c.more...)...)
			if status != 2 || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, c.want) {
				t.Errorf("%v %v: status %d, prints %q and %q; want status 2 and one line with %q", args, c.more, status, out, errs, c.want)
			}
		}
	}
}

// Flags may stand before, between and after arguments.
func TestFlagsStandAnywhere(t *testing.T) {
	dir, tex := copyCase(t, "onenode"), filepath.Join(t.TempDir(), "tables.tex")
	for _, args := range [][]string{{"report", "--tex", tex, dir}, {"report", dir, "--tex", tex}, {"--tex=" + tex, "report", dir}} {
		os.Remove(tex)
		status, _, errs := cli(args...)
		if _, err := os.Stat(tex); status != 0 || err != nil {
			t.Errorf("%v: status %d, %s%v", args, status, errs, err)
		}
	}
}

func TestRunMeasuresAndWritesEverything(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	status, out, errs := cli(tiny(dir)...)
	if status != 0 {
		t.Fatalf("status %d: %s", status, errs)
	}
	for _, want := range []string{"fib · n=10 · P=1", "ns/task", "tasks/s", "over flat", "steals", "others", "numa against flat:", "too few"} {
		if !strings.Contains(out, want) {
			t.Errorf("the table does not say %q:\n%s", want, out)
		}
	}
	for _, name := range []string{harness.ResultsFile, harness.MetaFile, harness.ReportFile, "throughput.svg", "throughput.png", "speedup.svg", "speedup.png"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	res, err := harness.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(res.Measurements); n != 6 || !res.Meta.Complete() {
		t.Errorf("%d measurements, want 3 arms twice", n)
	}
	if m := res.Meta; m.Build.Go == "" || m.Machine.CPUs == 0 || len(m.Topologies) != 1 || m.Topologies[0].Pretended || m.Command[1] != "run" {
		t.Errorf("metadata: %+v", m)
	}
}

func TestTheSameCellIsPlannedOnce(t *testing.T) {
	f := runFlags{arms: "flat,numa,flat", workloads: "fib:n=10,fib,fib:n=10", procs: "1,01,1", topos: "host,host", seed: 1}
	meta, _, err := f.plan()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(meta.Plan.Cells); n != 4 {
		t.Errorf("%d cells, want fib of two sizes under two arms: %v", n, meta.Plan.Cells)
	}
}

func TestPretendedNodesAreSaidToBe(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	status, out, errs := cli("run", "--arm", "flat,numa", "--workload", "fib:n=10", "--topology", "synthetic:2x1", "--reps", "1", "--time", "1ms", "--out", dir)
	if status != 0 {
		t.Fatalf("status %d: %s", status, errs)
	}
	for _, want := range []string{"PRETENDED NODES", "pretended-2n1l1c1t", "P=2", "note: The nodes of pretended-2n1l1c1t (synthetic:2x1) are pretended"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not said:\n%s", want, out)
		}
	}
}

// A virtual machine ends with the run, and its paths with it.
func TestAVirtualRunEndsWithThePathsOfItsHost(t *testing.T) {
	guest := t.TempDir()
	t.Setenv("NUMALAB", "1")
	t.Setenv("NUMALAB_RESULTS", guest)
	t.Setenv("NUMALAB_OUT", "results/mine")
	status, out, errs := cli(tiny(filepath.Join(guest, "run"))...)
	if status != 0 {
		t.Fatal(errs)
	}
	if want := "report:  " + filepath.Join("results", "mine", "run", harness.ReportFile); !strings.Contains(out, want) || strings.Contains(out, guest) {
		t.Errorf("want %q, and not %s:\n%s", want, guest, out)
	}
	for path, want := range map[string]string{guest: filepath.Join("results", "mine"), filepath.Join(guest, "..", "x"): filepath.Join(guest, "..", "x")} {
		if got := report.HostPath(path); got != want {
			t.Errorf("%s is %s on the host, want %s", path, got, want)
		}
	}
}

func TestResumingAFinishedRunMeasuresNothingAndPrintsItAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if status, _, errs := cli(tiny(dir)...); status != 0 {
		t.Fatal(errs)
	}
	before := read(t, filepath.Join(dir, harness.ResultsFile))
	status, out, errs := cli(tiny(dir, "--resume")...)
	if status != 0 || !strings.Contains(out, "fib") {
		t.Errorf("status %d, %s", status, errs)
	}
	// Another run than the one that is there is refused, and the flag named that makes it so.
	status, _, errs = cli(tiny(dir, "--resume", "--reps", "3")...)
	if status != 2 || !strings.Contains(errs, "repetitions: was 2, is now 3 (see --reps)") {
		t.Errorf("with other repetitions: status %d, %s", status, errs)
	}
	if read(t, filepath.Join(dir, harness.ResultsFile)) != before {
		t.Error("the results have changed")
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// copyCase copies a directory of made-up results.
func copyCase(t *testing.T, name string) string {
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestReportAndPlotAreFunctionsOfResults(t *testing.T) {
	dir := copyCase(t, "fournodes")
	var pages, plots [2]string
	for i := range pages {
		for _, c := range []string{"plot", "report"} {
			if status, _, errs := cli(c, dir); status != 0 {
				t.Fatalf("%s: %s", c, errs)
			}
		}
		pages[i], plots[i] = read(t, filepath.Join(dir, harness.ReportFile)), read(t, filepath.Join(dir, "speedup.svg"))
	}
	if pages[0] != pages[1] || plots[0] != plots[1] {
		t.Error("the same results gave different bytes")
	}
}

func TestPageNeedsNoOtherFile(t *testing.T) {
	dir := copyCase(t, "fournodes")
	if status, _, errs := cli("report", dir); status != 0 {
		t.Fatal(errs)
	}
	page := read(t, filepath.Join(dir, harness.ReportFile))
	for _, want := range []string{"<svg", "PRETENDED NODES", "Made-up CPU", "Locality under numa (under flat): triad", "no arm is called faster", "Mann-Whitney", "run.json"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not in the page", want)
		}
	}
	for _, bad := range []string{"src=", `rel="stylesheet"`, "@import", `href="http`, "url(http"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page refers to something outside: %s", bad)
		}
	}
}

func TestCompareFindsTheDifferenceAndSaysWhatElseDiffers(t *testing.T) {
	old, new := copyCase(t, "onenode"), copyCase(t, "onenode")
	path := filepath.Join(new, harness.ResultsFile)
	const numa = "BenchmarkPingPong/arm=numa/topo=1n1l2c1t/P=2 10 "
	slower := strings.ReplaceAll(read(t, path), numa, numa+"1") // 212 ns become 1212
	if err := os.WriteFile(path, []byte(slower), 0o666); err != nil {
		t.Fatal(err)
	}
	meta := filepath.Join(new, harness.MetaFile)
	if err := os.WriteFile(meta, []byte(strings.Replace(read(t, meta), "Linux 6.12.0", "Linux 6.13.0", 1)), 0o666); err != nil {
		t.Fatal(err)
	}
	status, out, errs := cli("compare", old, new)
	if status != 0 {
		t.Fatal(errs)
	}
	if !strings.Contains(out, "note: kernel differs: Linux 6.12.0, Linux 6.13.0") {
		t.Errorf("the other kernel is not noted:\n%s", out)
	}
	workload, rows := "", 0
	for line := range strings.Lines(out) {
		if strings.Contains(line, " · ns/") {
			workload, _, _ = strings.Cut(line, " ")
		}
		if arm, _, row := strings.Cut(strings.TrimSpace(line), " "); row && strings.Contains(line, "n=6") {
			rows++
			if changed := workload == "ping-pong" && arm == "numa"; changed != !strings.Contains(line, " ~ ") || changed && !strings.Contains(line, "+4") {
				t.Errorf("numa takes 1000 ns longer than 212 on ping-pong, all else is the same; but %s: %s", workload, line)
			}
		}
	}
	if rows != 16 {
		t.Errorf("%d rows, want 4 workloads under 4 arms", rows)
	}
	if _, out, _ := cli("compare", copyCase(t, "virtual"), copyCase(t, "virtual")); !strings.Contains(strings.Join(strings.Fields(out), " "), "no plain measurement: virtual NUMA machine: locality only") {
		t.Errorf("times of a virtual machine are compared without a word:\n%s", out)
	}
	if _, out, _ := cli("compare", copyCase(t, "onenode"), copyCase(t, "interrupted")); !strings.Contains(out, "only in") {
		t.Errorf("cells of one side only are not listed:\n%s", out)
	}
}
