package explore

import (
	"errors"
	"fmt"
	"iter"

	"numasched/sched/internal/machine"
	"numasched/sched/policy"
)

// A model of Go's own scheduler with the overlay of sched/goruntime.
//
// Go's runtime cannot run on the explorer's Machine, and the overlay's protocol of dozes,
// node queues and wake-ups is not that of package sched. So it is written down here once
// more, and programs (programs_model.go) run on it. A function here has the name, the
// order of accesses and the conditions of the one that it mirrors, and is a method of
// goRuntime, which has what are global variables there:
//
//	model.go, model_check.go      the machinery: Ms, locks, notes; what must hold
//	model_proc.go, _runq, _world  of Go's proc.go what the protocol relies on
//	model_timers.go               timers, and the netpoller
//	model_numa*.go                of the overlay's numa*.go what the protocol consists of
//
// A test (model_test.go) knows a hash of every mirrored function of the overlay. It fails
// when one of them changes, and so somebody has to look at the model.
//
// # What is modelled
//
// sched.lock, the count of spinning Ms, needspinning, the idle lists, node queues, local
// queues with what runs next, the doze, hunger, sysmon's look at declined work and its deep
// sleep, a netpoller, stopping the world and a change of GOMAXPROCS. The decisions are
// package policy's own code.
//
// # What is left out
//
//   - The local queue is one word: its own algorithm is Go's and proven elsewhere.
//   - GC workers, cgo, locked Gs, tracing. Of timers there are only those of sleepers.
//   - That sysmon takes Ps from system calls: in the model a G that is in one keeps its P.
//   - numaAge, sysmon's second line of defence: it would hide what the search looks for.
//   - sysmon looks as often as it likes, while there is something to see for it. So it
//     finds what it can find, and nothing depends on how long it takes.
//   - Binding threads, which wakes nobody.
//   - A gap of Go 1.26's own: an M that takes a batch from the global queue puts all but one
//     into its P's queue after it has unlocked sched.lock. In between the last searcher may
//     look at both and find nothing. Here the batch is in the P's queue first. In Go the
//     gap ends when sysmon preempts what the P runs, after 10 ms.
//   - Dead locks of the program (checkdead).
type goRuntime struct {
	x *Machine
	t *T

	locked   bool // sched.lock
	free     func() bool
	lines    []modelLine
	lockLine machine.Line

	// sched, under sched.lock unless it is a word.
	runqsize     modelWord // written under the lock
	nmspinning   modelWord
	needspinning modelWord
	gcwaiting    modelWord
	idlepMask    modelWord
	npidle       modelWord
	lastpoll     modelWord // 0: an M blocks in netpoll
	netpolled    modelWord // such an M sleeps on it until something comes; 1: it need not
	pollUntil    modelWord // when a timer ends its sleep; 0 is never
	sysmonwait   modelWord
	sysmonnote   modelWord
	stopnote     modelWord
	stopwait     int
	newprocs     int
	pidle        []*goP // the last comes first
	midle        []*goM
	midleOf      [][]*goM // by node
	gomaxprocs   int
	allp         []*goP
	allm         []*goM

	numa struct {
		n, first, procs int
		nodes           []goNode
		declined        modelWord
		idle, dozing    modelWord
	}
	net []*goG // that become ready from the network, when nobody else can do anything
	gs  []*goG
}

type goNode struct {
	ncpu, lo, hi int
	order        []int
	tiers        []policy.Tier
	victims      []int
	npidle       modelWord
	appetite     policy.Appetite
	until        modelWord
	queue        modelWord // of its part of the global queue
	gs           []*goG
}

type goP struct {
	id       int
	m        *goM // that procresize has chosen for it
	oldm     *goM
	stopped  bool
	runq     modelWord // its queue, runnext among it
	next     *goG
	ring     []*goG
	tick     uint32 // schedtick
	runs     modelWord
	running  bool      // an M holds it
	syscall  modelWord // 1 while what it runs is in a system call
	timers   modelWord // when the first of its sleepers is due, or 0
	sleepers []goTimer
	policy   policy.P
	node     int
	hunger   uint32
}

// A goG runs its steps one after the other, on the stack of its M.
type goG struct {
	id           int
	home, from   uint8 // nodes from 1
	steps        []goStep
	begun, ended bool
}

// A goStep is a part of a G between two calls of the scheduler. It says how it ends.
type goStep func(mp *goM, gp *goG) goFate

type goFate uint8

const (
	goesOn  goFate = iota // with the next step
	yields                // as runtime.Gosched
	parks                 // it has made itself known to whoever will ready it
	stopped               // it was preempted: the same step comes again
)

// A goM is an M, and a thread of the explorer's.
type goM struct {
	machine.M
	r        *goRuntime
	id       int
	p, nextp *goP
	spinning bool
	park     modelWord
	node     int // numaM.node
	left     int // numaM.left
	ate      int64
	dozed    int64
	vain     bool
	took     int64
	taken    uint32
	ran      uint32
	lean     uint32
	idle     int // numaM.idle
	dozing   bool
	fed      bool

	run   func(*goM)
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
}

