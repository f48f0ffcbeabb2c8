package harness

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"numasched/sched/sim/strict"
	"numasched/topology"
)

// Files of a run directory.
const (
	ResultsFile = "results.txt"
	MetaFile    = "run.json"
	ReportFile  = "index.html"
)

// A Place is where the times and the locality of a run come from.
type Place string

const (
	Host      Place = "host"      // real threads on this machine
	Virtual   Place = "virtual"   // a virtual NUMA machine: its kernel is real, its time is not
	Simulated Place = "simulated" // events in virtual time
)

// HasSpeed reports whether times mean anything there.
func (p Place) HasSpeed() bool { return p != Virtual }

// Label describes results from p in a few words.
func (p Place) Label() string {
	switch p {
	case Virtual:
		return "virtual NUMA machine: locality only, not speed"
	case Simulated:
		return "simulated machine: virtual time"
	}
	return "host: real threads, measured time"
}

// A Meta describes where results come from. It is written as run.json.
type Meta struct {
	Format     int         `json:"format"` // 1
	Place      Place       `json:"place"`
	Command    []string    `json:"command"`            // as typed, without the program's folder
	Machine    Machine     `json:"machine"`            // the first, if there are several
	Machines   []Machine   `json:"machines,omitempty"` // of merged runs
	Parts      []Part      `json:"parts,omitempty"`    // the merged runs
	Build      Build       `json:"build"`
	Topologies []TopoMeta  `json:"topologies"`
	Plan       Plan        `json:"plan"`
	Baseline   string      `json:"baseline,omitempty"` // arm that others are compared with; "": as BaselineOf says
	Sessions   []Session   `json:"sessions"`           // more than one if the run was resumed
	Binding    []Binding   `json:"binding"`
	Warnings   []string    `json:"warnings,omitempty"` // what an arm asked for and did not get
	Disturbed  Disturbance `json:"interference"`
	Clocks     Clocks      `json:"clocks,omitzero"`
	Done       int         `json:"done"`    // repetitions in results.txt
	Planned    int         `json:"planned"` // repetitions that the plan wants

	// Suspect lists what Load found wrong with the results.
	Suspect []string `json:"-"`
}

// Complete reports whether every repetition of the plan has been measured.
func (m *Meta) Complete() bool { return m.Done >= m.Planned }

// Label stands above every table and figure of the run.
func (m *Meta) Label() string {
	label := m.Place.Label()
	if m.pretended() {
		label += " · PRETENDED NODES: locality and steals are of a mocked topology"
	}
	if m.NoVerdict() && m.Place.HasSpeed() {
		label += " · DISTURBED by other processes"
	}
	return label
}

// Plain reports whether the run is what a reader expects by default: time and
// locality of a real machine that ran nothing else.
func (m *Meta) Plain() bool { return m.Label() == Host.Label() }

func (m *Meta) pretended() bool {
	for _, t := range m.Topologies {
		if t.Pretended {
			return true
		}
	}
	return false
}

// A Machine is the computer that a run's threads were on.
type Machine struct {
	OS      string `json:"os"`
	Arch    string `json:"arch"`
	Kernel  string `json:"kernel"` // release; "" if not known
	CPUs    int    `json:"cpus"`   // that this process may use
	Memory  int64  `json:"memory"` // bytes; 0 if not known
	CPU     CPU    `json:"cpu"`
	Allowed string `json:"allowed,omitempty"` // CPU list, where there is one
}

// A CPU is a processor model.
type CPU struct {
	Vendor     string   `json:"vendor,omitempty"`
	Model      string   `json:"model,omitempty"`
	Family     uint32   `json:"family,omitempty"`
	ModelNo    uint32   `json:"modelNumber,omitempty"`
	Stepping   uint32   `json:"stepping,omitempty"`
	CacheLine  uint32   `json:"cacheLine,omitempty"` // bytes
	Features   []string `json:"features,omitempty"`
	Hypervisor bool     `json:"hypervisor,omitempty"` // the CPU says that it is a virtual one
}

// A TopoMeta describes a topology that Ps were mapped onto.
type TopoMeta struct {
	Label     string `json:"label"`             // as in benchmark names
	Origin    string `json:"origin"`            // "host", "synthetic:2x4", a file's name
	Machine   int    `json:"machine,omitempty"` // of merged runs: its number in Meta.Machines, from 1
	Pretended bool   `json:"pretended"`
	CPUs      int    `json:"cpus"` // that may be used
	// NodesWithCPUs is how many nodes have CPUs. Without a policy, one task in that
	// many is local by chance.
	NodesWithCPUs int      `json:"nodesWithCPUs"`
	Nodes         []string `json:"nodes"`               // "node 0: CPUs 0-3, 16.0 GiB"
	Distances     [][]int  `json:"distances,omitempty"` // SLIT
	Missing       []string `json:"missing,omitempty"`
	Assumed       []string `json:"assumed,omitempty"` // constants of a simulated machine that nobody has measured
}

// A Session is the work of one process on a run.
type Session struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	Done  int       `json:"done"` // repetitions measured in it
}

