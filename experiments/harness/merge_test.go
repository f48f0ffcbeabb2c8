package harness

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ran returns a complete run of the given arms, of one machine, whose times begin at ns.
func ran(dir, model string, ns float64, arms string, reps int) *Results {
	r := &Results{Dir: dir, Meta: *plan(reps, "fib", arms)}
	m := &r.Meta
	m.Format, m.Machine = metaFormat, Machine{OS: "linux", Arch: "amd64", CPUs: 2, CPU: CPU{Model: model}}
	m.Topologies = []TopoMeta{{Label: "1n1l2c1t", Origin: "host", CPUs: 2, NodesWithCPUs: 1}}
	m.Command = []string{"experiments", "run", dir}
	m.Sessions = []Session{{Start: time.Unix(1, 0).UTC(), End: time.Unix(2, 0).UTC(), Done: reps}}
	for i := range reps {
		for _, a := range strings.Fields(arms) {
			r.Measurements = append(r.Measurements, Measurement{
				Cell: Cell{"fib", "", a, "1n1l2c1t", 2}, Runs: 1, Values: []Value{{ns * float64(1+i), "ns/task"}},
			})
		}
	}
	m.Done, m.Planned = len(r.Measurements), len(r.Measurements)
	m.Baseline = "flat"
	return r
}

func mustMerge(t *testing.T, runs ...*Results) *Results {
	t.Helper()
	all, err := Merge(runs...)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "merged")
	if err := all.Write(dir); err != nil {
		t.Fatal(err)
	}
	back, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(back.Measurements) != len(all.Measurements) || !back.Meta.Complete() || back.Meta.Suspect != nil {
		t.Errorf("%d of %d measurements came back; complete %v, %q", len(back.Measurements), len(all.Measurements), back.Meta.Complete(), back.Meta.Suspect)
	}
	return back
}

// The second run is ten times as slow, for whatever reason, and has one arm more: only
// what ran side by side is compared.
func TestMergedRepetitionsArePairedWithinTheirRun(t *testing.T) {
	r := mustMerge(t, ran("a", "x", 10, "flat numa", 3), ran("b", "x", 100, "gm flat", 2))
	g := r.Groups()
	if len(g) != 1 || g[0].Find("flat").N != 5 || g[0].Find("numa").N != 3 || g[0].Find("gm").N != 2 {
		t.Fatalf("%+v", g)
	}
	for arm, n := range map[string]int{"numa": 3, "gm": 2} {
		s := g[0].Find(arm).Speedup
		if len(s.Ratios) != n {
			t.Errorf("%s: %d pairs, want %d", arm, len(s.Ratios), n)
		}
		for _, ratio := range s.Ratios {
			if ratio != 1 {
				t.Errorf("%s: ratios %v, want 1 each", arm, s.Ratios)
			}
		}
	}
	if len(r.Meta.Parts) != 2 || len(r.Meta.Machines) != 1 || len(r.Meta.Sessions) != 2 {
		t.Errorf("%d parts, %d machines, %d sessions", len(r.Meta.Parts), len(r.Meta.Machines), len(r.Meta.Sessions))
	}
}

func TestMergedMachinesStayApart(t *testing.T) {
	first := ran("a", "x", 10, "flat numa", 2)
	first.Meta.Build.GOMAXPROCS = 64 // a large machine
	two := mustMerge(t, first, ran("b", "y", 10, "flat numa", 2))
	r := mustMerge(t, two, ran("c", "y", 10, "flat numa", 2)) // merging merged runs, too
	var labels []string
	for _, g := range r.Groups() {
		labels = append(labels, g.Topo)
	}
	if got := strings.Join(labels, " "); got != "1n1l2c1t 1n1l2c1t@2" {
		t.Errorf("groups of %q", got)
	}
	if n := r.Groups()[1].Find("numa").N; n != 4 || len(r.Meta.Machines) != 2 || len(r.Meta.Parts) != 3 {
		t.Errorf("%d repetitions on y, %d machines, %d parts; want 4, 2 and 3", n, len(r.Meta.Machines), len(r.Meta.Parts))
	}
	if notes := strings.Join(r.Meta.Notes(), "\n"); !strings.Contains(notes, "Merged from 3 runs on 2 machines.") || !strings.Contains(notes, "1n1l2c1t@2 is of machine 2: y, 2 CPUs") {
		t.Errorf("notes:\n%s", notes)
	}
}

func TestMergedSimulationsAreTheSame(t *testing.T) {
	simulated := func(dir string, ns float64, arms string) *Results {
		r := ran(dir, dir, ns, arms, 1) // on another computer
		r.Meta.Place = Simulated
		for i := range r.Measurements {
			r.Measurements[i].Exact = true
		}
		return r
	}
	r := mustMerge(t, simulated("a", 10, "flat numa"), simulated("b", 10, "flat gm"))
	if g := r.Groups(); len(r.Measurements) != 3 || len(g) != 1 || g[0].Find("gm").Speedup == nil || !g[0].Find("gm").Exact {
		t.Errorf("%d measurements, groups %+v", len(r.Measurements), g)
	}
	if _, err := Merge(simulated("a", 10, "flat"), simulated("b", 11, "flat")); err == nil || !strings.Contains(err.Error(), "b: ") || !strings.Contains(err.Error(), "gives the same every time") {
		t.Errorf("two results of one simulation: %v", err)
	}
}

func TestMergeRefuses(t *testing.T) {
	for want, change := range map[string]func(*Results){
		"a virtual run: want one of the same place": func(r *Results) { r.Meta.Place = Virtual },
		"compare them instead":                      func(r *Results) { r.Meta.Build.GOGC = "off" },
		"not complete, 4 of 5":                      func(r *Results) { r.Meta.Planned++ },
		"no measurement":                            func(r *Results) { r.Measurements = nil },
		"cut off":                                   func(r *Results) { r.Meta.Suspect = []string{"was cut off"} },
	} {
		r := ran("b", "x", 10, "flat numa", 2)
		change(r)
		if _, err := Merge(ran("a", "x", 10, "flat numa", 2), r); err == nil || !strings.HasPrefix(err.Error(), "b: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want that b: ... %s", err, want)
		}
	}
}
