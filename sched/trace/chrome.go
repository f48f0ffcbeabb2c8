package trace

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"numasched/sched"
	"numasched/sched/internal/machine"
)

// WriteChrome writes what r has kept, which must be with Clock, in the JSON format of
// Chrome's trace viewer, for ui.perfetto.dev. Times are those of the machine's clock, from the
// first event on.
//
//   - A process for each node has a track for each M, with what the M runs: a G within
//     another is run inside a join. An M is shown at the node of the P that it held first.
//   - Another process for each node has a track for each P, with the M that holds it.
//   - Arrows lead from what makes a G ready to where it goes on, and from the P that it was
//     stolen from to the P of the thief.
//   - An instant on sysmon's track says that it has found Gs that keep their Ps and wait for
//     what the scheduler does not know, another on the track of the P that made it look.
//   - Counters show, for each node, how many Gs are ready that were made so there, and how
//     many have gone on at the node where they ran before and how many at another.
//
// s is the scheduler that was recorded.
func (r *Recorder) WriteChrome(w io.Writer, s *sched.Sched) error {
	c := &chrome{w: bufio.NewWriter(w), s: s, named: make(map[[2]int]bool), ms: make(map[int32]*chromeM), gs: make(map[uint32]*chromeG), held: make(map[int32]bool), times: make(map[[2]int]int64)}
	ids := s.NodeIDs()
	c.ids = ids
	c.nodes = make([]chromeNode, len(ids))
	c.w.WriteString(`{"displayTimeUnit":"ns","traceEvents":[` + "\n")
	for i, id := range ids {
		name := fmt.Sprintf("node %d", id)
		c.put(chromeEvent{Name: "process_name", Ph: "M", Pid: pidMs(i), Args: map[string]any{"name": name + ": Ms"}})
		c.put(chromeEvent{Name: "process_name", Ph: "M", Pid: pidPs(i), Args: map[string]any{"name": name + ": Ps"}})
	}
	c.put(chromeEvent{Name: "process_name", Ph: "M", Pid: pidOutside, Args: map[string]any{"name": "without a P"}})
	first := true
	err := r.Merge(func(rec *Record) error {
		if first || rec.Time < c.start {
			c.start, first = rec.Time, false
		}
		return nil
	})
	if err == nil {
		err = r.Merge(func(rec *Record) error {
			c.event(rec)
			return c.err
		})
	}
	if err != nil {
		return err
	}
	c.end()
	c.w.WriteString("\n]}\n")
	return c.w.Flush()
}

// A chromeEvent is an element of traceEvents. Times are in microseconds.
type chromeEvent struct {
	Name string         `json:"name"`
	Ph   string         `json:"ph"` // B and E: begin and end of a slice; i: instant; s and f: ends of an arrow; C: counter; M: name
	Cat  string         `json:"cat,omitempty"`
	Ts   float64        `json:"ts"`
	Pid  int            `json:"pid"`
	Tid  int            `json:"tid"`
	ID   int            `json:"id,omitempty"`
	Bp   string         `json:"bp,omitempty"`
	S    string         `json:"s,omitempty"`
	Args map[string]any `json:"args,omitempty"`
}

// Processes, which Perfetto shows as groups of tracks.
const pidOutside = 1

func pidMs(node int) int { return 2 + 2*node }
func pidPs(node int) int { return 3 + 2*node }

type chrome struct {
	w      *bufio.Writer
	err    error
	wrote  bool
	s      *sched.Sched
	start  int64
	last   int64 // the latest time
	ids    []int // of the nodes
	nodes  []chromeNode
	named  map[[2]int]bool // tracks
	arrows int
	ms     map[int32]*chromeM
	gs     map[uint32]*chromeG
	held   map[int32]bool   // Ps
	times  map[[2]int]int64 // of the last event of a track: clocks of two CPUs may differ by a little
}

type chromeNode struct {
	ready      int
	same, away int   // Gs that went on where they had run, and elsewhere
	shown      int64 // when the counters were written last
	stale      bool
}

type chromeM struct {
	track [2]int
	stack []uint32 // the Gs that have a slice on its track, the innermost last
}

type chromeG struct {
	outer     uint32
	ranOn     int // the node, or -1
	readyOn   int // the node where it was made ready, or -1 if it is not
	arrow     int // that ends where it goes on; 0: none
	arrowTime int64
}

