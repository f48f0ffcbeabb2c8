package claims

import (
	"bytes"
	"context"
	"io"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"numasched/experiments/harness"
	"numasched/experiments/workload"
	"numasched/sched/sim"
)

// smallPlan has two blocks of some milliseconds a run.
func smallPlan(t *testing.T, singles bool) *Plan {
	t.Helper()
	preset, err := sim.LoadPreset("synthetic:2x2")
	if err != nil {
		t.Fatal(err)
	}
	var progs []workload.Program
	for _, text := range [][2]string{{"triad", "n=32768"}, {"kvserve", "n=5/bytes=65536/touch=4"}} {
		prog, err := workload.ByName(text[0]).Parse(text[1], true)
		if err != nil {
			t.Fatal(err)
		}
		progs = append(progs, prog)
	}
	p, err := NewPlan([]*sim.Preset{preset}, progs, 1, singles)
	if err != nil {
		t.Fatal(err)
	}
	p.Seeds = 3
	return p
}

// simulate returns what a plan finds, whole if it has no shard, and as the file has it.
func simulate(t *testing.T, p *Plan) (blocks []Block, text []byte) {
	t.Helper()
	if err := p.Run(context.Background(), nil, io.Discard, func(b Block) error { blocks = append(blocks, b); return nil }); err != nil {
		t.Fatal(err)
	}
	if p.shard[1] == 0 {
		var err error
		if blocks, err = Join(blocks); err != nil {
			t.Fatal(err)
		}
	}
	return blocks, Text([]string{"experiments", "sim"}, blocks)
}

// The same plan gives the same bytes on one CPU and on two. What is read from them is what
// was written.
func TestSameBytesOnAnyNumberOfCPUs(t *testing.T) {
	var texts [][]byte
	for _, n := range []int{1, 2} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
		blocks, text := simulate(t, smallPlan(t, true))
		read, err := parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(read, blocks) {
			t.Errorf("written:\n%s\nread:\n%+v\nwant %+v", text, read, blocks)
		}
		texts = append(texts, text)
	}
	if !bytes.Equal(texts[0], texts[1]) {
		t.Errorf("on one CPU:\n%s\non two:\n%s", texts[0], texts[1])
	}
}

