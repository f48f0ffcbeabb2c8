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
		{49.4, "ns/task"}, {97.5, UnitLocal}, {1.5e-6, "steals-local/task"}, {0, "steals-remote/task"},
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
	for unit, want := range map[string]int{"sec/task": -1, UnitLocal: 1} {
		if got := r.Units().GetBetter(unit); got != want {
			t.Errorf("better of %s: %d, want %d", unit, got, want)
		}
	}
}

func TestBadResultLinesNameFileAndLine(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"not ours", "place: host\n\nBenchmarkSort-8 100 12 ns/op\n", "f.txt:3: benchmark name"},
		{"no time first", "BenchmarkFib/arm=a/topo=b/P=1 1 97 local-%\n", "f.txt:1: first value is in \"local-%\""},
		{"zero time", "BenchmarkFib/arm=a/topo=b/P=1 1 0 ns/task\n", "f.txt:1: 0 ns/task: want a positive time"},
		{"not a number", "BenchmarkFib/arm=a/topo=b/P=1 1 x ns/task\n", "f.txt:1"},
	} {
		_, err := ReadMeasurements(strings.NewReader(c.text), "f.txt")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q in it", c.name, err, c.want)
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
