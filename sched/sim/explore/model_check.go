package explore

import (
	"errors"
	"fmt"
)

// What must hold in the model of Go's scheduler: see model.go.

// checkQuiet checks what must hold when every M sleeps.
func (r *goRuntime) checkQuiet() error {
	for _, pp := range r.allp {
		if len(pp.sleepers) != 0 || pp.timers.v != 0 {
			return fmt.Errorf("lost: P%d has timers, and every M sleeps", pp.id)
		}
	}
	for _, gp := range r.gs {
		if gp.begun && !gp.ended {
			return fmt.Errorf("lost: G %d has begun and not ended, and every M sleeps", gp.id)
		}
	}
	switch idle := len(r.pidle); {
	case r.locked:
		return errors.New("sched.lock is held")
	case r.nmspinning.v != 0:
		return fmt.Errorf("%d Ms are counted as spinning", int32(r.nmspinning.v))
	case r.numa.dozing.v != 0:
		return fmt.Errorf("an M counts as dozing on nodes %#x", r.numa.dozing.v)
	case r.gcwaiting.v != 0:
		return errors.New("the world is stopped")
	case r.runqsize.v != 0:
		return fmt.Errorf("the global queue counts %d Gs", int32(r.runqsize.v))
	case idle != r.gomaxprocs || int(r.npidle.v) != idle:
		return fmt.Errorf("%d Ps of %d are idle, and %d are counted", idle, r.gomaxprocs, r.npidle.v)
	}
	counts := make([]int, r.numa.n)
	for _, pp := range r.pidle {
		counts[pp.node]++
		if len(pp.ring) != 0 || pp.next != nil || r.idlepMask.v>>pp.id&1 == 0 {
			return fmt.Errorf("the idle P%d has Gs or is not in the mask", pp.id)
		}
	}
	for i := range r.numa.nodes {
		nd := &r.numa.nodes[i]
		if int(nd.npidle.v) != counts[i] || len(nd.gs) != 0 || nd.queue.v != 0 {
			return fmt.Errorf("node %d has %d idle Ps and counts %d, and %d Gs in its queue", i, counts[i], nd.npidle.v, len(nd.gs))
		}
		if (counts[i] != 0) != (r.numa.idle.v&numaBit(i) != 0) {
			return fmt.Errorf("node %d has %d idle Ps, and those with idle Ps are %#x", i, counts[i], r.numa.idle.v)
		}
	}
	return nil
}

// executeModel runs p once on the model, and returns what went wrong.
func (x *Machine) executeModel(p *Program, cfg *Config, pick picker) (err error) {
	x.reset()
	t := &T{x: x, cfg: cfg}
	x.model = newGoRuntime(t)
	defer func() {
		if r := recover(); r != nil {
			if err = x.err; err == nil {
				err = fmt.Errorf("the model panicked: %v", r)
			}
		}
		x.picker = nil
		x.model.end()
	}()
	if x.marked == nil {
		x.markUnknown()
	}
	r := x.model
	r.begin(p.Model(r))
	x.picker = pick
	pick.start(x)
	x.settle()
	for i := range ownWords {
		if t.started&(1<<i) != 0 && t.words[i] != 1 {
			return fmt.Errorf("lost: G %d never ran, and every M sleeps", i)
		}
	}
	if err := r.checkQuiet(); err != nil {
		return fmt.Errorf("when all is quiet: %w", err)
	}
	return x.err
}