// A constant that is left out because its family does not matter does not matter.
func TestFamiliesThatDoNotMatter(t *testing.T) {
	p := smallPlan(t, true)
	idle := 0
	for _, x := range p.pieces() {
		if x.first() {
			continue
		}
		b, err := x.simulate(context.Background(), 1, p.Seeds, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range x.variants(p.Seeds)[1:] {
			row := b.Rows[slices.IndexFunc(b.Rows, func(r Row) bool { return r.Variant == v.name })]
			if row.Values[0] != b.Rows[0].Values[0] {
				continue
			}
			idle++
			o, err := x.run(subject, &v, 1)
			if err != nil {
				t.Fatal(err)
			}
			if rounded(o.value) != row.Values[0] {
				t.Errorf("%s: %s is %v, and was taken for %v", x.Workload, row.Variant, o.value, row.Values[0])
			}
		}
	}
	if idle == 0 {
		t.Error("every constant matters, alloc_ns included")
	}
}

// Shards have every piece once, in the order of the plan, however many they are. Together
// they are what one run finds, with each assumed constant alone at both factors.
func TestShardsAreTheWhole(t *testing.T) {
	_, whole := simulate(t, smallPlan(t, true))
	n := smallPlan(t, true).Pieces()
	if n < 4 {
		t.Fatalf("%d pieces: want some for shards", n)
	}
	for _, of := range []int{2, n} {
		var pieces []Block
		for number := 1; number <= of; number++ {
			p := smallPlan(t, true)
			if err := p.Shard(number, of); err != nil {
				t.Fatal(err)
			}
			_, text := simulate(t, p)
			read, err := parse(text)
			if err != nil {
				t.Fatal(err)
			}
			pieces = append(pieces, read...)
		}
		blocks, err := Join(pieces)
		if err != nil {
			t.Fatal(err)
		}
		if text := Text([]string{"experiments", "sim"}, blocks); !bytes.Equal(text, whole) {
			t.Errorf("%d shards:\n%s\nwhole:\n%s", of, text, whole)
		}
		if of < n {
			continue
		}
		other := slices.Clone(pieces)
		other[1].Rows = slices.Clone(other[1].Rows)
		other[1].Rows[0].Values = slices.Clone(other[1].Rows[0].Values)
		other[1].Rows[0].Values[0]++
		for what, bad := range map[string][]Block{"want its piece 1/": pieces[1:], "want its piece 2/": slices.Delete(slices.Clone(pieces), 1, 2), "the same every time": other} {
			if _, err := Join(bad); err == nil || !strings.Contains(err.Error(), what) {
				t.Errorf("%v, want an error with %q", err, what)
			}
		}
		if _, err := Join(pieces[:2]); err == nil || !strings.Contains(err.Error(), "pieces are missing") {
			t.Errorf("two pieces of a block make one: %v", err)
		}
	}
	if err := smallPlan(t, true).Shard(1, n+1); err == nil {
		t.Error("there is a shard without a piece")
	}
	for _, v := range singles(smallPlan(t, true).tests[0].machine, 2) {
		if !bytes.Contains(whole, []byte("\n"+v.name+" ")) {
			t.Errorf("no line of %s", v.name)
		}
	}
}

// A run that was interrupted goes on with the pieces that are not there.
func TestGoesOnWhereItStopped(t *testing.T) {
	var pieces []Block
	p := smallPlan(t, true)
	err := p.Run(context.Background(), nil, io.Discard, func(b Block) error { pieces = append(pieces, b); return nil })
	if err != nil {
		t.Fatal(err)
	}
	whole := Text(nil, pieces)
	at := bytes.LastIndex(whole, []byte("block "))
	cut := whole[:at+30] // in the first line of the last piece
	have, err := parse(whole[:at])
	if err != nil || len(have) != len(pieces)-1 {
		t.Fatalf("%d pieces, %v; want all but one", len(have), err)
	}
	if less, err := parse(bytes.TrimRight(whole, "\n")); err != nil || len(less) != len(have) {
		t.Errorf("without its last line: %d pieces, %v; want all but the last, because that may go on", len(less), err)
	}
	if _, err := parse(cut); err == nil {
		t.Error("a block that breaks off in its first line is read")
	}
	again := slices.Clone(have)
	if err := smallPlan(t, true).Run(context.Background(), have, io.Discard, func(b Block) error { again = append(again, b); return nil }); err != nil {
		t.Fatal(err)
	}
	if text := Text(nil, again); !bytes.Equal(text, whole) {
		t.Errorf("gone on:\n%s\nat once:\n%s", text, whole)
	}
	blocks, err := Join(pieces)
	if err != nil {
		t.Fatal(err)
	}
	if err := smallPlan(t, true).Run(context.Background(), blocks, io.Discard, func(Block) error { t.Error("a piece of a whole block is simulated"); return nil }); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if err := smallPlan(t, false).Run(ctx, nil, io.Discard, func(Block) error { t.Error("a piece is done"); return nil }); err == nil {
		t.Error("interrupted, and no error")
	}
}

// Draws do not depend on the order of constants, lie between the factors, and are spread as
// their logarithms: half of them below the square root of 0.7 times 1.3.
func TestDraws(t *testing.T) {
	below, n := 0, 2000
	for i := range n {
		by := draw(i, "links")
		if by < lowFactor || by > highFactor {
			t.Fatalf("draw %d is %v", i, by)
		}
		if float64(by) < 1000*math.Sqrt(0.7*1.3) {
			below++
		}
	}
	if below < n*45/100 || below > n*55/100 {
		t.Errorf("%d of %d draws are below the middle", below, n)
	}
	// These are what the results that are kept were made with.
	for i, want := range []sim.Milli{1185, 1243, 995} {
		if got := draw(i, "links"); got != want {
			t.Errorf("draw %d of links is %v, want %v", i, got, want)
		}
	}
}

// A machine of which all is measured has seeds and nothing else, and one of which some is
// measured has no variant of that.
func TestVariantsChangeWhatIsAssumed(t *testing.T) {
	p, err := sim.LoadPreset("skx-2x8180")
	if err != nil {
		t.Fatal(err)
	}
	all := func(p *sim.Preset) []variant {
		vs := seedsAndDraws(p, 4)
		for f := range len(families) + 1 {
			vs = append(vs, singles(p, f)...)
		}
		return vs
	}
	vs := all(p)
	if want := 4 + 2*len(p.AssumedConstants()) + Draws; len(vs) != want {
		t.Errorf("%d variants, want %d", len(vs), want)
	}
	for _, v := range vs {
		for name := range v.factors {
			if strings.HasPrefix(name, "idle_ns") || name == "links" || name == "node_GBps" {
				t.Errorf("%s changes %s, which is measured", v.name, name)
			}
		}
		if k, err := kindOf(v.name); err != nil || k != v.kind {
			t.Errorf("%s is read as kind %v, %v", v.name, k, err)
		}
	}
	known := *p
	f := reflect.ValueOf(&known).Elem()
	for i := range f.NumField() {
		if f.Field(i).Kind() == reflect.Struct && f.Field(i).FieldByName("Source").String() != "" {
			f.Field(i).FieldByName("Source").SetString("measured")
		}
	}
	if vs := all(&known); len(vs) != 4 {
		t.Errorf("%d variants of a machine of which all is measured, want 4 seeds", len(vs))
	}
}

func TestBadFiles(t *testing.T) {
	const head = "block Fib/arm=numa/topo=m/P=8/n=18 ns/task\narms numa flat\n"
	for text, want := range map[string]string{
		"hello\n":     `1:1: "hello": want a block`,
		"block x\n":   `1:1: "block x": want block NAME UNIT`,
		"block x y\n": "1:7: ",
		strings.Replace(head, "task\n", "task 3/2\n", 1):                  `1:44: "3/2": want a piece as in 2/6`,
		strings.Replace(head, "task\n", "task 1/2\n", 1) + "seed=1 1 -\n": `3:10: "-": want a number above 0`,
		head + "seed=1 1\n":               "3:9: 1 values: want one for each of 2 arms",
		head + "seed=1 1 fast\n":          `3:10: "fast": want a number above 0, = or -`,
		head + "seed=1 = 1\n":             `3:8: "=": want a number above 0, = or -`,
		head + "seed=1 -1 1\n":            `3:8: "-1": want a number above 0, = or -`,
		head + "seed=1 1 -\n":             `3:10: "-": want a number above 0, = or -; numa and the first line need a number`,
		head + "seed=1 1 1\nseed=2 - 1\n": `4:8: "-": want a number above 0`,
		head + "seed=1x 1 1\n":            `3:1: "seed=1x": want seed=N, draw=N or CONSTANT*FACTOR`,
		strings.TrimSuffix(head, "arms numa flat\n") + "seed=1\n\n": `2:1: "seed=1": want the arms of the block first`,
		head + "links*0.7 1 1\n":                                    "3:1: links*0.7: want seed=1 first",
		head + "tuesday 1 1\n":                                      `3:1: "tuesday": want seed=N, draw=N or CONSTANT*FACTOR`,
		head + "\n":                                                 "3:1: a block without a line",
		head + "arms numa flat\n":                                   `3:1: "arms numa flat": want the arms of the block`,
		head + "seed=1 1 1\nblock\n":                                `4:1: "block": want block NAME UNIT after an empty line`,
	} {
		if _, err := parse([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// reported are results and blocks of three cells, for tables.
func reported() *Report {
	res := &harness.Results{Meta: harness.Meta{Place: harness.Simulated, Topologies: []harness.TopoMeta{{Label: "m", CPUs: 8, NodesWithCPUs: 4}}}}
	var blocks []Block
	add := func(workload, params, unit string, arms []string, rows ...Row) {
		b := Block{Cell: harness.Cell{Workload: workload, Params: params, Topo: "m", Procs: 8}, Unit: unit, Arms: arms, Rows: rows}
		blocks = append(blocks, b)
		for i, arm := range arms {
			c := b.Cell
			c.Arm = arm
			res.Measurements = append(res.Measurements, harness.Measurement{Cell: c, Runs: 1, Exact: true, Values: []harness.Value{
				{Value: rows[0].Values[i], Unit: "ns/chunk"}, {Value: 99, Unit: harness.MemoryLocal.Unit},
				{Value: 1.25, Unit: harness.OverBound.Unit}, {Value: 80, Unit: harness.Busiest.Unit}}})
		}
	}
	seeds := func(values ...float64) (rows []Row) {
		for range 13 {
			rows = append(rows, Row{"seed=1", values, Seed})
		}
		return rows
	}
	homed := []string{"numa", "flat", "flat+firsttouch", "interleave", "static", wrongMap(), "numa-home"}
	add("triad", "n=1", "ns/chunk", homed, append(seeds(100, 200, 150, 190, 98, 250, 180), Row{"links*1.3", []float64{100, 170, 150, 150, 98, 0, 0}, Single})...)
	add("triad", "n=1/skew=4", "ns/chunk", homed, append(seeds(100, 200, 150, 190, 140, 250, 90), Row{"draw=1", []float64{100, 190, 150, 150, 130, 200, 0}, Draw})...)
	add("onenode", "n=1", "ns/task", []string{"numa", "flat", wrongMap()}, seeds(100, 90, 100)...)
	add("kvserve", "n=1", harness.P99.Unit, []string{"numa", "flat"}, seeds(100, 130)...)
	return Of(res, blocks)
}

// The aims of the table, by hand.
func TestTargets(t *testing.T) {
	r := reported()
	for i, want := range []struct {
		cells, met, usual int
		worst             float64
		verdict, said     string
	}{
		{2, 1, 2, 1.7, "missed", "1.70x"},               // 1.8 times flat: links*1.3 takes triad to 1.7
		{2, 0, 0, 1.5, "missed", "1.50x"},               // beside the best of flat
		{1, 1, 1, 0.98, "met", "1.02 of static's time"}, // within 1.05 of static
		{1, 1, 1, 1.3, "met", "1.30x"},                  // 1.2 times static on skewed loops
		{3, 2, 2, 0.9, "missed", "0.90x"},               // nothing below 0.98: onenode
		{1, 1, 1, 1.3, "met", "0.77 of flat's"},         // p99
	} {
		x := &r.Targets[i]
		if _, worst := x.Worst(); len(x.Cells) != want.cells || len(x.Met) != want.met || len(x.Usual) != want.usual || math.Abs(worst-want.worst) > 1e-9 || x.Verdict() != want.verdict {
			t.Errorf("%s: %d cells, %d met, %d as it is, worst %v, %s; want %+v", x.Aim, len(x.Cells), len(x.Met), len(x.Usual), worst, x.Verdict(), want)
		}
		if got := x.WorstRun(); !strings.HasPrefix(got, want.said+", ") {
			t.Errorf("%s: the worst run is %q, want %q in the aim's direction", x.Aim, got, want.said)
		}
	}
}

// The tables have a line for each comparison and block, and say what earned the gain.
func TestTables(t *testing.T) {
	r := reported()
	tables := r.Tables()
	if n := len(tables[1].Rows); n != 12 {
		t.Errorf("%d comparisons, want 5 for each triad, and one each of onenode and kvserve", n)
	}
	line := func(table int, words ...string) string {
		for _, row := range tables[table].Rows {
			text := strings.Join(row, " | ")
			if !slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(row, w) }) {
				return text
			}
		}
		t.Fatalf("no line with %q", words)
		return ""
	}
	if got := line(1, "best flat, on m, triad"); !strings.Contains(got, "faster | 1.50x | 1.50 to 1.50 | 1.50 to 1.50") {
		t.Error(got)
	}
	if got := line(1, "flat, on m, onenode"); !strings.Contains(got, "0.90x") || !strings.Contains(got, "slower") {
		t.Error(got)
	}
	if got := line(3, "triad, on m"); !strings.HasSuffix(got, "| home") || !strings.Contains(got, "99 % | 1.28x | 2.50x | 1.80x") {
		t.Error(got)
	}
	if got := line(3, "triad skewed, on m"); !strings.HasSuffix(got, "better without home") {
		t.Error(got)
	}
	if got := line(3, "kvserve p99, on m"); !strings.Contains(got, "| - | - |") || !strings.HasSuffix(got, "none of them") {
		t.Error(got)
	}
	if lines := r.Lines(); !strings.HasPrefix(lines[0], "Of 12 comparisons on all CPUs, numa is faster in 10, not slower in 1 more, slower in 1, and nothing is claimed in 0.") {
		t.Error(lines[0])
	}
}