// A modelWord is a word that Ms share. It holds numbers only; what else belongs to it is
// accessed with it.
type modelWord struct {
	v    uint32
	line machine.Line
}

type modelLine struct {
	name string
	word *modelWord
}

func (w *modelWord) access(mp *goM, kind machine.Access) { mp.r.x.Access(&mp.M, w.line, kind) }

func (w *modelWord) load(mp *goM) int32 {
	w.access(mp, machine.Load)
	return int32(w.v)
}

func (w *modelWord) store(mp *goM, v int32) {
	w.access(mp, machine.Store)
	w.v = uint32(v)
}

func (w *modelWord) add(mp *goM, d int32) int32 {
	w.access(mp, machine.RMW)
	w.v += uint32(d)
	return int32(w.v)
}

func (w *modelWord) cas(mp *goM, old, new int32) bool {
	w.access(mp, machine.RMW)
	if int32(w.v) != old {
		return false
	}
	w.v = uint32(new)
	return true
}

func (w *modelWord) swap(mp *goM, v int32) (old int32) {
	w.access(mp, machine.RMW)
	old, w.v = int32(w.v), uint32(v)
	return old
}

func (w *modelWord) or(mp *goM, v uint32) (old uint32) {
	w.access(mp, machine.RMW)
	old = w.v
	w.v |= v
	return old
}

func (w *modelWord) and(mp *goM, v uint32) {
	w.access(mp, machine.RMW)
	w.v &= v
}

func (w *modelWord) futex() machine.Word { return machine.Word{Addr: &w.v, Line: w.line} }

// newGoRuntime makes a runtime with its main G, whose home is the first node.
func newGoRuntime(t *T) *goRuntime {
	r := &goRuntime{x: t.x, t: t}
	r.free = func() bool { return !r.locked }
	r.lines = append(r.lines, modelLine{}, modelLine{name: "sched.lock"})
	r.lockLine = 1
	for _, w := range []struct {
		name string
		*modelWord
	}{
		{"sched.runq.size", &r.runqsize}, {"sched.nmspinning", &r.nmspinning}, {"sched.needspinning", &r.needspinning},
		{"sched.gcwaiting", &r.gcwaiting}, {"idlepMask", &r.idlepMask}, {"sched.npidle", &r.npidle},
		{"sched.lastpoll", &r.lastpoll}, {"netpoll", &r.netpolled}, {"sched.pollUntil", &r.pollUntil}, {"sched.sysmonwait", &r.sysmonwait},
		{"sched.sysmonnote", &r.sysmonnote}, {"sched.stopnote", &r.stopnote}, {"numaDeclined", &r.numa.declined}, {"numa.idle", &r.numa.idle}, {"numa.dozing", &r.numa.dozing},
	} {
		r.name(w.modelWord, w.name)
	}
	cpus, n := t.CPUs(), t.Nodes()
	r.numa.n = n
	r.numa.nodes = make([]goNode, n)
	r.midleOf = make([][]*goM, n)
	for i := range r.numa.nodes {
		nd := &r.numa.nodes[i]
		nd.ncpu = (cpus + n - 1) / n
		for k := 1; k < n; k++ {
			nd.order = append(nd.order, (i+k)%n)
		}
		r.name(&nd.npidle, fmt.Sprintf("numa.nodes[%d].npidle", i))
		r.name(&nd.until, fmt.Sprintf("numa.nodes[%d].until", i))
		r.name(&nd.queue, fmt.Sprintf("numaQueues[%d]", i))
	}
	for i := range cpus {
		pp := &goP{id: i}
		r.name(&pp.runq, fmt.Sprintf("P%d.runq", i))
		r.name(&pp.runs, fmt.Sprintf("P%d.runs", i))
		r.name(&pp.syscall, fmt.Sprintf("P%d.m.curg.atomicstatus", i))
		r.name(&pp.timers, fmt.Sprintf("P%d.timers", i))
		r.allp = append(r.allp, pp)
	}
	for i := range maxThreads {
		mp := &goM{r: r, id: i}
		mp.M = machine.M{ID: i, Worker: mp}
		r.name(&mp.park, fmt.Sprintf("M%d.park", i))
		r.allm = append(r.allm, mp)
	}
	r.allm = r.allm[:0]
	r.lastpoll.v = 1
	return r
}

func (r *goRuntime) name(w *modelWord, name string) {
	w.line = machine.Line(len(r.lines))
	r.lines = append(r.lines, modelLine{name, w})
}

// describe names a line and tells its value, as inspect.Inside does.
func (r *goRuntime) describe(line machine.Line) (name, value string) {
	if int(line) >= len(r.lines) {
		return "", ""
	}
	l := r.lines[line]
	if l.word == nil {
		return l.name, fmt.Sprint(r.locked)
	}
	return l.name, fmt.Sprint(int32(l.word.v))
}

// newG makes a G of the program, which must begin once and end. home is a node, or -1.
func (r *goRuntime) newG(i, home int, steps ...goStep) *goG {
	r.t.mustRun(i)
	gp := &goG{id: i, home: uint8(home + 1), steps: steps}
	r.gs = append(r.gs, gp)
	return gp
}

