package explore

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"numasched/sched/policy"
	"numasched/topology"
)

// A Config says what to explore.
type Config struct {
	Arm   policy.Arm
	CPUs  int    // as many Ps
	Nodes int    // that have CPUs, at most CPUs; 0: two, if there are two CPUs
	Bare  bool   // there is a node without CPUs, too
	Gs    int    // of a program, the one that Run runs included
	Seed  uint64 // of the scheduler's and the explorer's random choices

	Bound int   // preemptions in the systematic search, 0 to MaxBound; -1: no such search
	Limit int64 // executions of the systematic search of a program; 0: none
	PCT   int64 // random schedules after it
	Depth int   // of the bugs that random schedules look for: preemptions + 1

	// Progress, if not nil, is called now and then with what was covered so far.
	Progress func(*Report)
}

// Bounds of what a Config may ask for.
const (
	MaxBound = leftMask - 1
	MaxCPUs  = maxThreads - 1
	MaxGs    = ownWords - 1
)

func (c *Config) nodes() int {
	if c.Nodes == 0 {
		return min(c.CPUs, 2)
	}
	return c.Nodes
}

// maxSteps is how many accesses an execution of a few Gs never needs.
func (c *Config) maxSteps() int { return 2000 * (c.CPUs + c.Gs) }

// A Deviation is a decision to have another thread go on than would have
// without it: the thread that runs while it can, and then the next in turn.
type Deviation struct{ Step, Thread int }

// A Schedule is what makes an execution happen again.
type Schedule []Deviation

// String returns the schedule as "STEP:THREAD,...", or "-" if nothing deviates.
// Thread 0 is the caller, thread n+1 is Mn. A thread that goes on where it is about to
// sleep wakes for no reason. A thread that goes on while it sleeps has slept its time.
func (s Schedule) String() string {
	if len(s) == 0 {
		return "-"
	}
	parts := make([]string, len(s))
	for i, d := range s {
		parts[i] = fmt.Sprintf("%d:%d", d.Step, d.Thread)
	}
	return strings.Join(parts, ",")
}

// ParseSchedule reads what String writes. The error quotes what it cannot read.
func ParseSchedule(text string) (s Schedule, err error) {
	if text == "-" {
		return nil, nil
	}
	last := 0
	for part := range strings.SplitSeq(text, ",") {
		step, thread, ok := strings.Cut(part, ":")
		d := Deviation{}
		var err1, err2 error
		d.Step, err1 = strconv.Atoi(step)
		d.Thread, err2 = strconv.Atoi(thread)
		if !ok || err1 != nil || err2 != nil || d.Step <= last || d.Thread < 0 || d.Thread >= maxThreads {
			return nil, fmt.Errorf("schedule: %q: want STEP:THREAD,... with growing steps and threads from 0 to %d, or -", part, maxThreads-1)
		}
		last = d.Step
		s = append(s, d)
	}
	return s, nil
}

// A Failure is an execution that broke an invariant.
type Failure struct {
	Program  string
	Err      error
	Schedule Schedule
	Random   bool // found by a random schedule
	Timeline string
}

// A Report says what exploring one program has covered.
type Report struct {
	Program string
	Arm     string
	Bounds  []BoundReport
	Random  int64 // executions with random schedules
	Steps   int64 // accesses of all executions
	// RandomWall is how long the random ones took.
	RandomWall time.Duration
	Failure    *Failure // nil if every execution kept the invariants
}

// Executions returns how many executions there were.
func (r *Report) Executions() int64 {
	n := r.Random
	for _, b := range r.Bounds {
		n += b.Executions
	}
	return n
}

// Complete returns the largest bound within which every interleaving was tried,
// or -1.
func (r *Report) Complete() int {
	for i := len(r.Bounds) - 1; i >= 0; i-- {
		if r.Bounds[i].Complete {
			return r.Bounds[i].Bound
		}
	}
	return -1
}

// A BoundReport is about the search with one bound.
type BoundReport struct {
	Bound      int
	Complete   bool  // every interleaving within the bound was tried
	Executions int64 // interleavings, up to the order of independent accesses
	Cut        int64 // of these, led to a state that had been searched before
	States     int64 // points met at which more than one M could go on
	Marked     int   // words at which to switch
	MaxSteps   int   // accesses in the longest execution
	Wall       time.Duration
}

// Explore explores one program, on at least as many CPUs and with at least as
// many Gs as it needs. It returns early if ctx is done.
func Explore(ctx context.Context, p Program, cfg Config) (Report, error) {
	x, err := newMachine(&cfg)
	if err != nil {
		return Report{}, err
	}
	defer x.discard()
	r := Report{Program: p.Name, Arm: cfg.Arm.Name}
	x.systematic(ctx, &p, &cfg, &r)
	start := time.Now()
	x.random(ctx, &p, &cfg, &r)
	r.RandomWall = time.Since(start)
	if r.Failure != nil {
		r.Failure.Timeline, _ = Replay(p, cfg, r.Failure.Schedule)
	}
	return r, nil
}

