package explore

import (
	"fmt"
	"strings"

	"numasched/sched/internal/machine"
)

// A timeline records an execution. Each line is an event: the step, then what a thread
// did, in the thread's column. See the package documentation.
type timeline struct {
	rows    []row
	pending bool          // the access of the last row has not happened yet
	index   int           // its word
	stacks  map[any][]int // the Gs of the program whose functions are on each stack
}

func newTimeline() *timeline { return &timeline{stacks: make(map[any][]int)} }

type row struct {
	step, thread, g int
	text            string
}

var kinds = [...]string{machine.Load: "load", machine.Store: "store", machine.RMW: "rmw"}

func (tl *timeline) add(x *Machine, t *thread, text string) {
	tl.finish(x)
	tl.rows = append(tl.rows, row{x.step, t.id, tl.running(t), text})
}

// runs notes that G i of the program begins on the present thread. What it returns is to
// be called at the end. A G stays on the stack that it begins on, whichever M enters that.
func (x *Machine) runs(i int) (end func()) {
	tl := x.trace
	if tl == nil {
		return func() {}
	}
	stack := x.cur.m.Stack()
	tl.stacks[stack] = append(tl.stacks[stack], i)
	return func() { tl.stacks[stack] = tl.stacks[stack][:len(tl.stacks[stack])-1] }
}

// running returns the G of the program that t runs, or -1.
func (tl *timeline) running(t *thread) int {
	if t.m != nil {
		if gs := tl.stacks[t.m.Stack()]; len(gs) > 0 {
			return gs[len(gs)-1]
		}
	}
	return -1
}

// access records an access that is about to happen.
func (tl *timeline) access(x *Machine, t *thread, i int, kind machine.Access) {
	tl.add(x, t, fmt.Sprintf("%-5s %s", kinds[kind], tl.word(x, i)))
	tl.pending, tl.index = true, i
}

func (tl *timeline) note(x *Machine, t *thread, text string) { tl.add(x, t, text) }

// finish adds the value that the last access has left. Nobody else runs between a point
// and its access.
func (tl *timeline) finish(x *Machine) {
	if !tl.pending {
		return
	}
	tl.pending = false
	if tl.index < flags || x.s == nil && x.model == nil {
		return
	}
	if _, value := x.describe(machine.Line(tl.index - flags)); value != "" {
		tl.rows[len(tl.rows)-1].text += ": " + value
	}
}

func (tl *timeline) word(x *Machine, i int) string {
	switch {
	case i < ownWords:
		return fmt.Sprintf("G%d begins", i)
	case i < orderWord:
		return fmt.Sprintf("the program's word %d", i-ownWords)
	case i == orderWord:
		return "the program's order"
	case i == clockWord:
		return "the clock"
	case i < flags:
		return fmt.Sprintf("poller %d", i-pollWord)
	}
	if name, _ := x.describe(machine.Line(i - flags)); name != "" {
		return name
	}
	return fmt.Sprintf("word %d of a G or channel", i-flags)
}

func (tl *timeline) end(x *Machine, err error) {
	if err != nil {
		tl.rows = append(tl.rows, row{x.step, -1, -1, "FAILED: " + err.Error()})
	}
}

// String returns the timeline: a heading wherever another thread goes on.
func (tl *timeline) String() string {
	var b strings.Builder
	last := -2
	for _, r := range tl.rows {
		switch {
		case r.thread < 0:
			fmt.Fprintf(&b, "%6d  %s\n", r.step, r.text)
			continue
		case r.thread != last && r.thread == 0:
			b.WriteString("caller\n")
		case r.thread != last:
			fmt.Fprintf(&b, "%*sM%d\n", 4*r.thread, "", r.thread-1)
		}
		last = r.thread
		who := "  "
		if r.g >= 0 {
			who = fmt.Sprintf("G%d", r.g)
		}
		fmt.Fprintf(&b, "%6d %*s%s %s\n", r.step, 4*r.thread, "", who, r.text)
	}
	return b.String()
}