// begin starts the program: main runs on the first M, which is on the first node.
func (r *goRuntime) begin(main *goG) {
	r.gomaxprocs = len(r.allp)
	r.numaProcresize(r.gomaxprocs)
	for _, pp := range r.allp[1:] {
		r.pidleputQuiet(pp)
	}
	pp := r.allp[0]
	pp.next, pp.runq.v = main, 1
	r.newm(nil, (*goRuntime).mstart, pp)
	r.newm(nil, (*goRuntime).sysmon, nil)
}

// newm starts a thread.
func (r *goRuntime) newm(by *goM, fn func(*goRuntime, *goM), pp *goP) *goM {
	if len(r.allm) == cap(r.allm) || len(r.allm) == maxThreads-1 {
		r.throw("too many Ms")
	}
	r.allm = r.allm[:len(r.allm)+1]
	mp := r.allm[len(r.allm)-1]
	mp.nextp = pp
	mp.run = func(mp *goM) { fn(r, mp) }
	mp.next, mp.stop = iter.Pull(mp.stack)
	var from *machine.M
	if by != nil {
		from = &by.M
	}
	r.x.Newosproc(&mp.M, from)
	return mp
}

var errUnwind = errors.New("explore: the execution is over")

// stack is the coroutine of an M.
func (mp *goM) stack(yield func(struct{}) bool) {
	mp.yield = yield
	defer func() {
		if e := recover(); e != nil && e != errUnwind {
			panic(e)
		}
	}()
	mp.run(mp)
}

// Step implements [machine.Worker].
func (mp *goM) Step() bool { _, more := mp.next(); return more }

// Pause implements [machine.Worker].
func (mp *goM) Pause() {
	if !mp.yield(struct{}{}) {
		panic(errUnwind)
	}
}

// end ends the coroutines.
func (r *goRuntime) end() {
	for _, mp := range r.allm {
		mp.stop()
	}
}

// PauseFor implements [machine.Worker]: the explorer decides who goes on.
func (mp *goM) PauseFor(*machine.M) { panic("explore: PauseFor") }

// Locked implements [machine.Worker].
func (mp *goM) Locked() bool { return false }

// P implements [machine.Worker].
func (mp *goM) P() int {
	if mp.p == nil {
		return -1
	}
	return mp.p.id
}

// Preempted implements [machine.Worker].
func (mp *goM) Preempted() bool { return false }

// Nanotime implements [machine.Worker].
func (mp *goM) Nanotime() int64 { return mp.r.x.Nanotime(&mp.M) }

// Owner implements [machine.Worker].
func (mp *goM) Owner() any { return mp.r }

// Stack implements [machine.Worker].
func (mp *goM) Stack() any { return mp }

// Sleeping implements [machine.Worker].
func (mp *goM) Sleeping(w machine.Word) bool {
	return w == mp.park.futex() || w == mp.r.sysmonnote.futex() || w == mp.r.netpolled.futex()
}

func (r *goRuntime) throw(text string) { r.x.fail(errors.New("throw: " + text)) }

// await lets others go on until a condition holds. It is evaluated by others.
func (r *goRuntime) await(cond func() bool) {
	if cond() {
		return
	}
	th := r.x.cur
	th.await = cond
	r.x.block(th)
	th.await = nil
}

func (r *goRuntime) lock(mp *goM) {
	x := r.x
	i := index(r.lockLine)
	x.point(x.cur, i)
	r.await(r.free)
	x.touch(x.cur, i, machine.RMW)
	r.locked = true
}

func (r *goRuntime) unlock(mp *goM) {
	x := r.x
	i := index(r.lockLine)
	x.point(x.cur, i)
	x.touch(x.cur, i, machine.RMW)
	r.locked = false
	x.readied++
}

func (r *goRuntime) assertLockHeld() {
	if !r.locked {
		r.throw("sched.lock is not held")
	}
}

func (r *goRuntime) noteclear(mp *goM, n *modelWord) { n.store(mp, 0) }

func (r *goRuntime) notewakeup(mp *goM, n *modelWord) {
	if n.swap(mp, 1) != 0 {
		r.throw("notewakeup - double wakeup")
	}
	r.x.Futexwakeup(&mp.M, n.futex(), 1)
}

func (r *goRuntime) notesleep(mp *goM, n *modelWord) {
	for n.load(mp) == 0 {
		r.x.Futexsleep(&mp.M, n.futex(), 0, -1)
	}
}

func (r *goRuntime) notetsleep(mp *goM, n *modelWord, ns int64) bool {
	deadline := mp.Nanotime() + ns
	for n.load(mp) == 0 {
		left := deadline - mp.Nanotime()
		if left <= 0 {
			break
		}
		r.x.Futexsleep(&mp.M, n.futex(), 0, left)
	}
	return n.load(mp) != 0
}

// usleep is a moment in which others go on.
func (r *goRuntime) usleep(mp *goM) { r.x.Osyield(&mp.M) }
