package sim

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"sort"
	"strings"

	"numasched/sched/sim/strict"
	"numasched/topology"
)

// A Preset holds the constants of one machine. In JSON every constant is an object
// with a value and a source. The source begins with "assumed" if nobody has measured
// the constant on that machine. A preset takes the constants that it leaves out from
// the preset named by like; they then count as assumed: see [Preset.Assumed].
//
// Decimal numbers in JSON have at most three digits after the point. Nanoseconds are
// kept as picoseconds and GB/s as MB/s, so that no rounding depends on the CPU.
type Preset struct {
	Name string `json:"name"`
	Doc  string `json:"doc"`
	Like string `json:"like,omitempty"`
	// Topology is an argument of topology.Load.
	Topology string `json:"topology,omitempty"`

	// CPU.
	Cycle Scalar `json:"cycle_ns"`          // one arithmetic operation
	SMT   Scalar `json:"smt_share"`         // speed of a thread whose sibling runs, as a share of its own
	L1    Scalar `json:"l1_ns"`             // load-to-use latencies
	L2    Scalar `json:"l2_ns"`             //
	L3    Scalar `json:"l3_ns"`             //
	L1BW  Scalar `json:"l1_GBps"`           // streaming rates of one core
	L2BW  Scalar `json:"l2_GBps"`           //
	L3BW  Scalar `json:"l3_GBps"`           //
	RMW   Scalar `json:"rmw_ns"`            // an atomic operation on a line that the core owns
	Store Scalar `json:"store_ns"`          // a store to such a line
	Fault Scalar `json:"fault_ns_per_page"` // first touch of a page of 4 KiB
	Map   Scalar `json:"buffer_ns"`         // making a buffer and giving it back, beside its pages
	Ahead Scalar `json:"misses_under_way"`  // of one core, where accesses do not wait for each other
	Alloc Scalar `json:"alloc_ns"`          // Alloc or Free of a small object, if all it needs is in the first cache
	// Caches are the sizes of a core's first and second cache and of the one that a
	// node's cores share, for a topology that lists no caches; others know better.
	Caches List `json:"cache_KiB,omitzero"`

	// Memory. Matrices are [CPU's node][memory's node], in the order of node IDs. An
	// inherited matrix of another size is placed by how near the nodes are.
	Idle   Matrix  `json:"idle_ns"`
	Peak   List    `json:"node_GBps"`      // saturated read bandwidth of each node's memory; one number serves all
	Cores  Scaling `json:"core_scaling"`   // bandwidth against active cores
	Mesh   Scalar  `json:"mesh_GBps"`      // a node's port to the other nodes of its package; 0 is no limit
	Links  Links   `json:"links"`          // between packages (p0) and nodes (n0)
	Loaded Curve   `json:"loaded_latency"` // multiple of the idle latency against the share of bandwidth used

	// Cache lines that change hands, with an atomic operation.
	Near    Scalar `json:"c2c_l3_ns"`            // between cores that share the L3
	Package Scalar `json:"c2c_package_ns"`       // between L3s of one node
	Line    Matrix `json:"c2c_ns"`               // between nodes: line at home with the one who held it
	LineFar Matrix `json:"c2c_home_ns,omitzero"` // line at home with the one who gets it; left out: the same

	// Kernel.
	Syscall  Scalar `json:"syscall_ns"`
	Wake     Scalar `json:"futex_wake_ns"`  // for the waker, for each thread woken
	Sleep    Scalar `json:"futex_sleep_ns"` // for the sleeper, until its CPU is free
	WakeNear Scalar `json:"wake_ns"`        // until the thread runs on an idle CPU of the waker's node
	WakeFar  Scalar `json:"wake_far_ns"`    // of another node
	Switch   Scalar `json:"context_switch_ns"`
	Affinity Scalar `json:"setaffinity_ns"` // when the thread has to move
	Clone    Scalar `json:"clone_ns"`
	Slice    Scalar `json:"time_slice_ns"`

	// Scheduler: what Memory.Spend charges, by name of the sched.Cost.
	Spawn    Scalar `json:"sched_spawn_ns"`
	Inline   Scalar `json:"sched_inline_ns"`
	Execute  Scalar `json:"sched_execute_ns"`
	Carrier  Scalar `json:"sched_switch_ns"`
	Schedule Scalar `json:"sched_schedule_ns"`
	NewStack Scalar `json:"sched_newstack_ns"`
	Context  Scalar `json:"sched_context_lines"` // that a G which has parked is waited for, where it runs again

	// Programs: what they do between calls of the scheduler.
	Object     Scalar  `json:"go_object_ns"`      // making a small object on Go's heap, and its share of collecting it
	ObjectBusy Scalar  `json:"go_object_busy_ns"` // the same where no CPU is idle, which could collect meanwhile
	Kernels    Kernels `json:"kernel_cycles"`     // by Work.Kernel
}

