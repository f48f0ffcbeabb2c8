package explore

import (
	"errors"
	"fmt"

	"numasched/sched"
	"numasched/sched/internal/inspect"
)

// execute runs p once, from making a scheduler to closing it, and returns what went
// wrong. The picker decides until the explored part is over.
func (x *Machine) execute(p *Program, cfg *Config, pick picker) (err error) {
	if p.Model != nil {
		return x.executeModel(p, cfg, pick)
	}
	x.reset()
	defer func() {
		// A scheduler that has failed is left as it is, with its coroutines.
		if r := recover(); r != nil {
			if err = x.err; err == nil {
				err = fmt.Errorf("the scheduler panicked: %v", r)
			}
		}
		x.picker = nil
		if err != nil {
			x.s = nil
		}
	}()
	s, err := x.scheduler(p, cfg)
	if err != nil {
		return err
	}
	t := &T{x: x, s: s, cfg: cfg}
	x.picker = pick
	pick.start(x)

	if p.Cancel {
		x.runAndClose(p, t)
		return x.err
	}
	for ; t.round < max(p.Runs, 1); t.round++ {
		err := s.Run(t.main(p))
		if x.err != nil {
			return x.err
		}
		x.checkRun(p, t, err)
	}
	if p.Close {
		x.close(t)
		return x.err
	}
	x.settle()
	for i := range ownWords {
		if t.started&(1<<i) != 0 && t.words[i] != 1 {
			return fmt.Errorf("lost: G %d never ran, nothing is queued, and every M sleeps", i)
		}
	}
	if err := x.books.Quiet(); err != nil {
		return err
	}
	if err := x.in.CheckQuiet(); err != nil {
		return fmt.Errorf("when all is quiet: %w", err)
	}
	x.picker = nil
	x.close(t)
	return x.err
}

// main returns what the present Run runs.
func (t *T) main(p *Program) func(*sched.G) {
	t.returned = false
	return t.G(t.round, func(g *sched.G) {
		p.Main(t, g)
		t.returned = true
	})
}

// scheduler returns an unused scheduler: that of the last execution, made new, if the
// execution went well.
func (x *Machine) scheduler(p *Program, cfg *Config) (*sched.Sched, error) {
	if x.s != nil {
		x.in.Reset()
		x.in.WithSysmon(p.Sysmon)
		return x.s, nil
	}
	s, err := sched.New(sched.Config{Machine: x, Arm: cfg.Arm, Procs: cfg.CPUs, Seed: cfg.Seed})
	if err != nil {
		return nil, err
	}
	x.s, x.in = s, inspect.Of(s)
	x.in.WithSysmon(p.Sysmon)
	x.in.ReportOuter()
	x.in.Reuse()
	if x.marked == nil {
		x.markUnknown()
	}
	return s, nil
}

// discard ends the coroutines that are left, except those of a scheduler that has
// failed.
func (x *Machine) discard() {
	if x.s != nil {
		x.in.Discard()
		x.s = nil
	}
}

func (x *Machine) checkRun(p *Program, t *T, err error) {
	switch {
	case p.Want != nil:
		err = p.Want(t, err)
	case err != nil:
		err = fmt.Errorf("error of Run: %w", err)
	case !t.returned:
		err = errors.New("a Run has returned before its G")
	}
	if err != nil {
		x.fail(err)
	}
}

// runAndClose calls Close at the moment when Run would wait. The points of Close are then
// interleaved with those of the Ms.
func (x *Machine) runAndClose(p *Program, t *T) {
	x.onWait = func() { x.close(t) }
	err := t.s.Run(t.main(p))
	x.onWait = nil
	x.checkRun(p, t, err)
	if !x.closed {
		x.close(t)
	}
}

// close closes the scheduler and checks that this ends every M.
func (x *Machine) close(t *T) {
	if x.trace != nil {
		x.trace.note(x, x.cur, "calls Close")
	}
	t.s.Close() // returns what Run has returned
	x.closed = true
	for _, o := range x.threads[1:] {
		if o.state != ended {
			x.fail(fmt.Errorf("after Close returned, %s has not ended", x.name(o)))
		}
	}
}