// A Binding says whether an arm's threads were bound, and if not, why.
type Binding struct {
	Arm    string `json:"arm"`
	Topo   string `json:"topo"`
	Wanted bool   `json:"wanted"` // by the arm
	Bound  bool   `json:"bound"`
	Why    string `json:"why,omitempty"`
}

// A Disturbance says how much CPU time other processes took during repetitions.
// Known is false where the operating system does not report it.
type Disturbance struct {
	Known     bool    `json:"known"`
	MedianPct float64 `json:"medianPercent"`
	MaxPct    float64 `json:"maxPercent"`
	LimitPct  float64 `json:"limitPercent"` // repetitions above are flagged
	Flagged   int     `json:"flagged"`
}

// DisturbanceLimit is the share of the machine's CPU time that other processes
// may take before a repetition is flagged, in percent.
const DisturbanceLimit = 5

// disturbance sums up the repetitions.
func disturbance(ms []Measurement) Disturbance {
	d := Disturbance{LimitPct: DisturbanceLimit}
	var all []float64
	for i := range ms {
		if v, ok := ms[i].Get(Other.Unit); ok {
			d.Known = true
			all = append(all, v)
			d.MaxPct = max(d.MaxPct, v)
			if v > DisturbanceLimit {
				d.Flagged++
			}
		}
	}
	if d.Known {
		d.MedianPct = summarize(all).Center
	}
	return d
}

// describeTopology fills in a TopoMeta.
func describeTopology(t *topology.Topology) TopoMeta {
	m := TopoMeta{
		Label:     TopologyLabel(t),
		Origin:    t.Origin,
		Pretended: !t.IsHost(),
		CPUs:      t.Allowed.Len(),
		Distances: t.Distances,
	}
	for _, n := range t.Missing {
		m.Missing = append(m.Missing, n.String())
	}
	for _, n := range t.Nodes {
		cpus := "no CPUs"
		if !n.CPUs.Empty() {
			m.NodesWithCPUs++
			cpus = "CPUs " + n.CPUs.String()
		}
		m.Nodes = append(m.Nodes, fmt.Sprintf("node %d: %s, %.1f GiB", n.ID, cpus, float64(n.Memory)/(1<<30)))
	}
	return m
}

// TopologyLabel returns a short name for the shape of a machine. Benchmark names
// contain it. It counts nodes, L3s per node, cores per L3 and threads per core
// ("2n1l4c2t"). If these differ within the machine, it counts nodes, cores and
// threads in total ("5n20c33t"). The label of a topology that is not this
// machine's own begins with "pretended-".
func TopologyLabel(t *topology.Topology) string {
	if !t.IsHost() {
		return "pretended-" + shapeLabel(t)
	}
	return shapeLabel(t)
}

func shapeLabel(t *topology.Topology) string {
	nodes := max(1, len(t.Nodes))
	l3s := max(nodes, len(t.L3))
	cores := max(1, len(t.Cores))
	threads := t.Online.Len()
	label := fmt.Sprintf("%dn%dc%dt", nodes, cores, threads)
	if l3s%nodes == 0 && cores%l3s == 0 && threads%cores == 0 {
		label = fmt.Sprintf("%dn%dl%dc%dt", nodes, l3s/nodes, cores/l3s, threads/cores)
	}
	return label
}

// trimModel removes the padding that vendors put into a processor's name: zero
// bytes and runs of blanks.
func trimModel(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	return strings.Join(strings.Fields(s), " ")
}

// NewMeta describes this machine, this program and the topologies that a run
// uses. The caller adds the plan.
func NewMeta(place Place, topos []*topology.Topology) *Meta {
	m := &Meta{Format: metaFormat, Place: place, Machine: describeMachine(), Build: ThisBuild()}
	for _, t := range topos {
		m.Topologies = append(m.Topologies, describeTopology(t))
	}
	return m
}

func describeMachine() Machine {
	m := Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, Kernel: kernelRelease(), CPUs: runtime.NumCPU(), CPU: processor()}
	if host, err := topology.Host(); err == nil {
		m.Allowed = host.Allowed.String()
		for _, n := range host.Nodes {
			m.Memory += n.Memory
		}
	}
	return m
}

// models returns the CPU models of the machines.
func (m *Meta) models() (names []string) {
	for _, x := range append([]Machine{m.Machine}, m.Machines...) {
		if !slices.Contains(names, x.CPU.Model) {
			names = append(names, x.CPU.Model)
		}
	}
	return names
}

// config returns the lines that open results.txt.
func (m *Meta) config() [][2]string {
	var topos, pretended []string
	for _, t := range m.Topologies {
		topos = append(topos, t.Label+" "+t.Origin)
		if t.Pretended {
			pretended = append(pretended, t.Label)
		}
	}
	return [][2]string{
		{"place", string(m.Place)},
		{"goos", m.Machine.OS},
		{"goarch", m.Machine.Arch},
		{"cpu", strings.Join(m.models(), ", ")},
		{"kernel", m.Machine.Kernel},
		{"go", m.Build.Go},
		{"commit", m.Build.Commit},
		{"gogc", m.Build.GOGC},
		{"topology", strings.Join(topos, ", ")},
		{"pretended", strings.Join(pretended, ", ")},
		{"seed", fmt.Sprint(m.Plan.Seed)},
		{"command", strings.Join(m.Command, " ")},
	}
}