// A Scalar is one constant in thousandths of its unit.
type Scalar struct {
	Value  Milli  `json:"value"`
	Source string `json:"source"`
}

// Kernels says how many cycles each of a Work's Ops takes, by name of its Kernel.
// One that is not listed takes 1.
type Kernels struct {
	Value  map[string]Milli `json:"value"`
	Source string           `json:"source"`
}

// A Matrix is a constant by node pair.
type Matrix struct {
	Value  [][]Milli `json:"value"`
	Source string    `json:"source"`
}

// A List is a constant by node.
type List struct {
	Value  []Milli `json:"value"`
	Source string  `json:"source"`
}

// A Curve is a constant given by points. X ascends, and the curve is straight between
// two points.
type Curve struct {
	Value  [][2]Milli `json:"value"`
	Source string     `json:"source"`
}

// Scaling says how the bandwidth of a node's memory grows with the number of cores
// that stream from it. It is in GB/s that the program sees, for the four kernels of
// the likwid tables. The points come from one measured machine and are scaled so that
// their largest load equals node_GBps.
type Scaling struct {
	Value  ScalingCurves `json:"value"`
	Source string        `json:"source"`
}

// ScalingCurves are the curves of a [Scaling]: [cores, GB/s].
type ScalingCurves struct {
	Load   [][2]Milli `json:"load"`
	Copy   [][2]Milli `json:"copy"`
	Triad  [][2]Milli `json:"triad"`
	Update [][2]Milli `json:"update"`
}

// Links are the links between the parts of the machine. Each has the same bandwidth
// in either direction.
type Links struct {
	Value  []LinkSpec `json:"value"`
	Source string     `json:"source"`
}

// A LinkSpec is one link, between packages ("p0" and "p1") or nodes ("n0" and "n4"),
// by position. All traffic between nodes passes a link between "*" and "*", in both
// directions, in addition to the links on its way: a front-side bus, or the snoops of
// a whole machine.
type LinkSpec struct {
	Between [2]string `json:"between"`
	GBps    Milli     `json:"GBps"`
}

var everywhere = [2]string{"*", "*"}

// Milli is a decimal number in thousandths.
type Milli int64

// UnmarshalJSON reads a decimal number with at most three digits after the point.
func (m *Milli) UnmarshalJSON(b []byte) error {
	s := string(b)
	if strings.IndexByte("-0123456789", s[0]) < 0 {
		return fmt.Errorf("%s: want a decimal number without quotes", s)
	}
	whole, frac, _ := strings.Cut(s, ".")
	neg := strings.HasPrefix(whole, "-")
	v := int64(0)
	digits := strings.TrimPrefix(whole, "-") + (frac + "000")[:3]
	for _, c := range digits + frac {
		if c < '0' || c > '9' {
			return fmt.Errorf("%s: want a decimal number without exponent", s)
		}
	}
	if len(frac) > 3 || len(digits) > 15 {
		return fmt.Errorf("%s: want a number with at most three decimals, below 1e12", s)
	}
	for _, c := range digits {
		v = v*10 + int64(c-'0')
	}
	if neg {
		v = -v
	}
	*m = Milli(v)
	return nil
}

// MarshalJSON writes the number without trailing zeros.
func (m Milli) MarshalJSON() ([]byte, error) { return []byte(m.String()), nil }

// String is the number in decimal.
func (m Milli) String() string {
	sign := ""
	if m < 0 {
		sign, m = "-", -m
	}
	s := fmt.Sprintf("%s%d.%03d", sign, m/1000, m%1000)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

//go:embed presets
var presetFiles embed.FS

// PresetNames returns the names of the presets that come with the package.
func PresetNames() []string {
	var names []string
	files, _ := fs.ReadDir(presetFiles, "presets")
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".json"))
	}
	sort.Strings(names)
	return names
}

// LoadPreset loads a preset: one that comes with the package, by name; a file whose
// name ends in .json; or synthetic:SPEC, a machine that nobody has built, with the
// default constants.
func LoadPreset(arg string) (*Preset, error) { return loadPreset(arg, 0) }