func (c *chrome) put(e chromeEvent) {
	text, err := json.Marshal(e)
	if c.err == nil {
		c.err = err
	}
	if c.wrote {
		c.w.WriteString(",\n")
	}
	c.wrote = true
	c.w.Write(text)
}

func (c *chrome) micros(ns int64) float64 { return float64(ns-c.start) / 1e3 }

// name names a track.
func (c *chrome) name(track [2]int, name string) {
	if !c.named[track] {
		c.named[track] = true
		c.put(chromeEvent{Name: "thread_name", Ph: "M", Pid: track[0], Tid: track[1], Args: map[string]any{"name": name}})
	}
}

// m returns what is known of e's M, which is new if this is its first event that shows.
func (c *chrome) m(e *Record) *chromeM {
	m := c.ms[e.M]
	if m == nil {
		m = &chromeM{track: [2]int{pidOutside, int(e.M) + 2}}
		if e.P >= 0 {
			m.track[0] = pidMs(c.nodeOf(e.P))
		}
		c.ms[e.M] = m
		name := fmt.Sprintf("M%d", e.M)
		if e.M == -1 {
			name = "callers"
		}
		c.name(m.track, name)
	}
	return m
}

func (c *chrome) trackOfP(p int32) [2]int {
	track := [2]int{pidPs(c.nodeOf(p)), int(p) + 1}
	c.name(track, fmt.Sprintf("P%d", p))
	return track
}

func (c *chrome) begin(m *chromeM, at int64, name uint32) {
	m.stack = append(m.stack, name)
	c.slice("B", m.track, at, fmt.Sprintf("G%d", name), nil)
}

func (c *chrome) slice(ph string, track [2]int, at int64, name string, args map[string]any) {
	c.put(chromeEvent{Name: name, Ph: ph, Ts: c.on(track, at), Pid: track[0], Tid: track[1], Args: args})
}

// on returns the time of an event of a track at about at: not before those that the track
// has already.
func (c *chrome) on(track [2]int, at int64) float64 {
	at = max(at, c.times[track])
	c.times[track] = at
	c.last = max(c.last, at)
	return c.micros(at)
}

// finish ends the innermost slice of m.
func (c *chrome) finish(m *chromeM, at int64, args map[string]any) {
	if n := len(m.stack); n > 0 {
		c.slice("E", m.track, at, fmt.Sprintf("G%d", m.stack[n-1]), args)
		m.stack = m.stack[:n-1]
	}
}

func (c *chrome) instant(track [2]int, at int64, name string) {
	c.put(chromeEvent{Name: name, Ph: "i", S: "t", Ts: c.on(track, at), Pid: track[0], Tid: track[1]})
}

// arrow draws one end of an arrow, on a slice that is open.
func (c *chrome) arrow(ph string, track [2]int, at int64, cat string, id int) {
	e := chromeEvent{Name: cat, Cat: cat, Ph: ph, Ts: c.on(track, at), Pid: track[0], Tid: track[1], ID: id}
	if ph == "f" {
		e.Bp = "e"
	}
	c.put(e)
}

// count changes what the counters of a node show. They are written at most once in a
// microsecond.
func (c *chrome) count(node int, at int64, change func(*chromeNode)) {
	if node < 0 {
		return
	}
	n := &c.nodes[node]
	if n.stale && at >= n.shown+1000 {
		c.show(node, at)
	}
	change(n)
	n.stale = true
}

func (c *chrome) show(node int, at int64) {
	n := &c.nodes[node]
	n.shown, n.stale = at, false
	c.put(chromeEvent{Name: "ready Gs", Ph: "C", Ts: c.micros(at), Pid: pidPs(node), Args: map[string]any{"Gs": n.ready}})
	c.put(chromeEvent{Name: "went on", Ph: "C", Ts: c.micros(at), Pid: pidPs(node), Args: map[string]any{"on the same node": n.same, "on another": n.away}})
}

