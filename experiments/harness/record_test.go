package harness

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/perf/benchfmt"
)

var fibLine = Measurement{
	Cell: Cell{"fib", "n=27", "numa", "2n1l4c2t", 8},
	Runs: 3,
	Values: []Value{
		{49.4, "ns/task"}, {97.5, Local.Unit}, {1.5e-6, "steals-local/task"}, {0, "steals-remote/task"},
	},
}

func TestResultLineIsBenchmarkFormat(t *testing.T) {
	want := "BenchmarkFib/arm=numa/topo=2n1l4c2t/P=8/n=27 3 49.4 ns/task 97.5 local-% 1.5e-06 steals-local/task 0 steals-remote/task\n"
	if got := string(line(&fibLine)); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	m := plan(1, "fib heat", "flat")
	m.Command = []string{"two\nlines"}
	b := bytes.NewBuffer(header(m))
	b.Write(line(&fibLine))
	b.Write(line(&fibLine))
	got, err := ReadMeasurements(b, "x")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Measurement{fibLine, fibLine}, got); diff != "" {
		t.Error(diff)
	}
}

// benchstat is the reader that users have: it must find no syntax error, the
// configuration, and the direction of units.
func TestBenchstatReadsTheHeader(t *testing.T) {
	m := plan(1, "fib", "flat")
	m.Machine.CPU.Model = "Made-up CPU"
	b := bytes.NewBuffer(header(m))
	b.Write(line(&fibLine))
	r := benchfmt.NewReader(b, "x")
	results := 0
	for r.Scan() {
		switch rec := r.Result().(type) {
		case *benchfmt.SyntaxError:
			t.Error(rec)
		case *benchfmt.Result:
			results++
			if got := rec.GetConfig("cpu"); got != "Made-up CPU" {
				t.Errorf("cpu: %q", got)
			}
		}
	}
	if results != 1 {
		t.Errorf("%d results, want 1", results)
	}
	for unit, want := range map[string]int{"sec/task": -1, Local.Unit: 1} {
		if got := r.Units().GetBetter(unit); got != want {
			t.Errorf("better of %s: %d, want %d", unit, got, want)
		}
	}
}

func TestBadResultLinesNameFileLineAndColumn(t *testing.T) {
	const cell = "BenchmarkFib/arm=a/topo=b/P=1 1 "
	for _, c := range []struct{ name, text, want string }{
		{"not ours", "place: host\n\nBenchmarkSort-8 100 12 ns/op\n", "f.txt:3:1: benchmark name"},
		{"no time first", cell + "97 local-%\n", "f.txt:1:36: first value is in \"local-%\""},
		{"time of nothing", cell + "97 ns/\n", "f.txt:1:36: first value is in \"ns/\""},
		{"zero time", cell + "0 ns/task\n", "f.txt:1:33: 0 ns/task: want a time from 1e-09 to 1e+18"},
		{"negative time", cell + "-1 ns/task\n", "f.txt:1:33: -1 ns/task: want a time"},
		{"infinite time", cell + "+Inf ns/task\n", "f.txt:1:33: +Inf ns/task: want a time"},
		{"no time", cell + "NaN ns/task\n", "f.txt:1:33: NaN ns/task: want a time"},
		{"long time", cell + "1e300 ns/task\n", "f.txt:1:33: 1e+300 ns/task: want a time"},
		{"short time", cell + "1e-300 ns/task\n", "f.txt:1:33: 1e-300 ns/task: want a time"},
		{"not a number", cell + "x ns/task\n", "f.txt:1:33: \"x\": want a number"},
		{"no unit", cell + "1\n", "f.txt:1:34: the line ends: want the unit of 1"},
		{"nothing", "BenchmarkFib/arm=a/topo=b/P=1 1\n", "f.txt:1:32: the line ends: want a value and its unit"},
		{"no number of runs", "BenchmarkFib/arm=a/topo=b/P=1 many 1 ns/task\n", "f.txt:1:31: \"many\": want the number of runs"},
		{"no part", "part: x\n\n" + cell + "1 ns/task\n", "f.txt:1:7: part: \"x\": want the number of a run"},
		{"two times", cell + "1 ns/task 2 ns/task\n", "f.txt:1:45: two values in ns/task: want one"},
		{"two of a unit", cell + "1 ns/task 2 local-% 2 local-%\n", "f.txt:1:55: two values in local-%: want one"},
		{"another unit", cell + "1 ns/task\n" + strings.Replace(cell, "=a", "=c", 1) + "1 ns/op\n", "f.txt:2:35: time in ns/op: want ns/task"},
		{"more than all", cell + "1 ns/task 101 local-%\n", "f.txt:1:43: 101 local-%: want 0 to 100"},
		{"less than none", cell + "1 ns/task -1 steals-local/task\n", "f.txt:1:43: -1 steals-local/task: want 0 to"},
		{"infinite steals", cell + "1 ns/task +Inf steals-local/task\n", "f.txt:1:43: +Inf steals-local/task: want 0 to"},
		{"unknown share", cell + "1 ns/task NaN bound-%\n", "f.txt:1:43: NaN bound-%: want 0 to 100"},
		{"no runs", "BenchmarkFib/arm=a/topo=b/P=1 0 1 ns/task\n", "f.txt:1:31: 0 runs: want 1 to"},
		{"P=0", "BenchmarkFib/arm=a/topo=b/P=0 1 1 ns/task\n", "want P=1 to P="},
		{"P=-1", "BenchmarkFib/arm=a/topo=b/P=-1 1 1 ns/task\n", "want P=1 to P="},
		{"many Ps", "BenchmarkFib/arm=a/topo=b/P=9223372036854775807 1 1 ns/task\n", "want P=1 to P="},
	} {
		_, err := ReadMeasurements(strings.NewReader(c.text), "f.txt")
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "f.txt:") {
			t.Errorf("%s: error %v, want %q in it", c.name, err, c.want)
		}
	}
}