// save writes run.json so that a reader never sees half of it.
func (m *Meta) save(dir string) error {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(filepath.Join(dir, MetaFile), func(w io.Writer) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}

// A Results is a run directory's content.
type Results struct {
	Dir          string
	Meta         Meta
	Measurements []Measurement
}

// Began returns when the first session began, or the zero time if that is not known.
func (r *Results) Began() (t time.Time) {
	for i, s := range r.Meta.Sessions {
		if i == 0 || s.Start.Before(t) {
			t = s.Start
		}
	}
	return t
}

// Written returns when the last session ended, or the zero time if that is not known.
func (r *Results) Written() (t time.Time) {
	for _, s := range r.Meta.Sessions {
		if s.End.After(t) {
			t = s.End
		}
	}
	return t
}

// Load reads a run directory. Errors name the file.
func Load(dir string) (*Results, error) {
	m, err := loadMeta(dir)
	if err != nil {
		return nil, err
	}
	r := &Results{Dir: dir, Meta: *m}
	var half bool
	r.Measurements, half, err = loadMeasurements(dir)
	if r.Meta.Baseline == "" {
		r.Meta.Baseline = BaselineOf(r.Measurements)
	}
	r.Meta.Done = len(r.Measurements) // run.json is behind if the run was killed
	if m.Place != Simulated {
		r.Meta.Disturbed = disturbance(r.Measurements)
		r.Meta.Clocks = clocks(r.Measurements)
	}
	if half {
		r.Meta.Suspect = append(r.Meta.Suspect, fmt.Sprintf("The last line of %s has no end. It was cut off, and it is ignored.", ResultsFile))
	}
	if strange := m.notPlanned(r.Measurements); strange != "" {
		r.Meta.Suspect = append(r.Meta.Suspect, fmt.Sprintf("%s: %s. Something other than this run has written to the file. Do not trust these numbers.", ResultsFile, strange))
	}
	return r, err
}

// LoadAll reads run directories. One without measurements is an error.
func LoadAll(dirs []string) (all []*Results, err error) {
	for _, dir := range dirs {
		res, err := Load(dir)
		if err == nil && len(res.Measurements) == 0 {
			err = fmt.Errorf("%s: no measurement", filepath.Join(dir, ResultsFile))
		}
		if err != nil {
			return nil, err
		}
		all = append(all, res)
	}
	return all, nil
}

// notPlanned names the first repetition that m's plan does not have, or "".
func (m *Meta) notPlanned(ms []Measurement) string {
	left := map[Cell]int{}
	for i := range m.Plan.Cells {
		left[m.Plan.Cells[i].Cell] = m.Plan.Reps
	}
	done := map[Cell]int{}
	for i := range ms {
		c := ms[i].Cell
		if done[c]++; done[c] > left[c] {
			return fmt.Sprintf("repetition %d of %s is not in the plan of %s", done[c], c.Name(), MetaFile)
		}
	}
	return ""
}

func loadMeta(dir string) (*Meta, error) {
	path := filepath.Join(dir, MetaFile)
	data, err := os.ReadFile(path)
	if err != nil && isFile(dir) {
		return nil, fmt.Errorf("%s: it is a file: want a result directory", dir)
	}
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: no such directory", dir)
		}
		return nil, fmt.Errorf("%s: not a result directory (it has no %s)", dir, MetaFile)
	}
	if err != nil {
		return nil, err
	}
	// Check the format first: a later one may have fields that are unknown here.
	if err := strict.Check(path, data); err != nil {
		return nil, fmt.Errorf("%w: want the JSON object that a run writes", err)
	}
	var version struct {
		Format json.RawMessage `json:"format"`
	}
	at := strict.Locate(data, "format")
	if json.Unmarshal(data, &version) != nil {
		return nil, strict.Where(path, data, at, errors.New("want the JSON object that a run writes"))
	}
	switch text := string(version.Format); text {
	case fmt.Sprint(metaFormat):
	case "":
		return nil, strict.Where(path, data, at, fmt.Errorf("no field \"format\": want the JSON object that a run writes, of format %d", metaFormat))
	default:
		return nil, strict.Where(path, data, at, fmt.Errorf("format %.40s: want %d", text, metaFormat))
	}
	m := new(Meta)
	if err := strict.DecodeWritten(path, data, m); err != nil {
		return nil, err
	}
	if err := m.check(); err != nil {
		return nil, strict.Where(path, data, strict.Locate(data, err.path()...), err)
	}
	return m, nil
}

func loadMeasurements(dir string) (ms []Measurement, half bool, err error) {
	path := filepath.Join(dir, ResultsFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, false, err
	}
	whole := wholeLines(data)
	if ms, err = ReadMeasurements(bytes.NewReader(whole), path); err == nil {
		err = loadHistograms(dir, ms)
	}
	return ms, len(whole) < len(data), err
}

const metaFormat = 1
