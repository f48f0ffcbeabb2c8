package explore

import (
	"fmt"

	"numasched/sched"
)

// execute runs p once, from making a scheduler to closing it, and returns what went
// wrong. The picker decides until the explored part is over.
func (x *Machine) execute(p *Program, cfg *Config, pick picker) (err error) {
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
	e := &env{x: x, s: s, cfg: cfg, gs: cfg.Gs, cpus: cfg.CPUs}
	x.picker = pick
	pick.start(x)

	if p.cancel {
		x.runAndClose(p, e)
		return x.err
	}
	for i := range max(p.runs, 1) {
		err := s.Run(e.body(i, p.root))
		if x.err != nil {
			return x.err
		}
		x.checkRun(p, e, err)
	}
	if p.close {
		x.close(e)
		return x.err
	}
	x.settle()
	for i := range e.expected {
		if e.ran[i] != 1 {
			return fmt.Errorf("lost: G %d never ran, nothing is queued, and every M sleeps", i)
		}
	}
	if err := s.CheckQuiet(); err != nil {
		return fmt.Errorf("when all is quiet: %w", err)
	}
	x.picker = nil
	x.close(e)
	return x.err
}

// scheduler returns an unused scheduler: that of the last execution, made new, if the
// execution went well.
func (x *Machine) scheduler(p *Program, cfg *Config) (*sched.Sched, error) {
	if x.s != nil {
		x.s.Reset()
		x.s.BoundSysmon(p.looks)
		return x.s, nil
	}
	s, err := sched.New(sched.Config{Machine: x, Arm: cfg.Arm, Procs: cfg.CPUs, Seed: cfg.Seed, NoSysmon: true})
	if err != nil {
		return nil, err
	}
	s.BoundSysmon(p.looks)
	s.ReportOuter()
	s.Reuse()
	x.s = s
	if x.marked == nil {
		x.markUnknown()
	}
	return s, nil
}

// discard ends the coroutines that are left, except those of a scheduler that has
// failed.
func (x *Machine) discard() {
	if x.s != nil {
		x.s.Discard()
		x.s = nil
	}
}

func (x *Machine) checkRun(p *Program, e *env, err error) {
	switch {
	case p.want != nil:
		err = p.want(err)
	case err != nil:
		err = fmt.Errorf("error of Run: %w", err)
	}
	if err == nil && p.after != nil {
		err = p.after(e)
	}
	if err != nil {
		x.fail(err)
	}
}

// runAndClose calls Close at the moment when Run would wait. The points of Close are then
// interleaved with those of the Ms.
func (x *Machine) runAndClose(p *Program, e *env) {
	x.onWait = func() { x.close(e) }
	err := e.s.Run(e.body(0, p.root))
	x.onWait = nil
	x.checkRun(p, e, err)
	if !x.closed {
		x.close(e)
	}
}

// close closes the scheduler and checks that this ends every M.
func (x *Machine) close(e *env) {
	if x.trace != nil {
		x.trace.note(x, x.cur, "calls Close")
	}
	e.s.Close() // returns what Run has returned
	x.closed = true
	for _, t := range x.threads[1:] {
		if t.state != ended {
			x.fail(fmt.Errorf("after Close returned, %s has not ended", x.name(t)))
		}
	}
}