// loadPreset is LoadPreset; depth counts the "like" links followed so far.
func loadPreset(arg string, depth int) (*Preset, error) {
	if strings.HasPrefix(arg, "synthetic:") {
		if _, err := topology.ParseSynthetic(arg); err != nil {
			return nil, err
		}
		p, err := LoadPreset("default")
		if err != nil {
			return nil, err
		}
		p.Name, p.Topology, p.Like = arg, arg, "default"
		p.Doc = "no real machine: every constant is assumed"
		return p, nil
	}
	if strings.HasSuffix(arg, ".json") {
		data, err := os.ReadFile(arg)
		if err != nil {
			if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
				err = pe.Err
			}
			return nil, fmt.Errorf("preset %s: %w", arg, err)
		}
		return parsePreset(arg, data, depth)
	}
	data, err := presetFiles.ReadFile("presets/" + arg + ".json")
	if err != nil || strings.ContainsAny(arg, `/\`) {
		return nil, fmt.Errorf("preset %q: want synthetic:SPEC, a file that ends in .json, or one of %s", arg, strings.Join(PresetNames(), ", "))
	}
	return parsePreset(arg, data, depth)
}

// ParsePreset reads a preset. An error is one line: file, line, column, what is
// there and what was expected.
func ParsePreset(name string, data []byte) (*Preset, error) {
	return parsePreset(name, data, 0)
}

// maxLikes is the longest chain of presets that are like each other. A longer one
// goes in a circle.
const maxLikes = 8

func parsePreset(name string, data []byte, depth int) (*Preset, error) {
	p := new(Preset)
	if err := strict.Decode(name, data, p); err != nil {
		return nil, err
	}
	bad := func(err *presetError) error {
		return strict.Where(name, data, strict.Locate(data, err.path...), err.err)
	}
	own, err := p.owned(data)
	if err != nil {
		return nil, bad(err)
	}
	if p.Like != "" {
		if depth == maxLikes {
			return nil, bad(badConstant(path{"like"}, "%q: want a chain of at most %d presets, and no circle", p.Like, maxLikes))
		}
		base, err := loadPreset(p.Like, depth+1)
		if err != nil {
			return nil, bad(badConstant(path{"like"}, "%w", err))
		}
		p.inherit(base)
	}
	if err := p.check(); err != nil {
		return nil, bad(err)
	}
	if err := p.checkMachine(own); err != nil {
		return nil, bad(err)
	}
	return p, nil
}

// inherit copies the constants that p lacks from base.
func (p *Preset) inherit(base *Preset) {
	pv, bv := reflect.ValueOf(p).Elem(), reflect.ValueOf(base).Elem()
	for i := range pv.NumField() {
		f := pv.Field(i)
		if f.Kind() != reflect.Struct || f.FieldByName("Source").String() != "" {
			continue
		}
		f.Set(bv.Field(i))
		source := f.FieldByName("Source")
		if s := source.String(); s != "" && !strings.HasPrefix(s, "assumed") {
			source.SetString("assumed as on " + base.Name + ": " + s)
		}
	}
	if p.Topology == "" {
		p.Topology = base.Topology
	}
}

// Constants calls f for each constant in a fixed order, with its name, value (both as
// in JSON) and source.
func (p *Preset) Constants(f func(name, value, source string)) {
	v := reflect.ValueOf(p).Elem()
	for i := range v.NumField() {
		c := v.Field(i)
		if c.Kind() != reflect.Struct {
			continue
		}
		source := c.FieldByName("Source").String()
		if source == "" {
			continue
		}
		value, err := json.Marshal(c.FieldByName("Value").Interface())
		if err != nil {
			panic(err) // numbers and strings have a JSON form
		}
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		f(name, string(value), source)
	}
}

// Assumed returns the constants that nobody has measured on this machine, each as
// "name: source". Every simulated result shows them.
func (p *Preset) Assumed() []string {
	var list []string
	p.Constants(func(name, _, source string) {
		if strings.HasPrefix(source, "assumed") {
			list = append(list, name+": "+source)
		}
	})
	return list
}

// JSON writes the preset as a file that [ParsePreset] reads. Matrices that it has
// from the preset it is like are written as they are on its own machine.
func (p *Preset) JSON() ([]byte, error) {
	q := *p
	if p.Like != "" && p.Topology != "" {
		topo, err := topology.Load(p.Topology)
		if err != nil {
			return nil, err
		}
		h, err := newHardware(topo, p)
		if err != nil {
			return nil, fmt.Errorf("preset %s: %w", p.Name, err)
		}
		for _, m := range []*Matrix{&q.Idle, &q.Line, &q.LineFar} {
			if len(m.Value) > 0 {
				m.Value = h.matrix(m.Value)
			}
		}
	}
	b, err := json.MarshalIndent(&q, "", " ")
	return append(b, '\n'), err
}
