package page

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"numasched/experiments/workload"
	"numasched/sched/sim"
)

func TestTracksOfATrace(t *testing.T) {
	const file = `{"traceEvents":[
{"name":"process_name","ph":"M","pid":2,"args":{"name":"node 0: Ms"}},
{"name":"process_name","ph":"M","pid":3,"args":{"name":"node 0: Ps"}},
{"name":"process_name","ph":"M","pid":4,"args":{"name":"node 7: Ms"}},
{"name":"process_name","ph":"M","pid":5,"args":{"name":"node 7: Ps"}},
{"name":"thread_name","ph":"M","pid":4,"tid":3,"args":{"name":"M1"}},
{"name":"thread_name","ph":"M","pid":2,"tid":2,"args":{"name":"M0"}},
{"name":"thread_name","ph":"M","pid":3,"tid":1,"args":{"name":"P0"}},
{"name":"thread_name","ph":"M","pid":5,"tid":2,"args":{"name":"P1"}},
{"name":"G1","ph":"B","ts":1,"pid":2,"tid":2},
{"name":"G2","ph":"B","ts":2,"pid":2,"tid":2},
{"name":"G2","ph":"E","ts":3,"pid":2,"tid":2},
{"name":"G1","ph":"E","ts":4,"pid":2,"tid":2},
{"name":"steal 2 from P0","ph":"i","ts":5,"pid":2,"tid":2},
{"name":"steal 3 from P0","ph":"i","ts":6,"pid":4,"tid":3},
{"name":"steal 1 from the queue of node 7","ph":"i","ts":7,"pid":4,"tid":3},
{"name":"wake","ph":"s","ts":7,"pid":4,"tid":3,"id":1}
]}`
	tracks, err := tracksOf("trace.json", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	if len(tracks) != 2 || tracks[0].Node != "node 0" || tracks[1].Node != "node 7" {
		t.Fatalf("%+v: want M0 of node 0, then M1 of node 7", tracks)
	}
	if b := tracks[0].Busy; len(b) != 1 || b[0] != [2]float64{1, 4} {
		t.Errorf("busy %v, want 1 to 4: G2 ran within G1", b)
	}
	if s := tracks[0].Steals; len(s) != 1 || s[0].Remote {
		t.Errorf("steals of M0: %+v, want one from its own node", s)
	}
	if s := tracks[1].Steals; len(s) != 2 || !s[0].Remote || s[0].Gs != 3 || s[1].Remote {
		t.Errorf("steals of M1: %+v, want one from node 0, then one from its own queue", s)
	}
}

// A trace beside results is shown by the report. Without one, a simulated run has a short
// one, and a measured run has none.
func TestTheReportShowsTraces(t *testing.T) {
	page := func(dir string) string { return written(t, dir) }
	dir := copyCase(t, "onenode")
	if strings.Contains(page(dir), `id="timeline`) {
		t.Error("a timeline of a run that nobody traced")
	}
	name := filepath.Join(dir, "trace-numa-pin-fib.json")
	preset, err := sim.LoadPreset("synthetic:2x2")
	if err != nil {
		t.Fatal(err)
	}
	trace, err := recorded(preset, "numa-pin", workload.ByName("fib").Program(true), 4)
	if err == nil {
		err = os.WriteFile(name, trace, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	if p := page(dir); !strings.Contains(p, `id="timeline-numa-pin-fib"`) || !strings.Contains(p, "; threads run Gs in ") || !strings.Contains(p, "From trace-numa-pin-fib.json") {
		t.Error("the trace beside the results is not shown, or not as one of numa-pin")
	}
	for text, want := range map[string]string{
		"{":                                    "trace-numa-pin-fib.json:1:2: the file ends in the middle of a value; beside results",
		"[]":                                   "trace-numa-pin-fib.json:1:1: array: want an object; beside results",
		`{"traceEvents":[{"pid":"x"}]}`:        "trace-numa-pin-fib.json:1:26: TraceEvents.Pid: string: want an integer; beside results",
		"{}":                                   "trace-numa-pin-fib.json: no thread has a track in it; beside results",
		`{"traceEvents":[{"ph":"E","pid":1}]}`: "trace-numa-pin-fib.json: no thread has a track in it; beside results",
	} {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := tryToWrite(dir); !errors.As(err, new(*TraceError)) || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "want ") > 1 {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}

	sweep := filepath.Join("..", "..", "results", "reference-sim-findings")
	p := page(sweep)
	for _, arm := range []string{"flat", "numa"} {
		if !strings.Contains(p, `id="timeline-`+arm+`"`) {
			t.Errorf("no timeline of %s", arm)
		}
	}
	if want := "This run is not one of the results. The program that wrote this page simulated it anew"; strings.Count(p, want) != 2 {
		t.Error("the timelines do not say by which program they are")
	}
	if page(sweep) != p {
		t.Error("the second report differs from the first")
	}
}
