package harness

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchmath"
)

// A Value is one measured number.
type Value struct {
	Value float64
	Unit  string
}

// A Measurement is one repetition of one cell.
type Measurement struct {
	Cell
	Runs       int // runs of the workload that the values are averages over
	Values     []Value
	Histograms []Histogram // from another file, HistogramsFile
	Part       int         // of merged runs, the one that it is from, from 1; else 0
	Exact      bool        // the file says that a repetition would give the same (assume=exact)
}

// partKey begins the line that opens a part of merged results.
const partKey = "part"

// Get returns the value in the given unit.
func (m *Measurement) Get(unit string) (float64, bool) {
	for _, v := range m.Values {
		if v.Unit == unit {
			return v.Value, true
		}
	}
	return 0, false
}

// Unit returns the unit of work: "task" if the line is in ns/task.
func (m *Measurement) Unit() string { return strings.TrimPrefix(m.Values[0].Unit, "ns/") }

// NsPerUnit returns the time per unit of work.
func (m *Measurement) NsPerUnit() float64 { return m.Values[0].Value }

// header returns the beginning of the result file of m: configuration lines and
// unit metadata. The format requires lower-case keys.
func header(m *Meta) []byte {
	var b bytes.Buffer
	for _, kv := range m.config() {
		if kv[1] != "" {
			fmt.Fprintf(&b, "%s: %s\n", kv[0], strings.ReplaceAll(kv[1], "\n", " "))
		}
	}
	var seen []string
	for _, work := range m.Plan.units() {
		for _, metric := range Metrics {
			if unit := metric.In(work); !slices.Contains(seen, unit) {
				seen = append(seen, unit)
				b.WriteString(unitLine(unit, work, ""))
			}
		}
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// checkHeader returns an error unless the result file at path begins with the
// header of m. A file without it belongs to another run.
func checkHeader(path string, m *Meta) error {
	data, err := os.ReadFile(path)
	if err == nil && !bytes.HasPrefix(data, header(m)) {
		err = fmt.Errorf("%s: it does not begin with what %s says of the run", path, MetaFile)
	}
	return err
}

// line returns m as a line of a result file.
func line(m *Measurement) []byte {
	var b bytes.Buffer
	res := benchfmt.Result{Name: benchfmt.Name(m.Name()), Iters: m.Runs}
	for _, v := range m.Values {
		res.Values = append(res.Values, benchfmt.Value{Value: v.Value, Unit: v.Unit})
	}
	benchfmt.NewWriter(&b).Write(&res) // to memory: cannot fail
	return append(bytes.TrimSpace(b.Bytes()), '\n')
}

// ReadMeasurements reads a result file. Like benchstat, it skips lines that are
// not of the benchmark format. A benchmark line that is not ours, or has a value
// that is impossible, is an error with its file, line and column.
func ReadMeasurements(r io.Reader, file string) ([]Measurement, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(string(text), "\n")
	bad := func(line, field int, err error) error {
		return fmt.Errorf("%s:%d:%d: %w", file, line, Column(lines[line-1], field), err)
	}
	var ms []Measurement
	units := unitCheck{}
	br := benchfmt.NewReader(bytes.NewReader(text), file)
	for br.Scan() {
		res, ok := br.Result().(*benchfmt.Result)
		if !ok {
			if se, ok := br.Result().(*benchfmt.SyntaxError); ok {
				if row := wrongField(lines[se.Line-1]); row != nil && strings.HasPrefix(lines[se.Line-1], "Benchmark") {
					return nil, bad(se.Line, row.field, row)
				}
				return nil, bad(se.Line, 0, errors.New(se.Msg))
			}
			continue
		}
		_, lineno := res.Pos()
		cell, err := ParseName(res.Name.String())
		if err != nil {
			return nil, bad(lineno, 0, err)
		}
		m := Measurement{Cell: cell, Runs: res.Iters, Exact: br.Units().GetAssumption(res.Values[0].Unit) == benchmath.AssumeExact}
		if text := res.GetConfig(partKey); text != "" {
			if m.Part, err = strconv.Atoi(text); err != nil || m.Part < 1 {
				at := lineno // or above it
				for at > 1 && !strings.HasPrefix(lines[at-1], partKey+":") {
					at--
				}
				return nil, bad(at, 1, fmt.Errorf("%s: %q: want the number of a run, from 1", partKey, text))
			}
		}
		for _, v := range res.Values {
			if v.OrigUnit != "" { // the reader turned ns/task into sec/task
				m.Values = append(m.Values, Value{v.OrigValue, v.OrigUnit})
			} else {
				m.Values = append(m.Values, Value{v.Value, v.Unit})
			}
		}
		if field, err := m.check(); err != nil {
			return nil, bad(lineno, field, err)
		}
		if err := units.add(&m); err != nil {
			return nil, bad(lineno, 3, err)
		}
		ms = append(ms, m)
	}
	return ms, br.Err()
}

// wholeLines returns data up to its last newline. Half a line may follow that if a
// process was killed or the disk was full.
func wholeLines(data []byte) []byte { return data[:bytes.LastIndexByte(data, '\n')+1] }

// dropPartialLine cuts a file after its last newline.
func dropPartialLine(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if whole := wholeLines(data); len(whole) < len(data) {
		return os.Truncate(path, int64(len(whole)))
	}
	return nil
}