func newMachine(cfg *Config) (*Machine, error) {
	perNode := (cfg.CPUs + cfg.nodes() - 1) / cfg.nodes()
	spec := topology.SyntheticSpec{Packages: cfg.nodes(), CoresPerL3: perNode}
	if cfg.Bare {
		spec.MemoryNodes = 1
	}
	topo, err := topology.Synthetic(spec)
	if err != nil {
		return nil, err
	}
	return &Machine{topo: topo, maxSteps: cfg.maxSteps()}, nil
}

// patience is after how many executions to pause.
const patience = 1024

func (x *Machine) systematic(ctx context.Context, p *Program, cfg *Config, r *Report) {
	if cfg.Bound < 0 {
		return
	}
	limit := cfg.Limit
	if limit <= 0 {
		limit = 1 << 62
	}
	d := &search{seen: newTable(logTable(limit))}
	for bound := 0; bound <= cfg.Bound && r.Failure == nil; bound++ {
		r.Bounds = append(r.Bounds, BoundReport{Bound: bound})
		b := &r.Bounds[bound]
		start := time.Now()
		d.restart(bound)
		d.states = 0
		for limit > 0 && !pause(ctx, cfg, r, b.Executions) {
			limit--
			b.Executions++
			err := x.execute(p, cfg, d)
			b.MaxSteps = max(b.MaxSteps, x.step)
			r.Steps += int64(x.step)
			if err != nil {
				r.Failure = &Failure{Program: p.Name, Err: err, Schedule: append(Schedule(nil), x.deviations...)}
				break
			}
			if d.cut {
				b.Cut++
			}
			if x.grew {
				d.restart(bound)
			} else if !d.next() {
				b.Complete = true
				break
			}
		}
		b.States, b.Marked, b.Wall = d.states, x.markedWords(), time.Since(start)
		if !b.Complete {
			break
		}
	}
}

// pause reports now and then how far r is, and whether to stop.
func pause(ctx context.Context, cfg *Config, r *Report, executions int64) (stop bool) {
	if executions%patience != 0 {
		return false
	}
	if cfg.Progress != nil {
		cfg.Progress(r)
	}
	return ctx.Err() != nil
}

func (x *Machine) random(ctx context.Context, p *Program, cfg *Config, r *Report) {
	rnd := newPCT(cfg.Seed, cfg.Depth)
	for i := int64(0); i < cfg.PCT && r.Failure == nil; i++ {
		if pause(ctx, cfg, r, i) {
			return
		}
		r.Random++
		rnd.begin(cfg.Seed, uint64(i))
		err := x.execute(p, cfg, rnd)
		r.Steps += int64(x.step)
		if err != nil {
			r.Failure = &Failure{Program: p.Name, Err: err, Schedule: append(Schedule(nil), x.deviations...), Random: true}
		}
	}
}

// Replay runs p once as sched says and returns the timeline, and the invariant
// that was broken, if any, or a [MisfitError].
func Replay(p Program, cfg Config, sched Schedule) (string, error) {
	x, err := newMachine(&cfg)
	if err != nil {
		return "", err
	}
	defer x.discard()
	x.trace = newTimeline()
	r := &replay{sched}
	err = x.execute(&p, &cfg, r)
	if err == nil && len(r.rest) > 0 {
		err = &MisfitError{r.rest[0], "nobody is asked at this point"}
	}
	x.trace.end(x, err)
	return x.trace.String(), err
}

// A MisfitError says that a schedule is not one of the program.
type MisfitError struct {
	Deviation Deviation // the first that cannot be followed
	Why       string
}

func (e *MisfitError) Error() string {
	return fmt.Sprintf("the schedule does not fit: %d:%d: %s", e.Deviation.Step, e.Deviation.Thread, e.Why)
}

// A replay repeats the decisions of a schedule.
type replay struct{ rest Schedule }

// start implements picker.
func (r *replay) start(x *Machine) { x.every = true }

// pick implements picker.
func (r *replay) pick(x *Machine, t *thread, runnable bool) *thread {
	if len(r.rest) > 0 && r.rest[0].Step == x.step {
		want := r.rest[0]
		r.rest = r.rest[1:]
		if want.Thread == t.id && runnable {
			return t
		}
		for _, o := range append(x.candidates(t), x.dueNext()...) {
			if o.id == want.Thread {
				return o
			}
		}
		x.fail(&MisfitError{want, "this thread cannot go on"})
		return x.threads[0]
	}
	return x.usual(t, runnable)
}

// early implements picker.
func (r *replay) early(x *Machine, t *thread) bool {
	if len(r.rest) == 0 || r.rest[0].Step != x.step {
		return false
	}
	if want := r.rest[0]; want.Thread != t.id {
		x.fail(&MisfitError{want, "it is another thread that sleeps here"})
	}
	r.rest = r.rest[1:]
	return true
}