func (c *chrome) event(e *Record) {
	if e.Kind == machine.EventNewM || e.Kind == machine.EventStop || e.Kind == machine.EventEndM {
		return
	}
	m := c.m(e)
	at := e.Time
	c.last = max(c.last, at)
	node := -1
	if e.P >= 0 {
		node = c.nodeOf(e.P)
	}
	g := c.gs[e.G]
	if e.Kind.OfG() && e.G != 0 && g == nil {
		g = &chromeG{ranOn: -1, readyOn: -1}
		c.gs[e.G] = g
	}
	switch e.Kind {
	case machine.EventSpawn, machine.EventReady, machine.EventRequeue:
		if e.Kind == machine.EventSpawn {
			*g = chromeG{ranOn: -1}
		}
		g.readyOn = max(node, 0)
		c.count(g.readyOn, at, func(n *chromeNode) { n.ready++ })
		if e.Kind == machine.EventReady && len(m.stack) > 0 {
			c.arrows++
			c.arrow("s", m.track, at, "wake", c.arrows)
			g.arrow, g.arrowTime = c.arrows, c.times[m.track]
		}
	case machine.EventStart, machine.EventInline:
		c.count(g.readyOn, at, func(n *chromeNode) { n.ready-- })
		g.readyOn = -1
		if g.ranOn >= 0 {
			c.count(node, at, func(n *chromeNode) {
				if g.ranOn == node {
					n.same++
				} else {
					n.away++
				}
			})
		}
		if e.Kind == machine.EventInline {
			if n := len(m.stack); n > 0 {
				g.outer = m.stack[n-1]
			}
		} else {
			at = max(at, g.arrowTime)
			c.outers(m, at, g.outer)
		}
		g.ranOn = node
		c.begin(m, at, e.G)
		if g.arrow != 0 {
			c.arrow("f", m.track, at, "wake", g.arrow)
			g.arrow = 0
		}
	case machine.EventPark:
		why := map[string]any{"parks": sched.WaitReason(e.Arg).String()}
		for len(m.stack) > 0 {
			c.finish(m, at, why)
			why = nil
		}
	case machine.EventEnd:
		c.finish(m, at, nil)
		g.outer = 0
	case machine.EventSyscall:
		c.slice("B", m.track, at, "system call", nil)
	case machine.EventSysexit:
		c.slice("E", m.track, at, "system call", nil)
	case machine.EventSteal:
		theft := e.Theft()
		if theft.Victim < 0 {
			c.instant(m.track, at, fmt.Sprintf("steal %d from the queue of node %d", theft.Gs, theft.Node))
			break
		}
		c.instant(m.track, at, fmt.Sprintf("steal %d from P%d", theft.Gs, theft.Victim))
		if c.held[int32(theft.Victim)] && c.held[e.P] {
			c.arrows++
			from := c.trackOfP(int32(theft.Victim))
			c.arrow("s", from, at, "steal", c.arrows)
			c.arrow("f", c.trackOfP(e.P), c.times[from], "steal", c.arrows)
		}
	case machine.EventAcquire:
		c.held[e.P] = true
		c.slice("B", c.trackOfP(e.P), at, fmt.Sprintf("M%d", e.M), nil)
	case machine.EventRelease:
		if c.held[e.P] {
			c.slice("E", c.trackOfP(e.P), at, fmt.Sprintf("M%d", e.M), nil)
		}
		c.held[e.P] = false
	case machine.EventStuck:
		c.instant(m.track, at, fmt.Sprintf("%d Gs wait natively and keep their Ps", e.Arg))
		c.instant(c.trackOfP(e.P), at, e.Kind.String())
	case machine.EventRetake, machine.EventHandoff:
		c.instant(c.trackOfP(e.P), at, e.Kind.String())
	}
}

// outers begins slices for the Gs whose joins run what comes, the outermost first.
func (c *chrome) outers(m *chromeM, at int64, name uint32) {
	if g := c.gs[name]; name != 0 && g != nil {
		c.outers(m, at, g.outer)
		c.begin(m, at, name)
	}
}

// end ends what is open.
func (c *chrome) end() {
	for _, id := range slices.Sorted(maps.Keys(c.ms)) {
		m := c.ms[id]
		for len(m.stack) > 0 {
			c.finish(m, c.last, nil)
		}
	}
	for _, p := range slices.Sorted(maps.Keys(c.held)) {
		if c.held[p] {
			c.slice("E", c.trackOfP(p), c.last, "", nil)
		}
	}
	for i := range c.nodes {
		if c.nodes[i].stale {
			c.show(i, c.last)
		}
	}
}

// nodeOf returns the index of the node that a P is mapped to.
func (c *chrome) nodeOf(p int32) int { return slices.Index(c.ids, c.s.NodeOfP(int(p))) }
