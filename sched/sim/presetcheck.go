package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"numasched/sched/sim/strict"
	"numasched/topology"
)

// What a preset must be, beyond its types.

// mostCycles are the most that one of a Work's Ops can take.
const mostCycles = Milli(1e6)

// A path leads to a value in JSON: names of fields and positions in lists.
type path []any

// A presetError is a value that cannot be, and where it is in the preset.
type presetError struct {
	path path
	err  error
}

func (e *presetError) Error() string { return e.err.Error() }

// badConstant is the error of a value; the text begins with the name of its field.
func badConstant(at path, format string, args ...any) *presetError {
	return &presetError{at, fmt.Errorf("%v: "+format, append([]any{at[0]}, args...)...)}
}

// owned returns the names of the constants that the preset gives itself. Each needs a
// value and a source.
func (p *Preset) owned(data []byte) (map[string]bool, *presetError) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, &presetError{nil, err}
	}
	own := make(map[string]bool)
	v := reflect.ValueOf(p).Elem()
	for i := range v.NumField() {
		tag := strict.FieldName(v.Type().Field(i))
		if v.Field(i).Kind() != reflect.Struct || fields[tag] == nil {
			continue
		}
		own[tag] = true
		var parts map[string]json.RawMessage
		if err := json.Unmarshal(fields[tag], &parts); err != nil {
			return nil, &presetError{path{tag}, err}
		}
		if parts["value"] == nil || v.Field(i).FieldByName("Source").String() == "" {
			return nil, badConstant(path{tag}, "want a value and a source")
		}
	}
	return own, nil
}

// check checks the constants by themselves.
func (p *Preset) check() *presetError {
	v := reflect.ValueOf(p).Elem()
	for i := range v.NumField() {
		tag := strict.FieldName(v.Type().Field(i))
		if s, ok := v.Field(i).Interface().(Scalar); ok {
			if s.Source == "" {
				return badConstant(path{tag}, `want a value and a source, or a preset to be "like"`)
			}
			if s.Value < 0 || s.Value == 0 && tag != "mesh_GBps" {
				return badConstant(path{tag, "value"}, "%v: want a value above 0", s.Value)
			}
		}
	}
	if p.SMT.Value > 1000 {
		return badConstant(path{"smt_share", "value"}, "%v: want at most 1", p.SMT.Value)
	}
	if p.Ahead.Value < 1000 {
		return badConstant(path{"misses_under_way", "value"}, "%v: want at least 1", p.Ahead.Value)
	}
	for _, m := range []struct {
		tag  string
		m    Matrix
		need bool
	}{{"idle_ns", p.Idle, true}, {"c2c_ns", p.Line, true}, {"c2c_home_ns", p.LineFar, false}} {
		if m.need && len(m.m.Value) == 0 {
			return badConstant(path{m.tag, "value"}, "want a square matrix")
		}
		for i, row := range m.m.Value {
			if len(row) != len(m.m.Value) {
				return badConstant(path{m.tag, "value", i}, "a row of %d in a matrix of %d rows: want a square matrix", len(row), len(m.m.Value))
			}
			for j, v := range row {
				if v <= 0 {
					return badConstant(path{m.tag, "value", i, j}, "%v: want values above 0", v)
				}
			}
		}
	}
	if len(p.Peak.Value) == 0 {
		return badConstant(path{"node_GBps", "value"}, "want at least one number")
	}
	for i, v := range p.Peak.Value {
		if v <= 0 {
			return badConstant(path{"node_GBps", "value", i}, "%v: want values above 0", v)
		}
	}
	for i, v := range p.Caches.Value {
		if v < 1000 || i == 3 || i > 0 && v < p.Caches.Value[i-1] {
			return badConstant(path{"cache_KiB", "value", i}, "%v: want up to three sizes, each at least 1 and at least that before", v)
		}
	}
	if err := checkCurve(path{"loaded_latency", "value"}, p.Loaded.Value); err != nil {
		return err
	}
	s := &p.Cores.Value
	for _, c := range []struct {
		kernel string
		curve  [][2]Milli
	}{{"load", s.Load}, {"copy", s.Copy}, {"triad", s.Triad}, {"update", s.Update}} {
		at := path{"core_scaling", "value", c.kernel}
		if err := checkCurve(at, c.curve); err != nil {
			return err
		}
		if c.curve[0][0] != 1000 {
			return badConstant(append(at, 0), "%s begins with %v cores: want a first point for 1 core", c.kernel, c.curve[0][0])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Kernels.Value)) {
		if v := p.Kernels.Value[name]; v <= 0 || v > mostCycles {
			return badConstant(path{"kernel_cycles", "value", name}, "%s: %v: want cycles above 0, at most %v", name, v, mostCycles)
		}
	}
	for i, l := range p.Links.Value {
		if l.GBps <= 0 {
			return badConstant(path{"links", "value", i, "GBps"}, "%v: want a bandwidth above 0", l.GBps)
		}
	}
	return nil
}

func checkCurve(at path, points [][2]Milli) *presetError {
	if len(points) == 0 {
		return badConstant(at, "want at least one point of a curve %v", strings.Trim(fmt.Sprint(at[2:]), "[]"))
	}
	for i, pt := range points {
		if pt[0] < 0 || pt[1] <= 0 || i > 0 && pt[0] <= points[i-1][0] {
			return badConstant(append(at, i), "[%v, %v]: want points that ascend, with values above 0", pt[0], pt[1])
		}
	}
	return nil
}

// checkMachine checks that the preset's own constants fit its machine: a matrix has a
// row for each node, and a link joins two parts that exist. Inherited constants are
// placed by how near the nodes are. So are those of a preset without "like", which
// serves as a base for others, if its matrix has three rows: the node itself, its
// package, all other nodes. The topology "host" is a different machine on every
// computer, so it is checked only when the machine is made.
func (p *Preset) checkMachine(own map[string]bool) *presetError {
	if p.Topology == "" || p.Topology == "host" {
		return nil
	}
	topo, err := topology.Load(p.Topology)
	if err != nil {
		return &presetError{path{"topology"}, err}
	}
	n := max(1, len(topo.Nodes))
	for _, m := range []struct {
		tag string
		m   Matrix
	}{{"idle_ns", p.Idle}, {"c2c_ns", p.Line}, {"c2c_home_ns", p.LineFar}} {
		if rows := len(m.m.Value); own[m.tag] && rows != n && !(rows == 3 && p.Like == "") && rows > 0 {
			return badConstant(path{m.tag, "value"}, "a matrix of %d x %d: want %d x %d, a row for each node of %s", rows, rows, n, n, p.Topology)
		}
	}
	if peaks := len(p.Peak.Value); own["node_GBps"] && peaks != 1 && peaks != n {
		return badConstant(path{"node_GBps", "value"}, "%d values: want one for all nodes, or %d, one for each node of %s", peaks, n, p.Topology)
	}
	if _, err := newHardware(topo, p); err != nil {
		bad := new(presetError)
		if !errors.As(err, &bad) {
			return &presetError{path{"topology"}, err}
		}
		if !own["links"] {
			return &presetError{path{"topology"}, fmt.Errorf("%w (the links are those of the preset that it is like)", bad.err)}
		}
		return bad
	}
	return nil
}
