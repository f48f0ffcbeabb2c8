package explore

import (
	"fmt"

	"numasched/sched"
	"numasched/sched/internal/machine"
)

// A Program is a small parallel program. Its Gs are ordinary functions that use package
// sched as any other G does. The package documentation says how to write one.
type Program struct {
	Name string
	Doc  string                 // one line
	Main func(t *T, g *sched.G) // what Run runs

	MinCPUs int                         // that it needs
	MinGs   int                         // that it needs; 0 means 1
	Want    func(t *T, err error) error // checks what Run returns; nil: it must return nil
	Close   bool                        // Close is explored too; else it follows when all is over
	Cancel  bool                        // the caller calls Close instead of waiting for Run
	Runs    int                         // how often Run is called with Main; 0 means once
	Sysmon  bool                        // there is a sysmon

	// Model is there instead of Main if the program runs on the model of Go's scheduler. It
	// returns the main G. The arm means nothing then.
	Model func(r *goRuntime) *goG
}

// ProgramByName returns the program with the given name.
func ProgramByName(name string) (Program, bool) {
	for _, list := range [][]Program{Programs, ModelPrograms} {
		for _, p := range list {
			if p.Name == name {
				return p, true
			}
		}
	}
	return Program{}, false
}

// Words of a program, by index: first whether each G has begun, then the program's own.
const (
	ownWords  = 64            // the first of the program's own
	orderWord = 128           // what Order counts
	clockWord = 129           // the clock
	pollWord  = 130           // the first of the pollers, of which there is one for each node
	flags     = 130 + MaxCPUs // all of them; the scheduler's lines come after them
)

// A T is one execution of a program. Its methods are marks: they tell the explorer what
// the program does and what must hold. A mark that reads or writes a word is a point,
// like an access of the scheduler's own.
type T struct {
	x        *Machine
	s        *sched.Sched
	cfg      *Config
	round    int
	returned bool         // Main has, in this round
	words    [flags]int32 // of a G: how often it has begun
	started  uint64       // a bit for each G that must run
}

// Gs returns how many Gs the program is to have, with the one that runs Main.
func (t *T) Gs() int { return t.cfg.Gs }

// CPUs returns how many Ps there are.
func (t *T) CPUs() int { return t.cfg.CPUs }

// Nodes returns how many nodes have CPUs. Their IDs are 0 to Nodes()-1.
func (t *T) Nodes() int { return t.cfg.nodes() }

// Round returns how often Run was called before this time. In round n, Main is G n.
func (t *T) Round() int { return t.round }

// G returns fn as the program's G i, which must begin exactly once, or at most once if
// it may be cancelled. Main is G 0.
func (t *T) G(i int, fn func(*sched.G)) func(*sched.G) {
	t.mustRun(i)
	return func(g *sched.G) {
		defer t.begin(i)()
		fn(g)
	}
}

// Task is G for a task to fork. Its Arg is not used.
func (t *T) Task(i int, fn func(*sched.G) int) sched.Task {
	t.mustRun(i)
	return func(g *sched.G, _ sched.Arg) int {
		defer t.begin(i)()
		return fn(g)
	}
}

func (t *T) mustRun(i int) {
	if i < 0 || i >= ownWords || t.started&(1<<i) != 0 {
		t.x.fail(fmt.Errorf("the program has two Gs %d, or wants more than 0 to %d", i, ownWords-1))
	}
	t.started |= 1 << i
}

// begin notes that G i begins on the present thread. What it returns is to be called at
// the end.
func (t *T) begin(i int) (end func()) {
	end = t.x.runs(i)
	t.set(i, t.words[i]+1)
	if t.words[i] != 1 {
		t.x.fail(fmt.Errorf("run twice: G %d", i))
	}
	return end
}

// Visit has a guest, which is a thread that no M belongs to, call fns as [sched.Sched.Do] does, one
// after another.
func (t *T) Visit(g *sched.G, fns ...func(*sched.G)) { t.x.in.Visit(g, fns) }

// set writes word i.
func (t *T) set(i int, v int32) {
	t.x.flag(i, machine.RMW)
	t.words[i] = v
	t.x.readied++ // some may be busy until now
}

// flag is an access to word i of the program.
func (x *Machine) flag(i int, kind machine.Access) {
	t := x.cur
	x.point(t, i)
	x.touch(t, i, kind)
}

// Check fails the execution if ok is false.
func (t *T) Check(ok bool, format string, args ...any) {
	if !ok {
		t.x.fail(fmt.Errorf(format, args...))
	}
}

// Begun reports whether G i has begun.
func (t *T) Begun(i int) bool {
	t.x.flag(i, machine.Load)
	return t.words[i] != 0
}

// Load returns the program's own word i, from 0 to 63.
func (t *T) Load(i int) int {
	t.x.flag(ownWords+i, machine.Load)
	return int(t.words[ownWords+i])
}

// Store changes the program's own word i, from 0 to 63.
func (t *T) Store(i, v int) { t.set(ownWords+i, int32(v)) }

// Enter begins a section that one G at a time may be in, and Leave ends it. The section
// takes the place of the program's own word i.
func (t *T) Enter(i int) {
	t.add(i, 1)
	t.Check(t.words[ownWords+i] == 1, "two Gs are in section %d", i)
}

// Leave ends what Enter began.
func (t *T) Leave(i int) { t.add(i, -1) }

// add adds n to the program's own word i, in one access.
func (t *T) add(i int, n int32) {
	t.x.flag(ownWords+i, machine.RMW) // others may change the word before this returns
	t.words[ownWords+i] += n
	t.x.readied++
}

// Order fails the execution unless it is called with 1, 2, 3 and so on.
func (t *T) Order(n int) {
	last := t.words[orderWord]
	t.set(orderWord, int32(n))
	t.Check(n == int(last)+1, "step %d of the program comes after step %d", n, last)
}

// BusyUntil keeps the calling G's CPU until the Gs from lo up to hi have begun.
func (t *T) BusyUntil(lo, hi int) {
	t.busy(func() bool {
		for i := lo; i < hi; i++ {
			if t.words[i] == 0 {
				return false
			}
		}
		return true
	})
	for i := lo; i < hi; i++ {
		t.x.flag(i, machine.Load)
	}
}

// BusyUntilSet keeps the calling G's CPU until the program's own word i is not 0.
func (t *T) BusyUntilSet(i int) {
	i += ownWords
	t.busy(func() bool { return t.words[i] != 0 })
	t.x.flag(i, machine.Load)
}

// BusyUntilAsked keeps the calling G's CPU until sysmon asks for its P, or G i has begun.
func (t *T) BusyUntilAsked(i int) {
	m := t.x.cur.m
	t.busy(func() bool { return t.words[i] != 0 || m.Preempted() })
	t.x.flag(i, machine.Load)
}

func (t *T) busy(until func() bool) {
	if until() {
		return
	}
	x := t.x
	th := x.cur
	if x.trace != nil {
		x.trace.note(x, th, "is busy until others have run")
	}
	th.await = until
	x.block(th)
	th.await = nil
}

// Spin marks a turn of a loop in which the calling G waits without blocking: another M
// may go on here for free.
func (t *T) Spin() { t.x.yield(t.x.cur) }