func TestHalfALastLineIsLeftOutAndSaid(t *testing.T) {
	whole, err := os.ReadFile(filepath.Join("..", "testdata", "onenode", ResultsFile))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Count(string(whole), "\nBenchmark")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "testdata", "onenode"))); err != nil {
		t.Fatal(err)
	}
	for cut := range 200 {
		text := whole[:len(whole)-cut]
		if err := os.WriteFile(filepath.Join(dir, ResultsFile), text, 0o666); err != nil {
			t.Fatal(err)
		}
		res, err := Load(dir)
		if err != nil {
			t.Fatalf("%d bytes cut off: %v", cut, err)
		}
		if want := lines - strings.Count(string(whole[len(wholeLines(text)):]), "Benchmark"); len(res.Measurements) != want {
			t.Errorf("%d bytes cut off: %d measurements, want %d, those whose lines are whole", cut, len(res.Measurements), want)
		}
		said := strings.Contains(strings.Join(res.Meta.Notes(), "\n"), "The last line of results.txt has no end")
		if half := text[len(text)-1] != '\n'; said != half {
			t.Errorf("%d bytes cut off: said to be cut off: %v, want %v", cut, said, half)
		}
	}
}

func TestHalfALineIsDropped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results.txt")
	for text, want := range map[string]string{"": "", "half": "", "a\nb\n": "a\nb\n", "a\nhalf": "a\n"} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := dropPartialLine(path); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); string(got) != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestProcStat(t *testing.T) {
	const text = "cpu  100 20 30 9000 500 6 7 8 50 0\ncpu0 50 10 15 4500 250 3 3 4 25 0\ncpu1 50 10 15 4500 250 3 4 4 25 0\nintr 1 2 3\n"
	busy, cpus, ok := parseStat([]byte(text))
	if want := 171; !ok || cpus != 2 || busy.Milliseconds() != int64(want)*10 {
		t.Errorf("busy %v on %d CPUs, %v; want %d ticks on 2: all but idle, iowait and the guests' share of user time", busy, cpus, ok, want)
	}
	for _, bad := range []string{"", "cpu  1 2 3\n", "cpu  a b c d e\ncpu0 1 2 3 4 5\n"} {
		if _, _, ok := parseStat([]byte(bad)); ok {
			t.Errorf("%q is taken for /proc/stat", bad)
		}
	}
}

func TestProcessorNamesAreTrimmed(t *testing.T) {
	if got := trimModel("  AMD  EPYC\x00\x00\x00junk"); got != "AMD EPYC" {
		t.Errorf("%q", got)
	}
	if c := processor(); strings.ContainsRune(c.Model+c.Vendor, 0) {
		t.Errorf("zero bytes in %q", c.Model)
	}
}
