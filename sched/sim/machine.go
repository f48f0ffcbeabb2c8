package sim

import (
	"fmt"
	"unsafe"

	"numasched/sched/internal/machine"
	"numasched/topology"
)

// A Machine is a sched.Machine made of events in virtual time. It serves one
// scheduler, and one goroutine at a time may use it.
type Machine struct {
	hardware
	q       queue
	fabric  *fabric
	lines   *coherence
	mem     memory
	kernel  kernel
	network network
	objects objects

	now     Time
	actors  []*thread                 // by actor; nil for classes
	cur     *thread                   // whose turn it is; nil if none has begun, or the last has ended
	over    func() bool               // the end of the loop
	spend   [2][machine.NumCosts]Time // without and with a busy SMT sibling
	object  [2]Time                   // likewise: machine.CostObject where no CPU is idle
	waiting map[*uint32][]*thread
	buckets map[*uint32]*kernelLock

	hash       uint64
	stats      counters
	wakes      Histogram
	idleRuns   int64 // accesses since the scheduler last got anywhere
	fault      *StallError
	idleLimit  int64    // the most that idleRuns may be
	policy     osPolicy // nil: kernel.go alone decides
	policyRand uint64   // state of the policy's random numbers
	loginCPU   int32    // the CPU that threads without a parent come from
	timers     map[int32]timer
	limit      Time
	block      int64
	paths      paths
	contexts   []int64 // by core: Gs that have parked there
	levels     [5]Time // latency of each level of the caches, and of memory
}

type counters struct {
	accesses, spends, futexes, works, switches int64
	back                                       Time // how far an event was before the machine's time, at most
}

// Config says what machine to make.
type Config struct {
	Preset *Preset
	// Topology is the machine that the constants are placed on; nil means the
	// preset's own.
	Topology *topology.Topology
	// MaxTime ends the simulation with a [StallError]; 0 means 24 virtual hours.
	MaxTime Time
	// Block is the least size of a block of data, in bytes: a power of two of at
	// least 4096. 0 means 4096. Larger blocks make simulations faster.
	Block int64
}

// New makes a machine on which nothing has happened yet.
func New(cfg Config) (*Machine, error) {
	topo := cfg.Topology
	if topo == nil {
		var err error
		if topo, err = topology.Load(cfg.Preset.Topology); err != nil {
			return nil, fmt.Errorf("preset %s: %w", cfg.Preset.Name, err)
		}
	}
	h, err := newHardware(topo, cfg.Preset)
	if err != nil {
		return nil, err
	}
	k := &Machine{hardware: *h, waiting: make(map[*uint32][]*thread), buckets: make(map[*uint32]*kernelLock), paths: paths{groups: make(map[uint64]Time)}, hash: 14695981039346656037, limit: cfg.MaxTime}
	if k.block = cfg.Block; k.block == 0 {
		k.block = blockMin
	}
	if k.limit == 0 {
		k.limit = 24 * 3600 * Second
	}
	k.q.end = k.limit + 1
	k.q.next = event{k.q.end, nobody}
	k.objects = objects{of: make(map[unsafe.Pointer]*object), nodes: make(map[[2]int][]*object)}
	k.contexts = make([]int64, len(k.cores))
	k.levels = [5]Time{1: cfg.Preset.L1.ps(), cfg.Preset.L2.ps(), cfg.Preset.L3.ps(), k.hardware.idle[0][k.nodes[0].store]}
	k.idleLimit = k.patience()
	k.fabric = newFabric(&k.hardware, &k.q)
	k.lines = newCoherence(&k.hardware)
	k.mem.init(&k.hardware)
	k.kernel.init(&k.hardware)
	p := cfg.Preset
	for c, s := range map[machine.Cost]Scalar{machine.CostSpawn: p.Spawn, machine.CostInline: p.Inline, machine.CostExecute: p.Execute,
		machine.CostSwitch: p.Carrier, machine.CostSchedule: p.Schedule, machine.CostNewStack: p.NewStack, machine.CostObject: p.Object} {
		k.spend[0][c] = s.ps()
		k.spend[1][c] = s.ps() * 1000 / Time(p.SMT.Value)
	}
	k.object = [2]Time{p.ObjectBusy.ps(), p.ObjectBusy.ps() * 1000 / Time(p.SMT.Value)}
	return k, nil
}

// Preset returns the constants that the machine was made with.
func (k *Machine) Preset() *Preset { return k.preset }

// Topology implements sched.Machine.
func (k *Machine) Topology() *topology.Topology { return k.topo }

// Nanotime implements sched.Machine.
func (k *Machine) Nanotime(m *machine.M) int64 {
	if t := threadOf(m); t != nil {
		return int64(t.clock / Nanosecond)
	}
	return int64(k.now / Nanosecond)
}

// Now returns the virtual time of the last event.
func (k *Machine) Now() Time { return k.now }

// Hash returns a hash of all events so far in order: who did what and when. Two runs
// with the same hash were the same.
func (k *Machine) Hash() uint64 { return k.hash }

// Events returns how many scheduler events there were: accesses to shared words,
// pieces of scheduler work, futex calls and pieces of Work.
func (k *Machine) Events() int64 {
	return k.stats.accesses + k.stats.spends + k.stats.futexes + k.stats.works
}

// Switches returns how many times the event loop went from one actor to another.
func (k *Machine) Switches() int64 { return k.stats.switches }

// Back returns how far time has run back at most: how far a thread ran ahead of an
// event that could have concerned it.
func (k *Machine) Back() Time { return k.stats.back }

// threadOf returns m's thread, or nil if m stands for callers from outside.
func threadOf(m *machine.M) *thread {
	t, _ := m.Local.(*thread)
	return t
}

// record adds an event to the hash.
func (k *Machine) record(t *thread, what uint64) {
	h := (k.hash ^ uint64(t.clock)) * 0x9E3779B97F4A7C15
	h = (h ^ h>>29 ^ uint64(t.actor)<<32 ^ what) * 0xBF58476D1CE4E5B9
	k.hash = h ^ h>>32
}

// Memory implements sched.Machine.
func (k *Machine) Memory() machine.Memory { return k }

// Access implements machine.Memory.
func (k *Machine) Access(m *machine.M, line machine.Line, kind machine.Access) {
	t := threadOf(m)
	if t == nil {
		return
	}
	if !k.access(t, line, kind) {
		k.pause(t)
	}
}

// access makes an access. It returns false if t may have to let others run then.
func (k *Machine) access(t *thread, line machine.Line, kind machine.Access) bool {
	k.stats.accesses++
	k.idleRuns++
	t.clock = k.lines.access(t.core, t.clock, line, kind)
	k.record(t, uint64(line)<<8|uint64(kind))
	return t.clock < k.q.next.at && t.clock < t.sliceEnd && k.idleRuns <= k.idleLimit
}

// Spend implements machine.Memory.
func (k *Machine) Spend(m *machine.M, c machine.Cost) {
	t := threadOf(m)
	if t == nil {
		return
	}
	k.stats.spends++
	if c != machine.CostSchedule {
		k.idleRuns = 0
	}
	sibling := 0
	if k.kernel.busy[t.core] > 1 {
		sibling = 1
	}
	if c == machine.CostObject && k.kernel.idleAll == 0 {
		t.clock += k.object[sibling] // the collector takes its time from the program
		return
	}
	t.clock += k.spend[sibling][c]
}

// pause lets everything happen that is due before t's clock. When t comes back,
// nothing is due before its clock, which is then the machine's time.
func (k *Machine) pause(t *thread) {
	if t.clock >= t.sliceEnd {
		k.preempt(t)
		return
	}
	if k.overdue(t) {
		k.yield(t)
	}
	k.now = max(k.now, t.clock)
}

// overdue reports whether anything is due before t's clock, or the simulation is to stop.
// Without an event there is nothing to wait for.
func (k *Machine) overdue(t *thread) bool {
	return k.q.next.id != nobody && !(event{t.clock, t.actor}).before(k.q.next) || k.idleRuns > k.idleLimit || t.clock > k.limit
}

// loop runs events until done says so; it returns false if none is left.
func (k *Machine) loop(done func() bool) bool {
	k.over = done
	for !done() {
		if len(k.fabric.dirty) > 0 && (len(k.q.heap) == 0 || k.q.heap[0].at > k.now) {
			k.fabric.share(k.now)
			continue
		}
		if len(k.q.heap) == 0 {
			return false
		}
		e := k.turn()
		t := k.thread(e.id)
		switch {
		case t == nil && e.id == k.network.actor && e.id != 0:
			k.q.drop()
			k.deliver(e.at)
		case t == nil && k.fabric.byActor[e.id] == nil:
			tm := k.timers[e.id]
			k.q.drop()
			tm.f(e.at)
			k.q.set(e.id, e.at+tm.every)
		case t == nil:
			k.q.drop()
			k.fabric.finish(k.fabric.byActor[e.id], e.at, func(t *thread) {
				t.clock = e.at
				k.q.set(t.actor, e.at)
			})
		case t.state == blocked: // its time-out
			k.q.drop()
			if t.wait != nil {
				k.unwait(t)
			}
			t.clock = e.at
			k.ready(t, e.at, t.cpu, k.kernel.switching)
		default:
			k.step(t)
		}
		if k.stalled() {
			k.stall()
		}
	}
	return true
}

// loopApart is loop on a goroutine of its own, which the caller waits for: the caller
// may be locked to its thread, which Ms' coroutines must not be.
func (k *Machine) loopApart(done func() bool) (more bool) {
	var panicked any
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() { panicked = recover() }()
		more = k.loop(done)
	}()
	<-ended
	if panicked != nil {
		panic(panicked) // a StallError
	}
	return more
}

// turn takes the earliest event, whose turn it is.
func (k *Machine) turn() event {
	e, _ := k.q.take()
	k.stats.back = max(k.stats.back, k.now-e.at)
	k.now = e.at
	k.stats.switches++
	return e
}

// step has t run until another event is due or it waits. If that event is a turn of
// another M, it goes there by itself, see yield.
func (k *Machine) step(t *thread) {
	k.begin(t)
	if t.scan != nil && !k.look(t) {
		k.end(t)
		return
	}
	if !t.resume() {
		t = k.cur // the last to run
		t.state = ended
		k.leave(t)
	}
	if k.cur != nil {
		k.end(k.cur)
	}
}

// begin begins t's turn.
func (k *Machine) begin(t *thread) {
	if len(k.fabric.dirty) > 0 {
		// Rates at this moment are not known yet, so there is no looking ahead.
		k.q.hold(k.now)
	}
	k.cur = t
}

// end ends t's turn.
func (k *Machine) end(t *thread) {
	k.cur = nil
	if t.state == running && t.flow == nil {
		k.q.put(t.clock)
		return
	}
	k.q.drop()
	if t.state == blocked && t.deadline != never {
		k.q.set(t.actor, t.deadline)
	}
}

// Newosproc implements sched.Machine.
func (k *Machine) Newosproc(m, by *machine.M) {
	t := k.newThread()
	t.m, m.Local = m, t
	at, from := k.now, int32(-1)
	if p := threadOf(by); p != nil {
		k.charge(p, k.kernel.cloning)
		at, from = p.clock, p.cpu
	}
	t.clock = at
	k.spread(t, at, from)
}

// Syscall implements sched.Machine: m's thread gives its CPU up for ns nanoseconds, and
// f takes no time.
func (k *Machine) Syscall(m *machine.M, ns int64, f func()) {
	t := threadOf(m)
	k.charge(t, k.kernel.syscall)
	if ns > 0 {
		t.clock += k.kernel.sleeping
		t.wait, t.state = nil, blocked
		t.deadline = t.clock + Time(ns)*Nanosecond
		k.leave(t)
		k.yield(t)
	}
	f()
}

// NativeWaits implements sched.Machine: nobody knows here.
func (k *Machine) NativeWaits() []string { return nil }

func (k *Machine) newThread() *thread {
	t := &thread{actor: k.q.actor(), cpu: -1, state: blocked, sliceEnd: never, deadline: never}
	for int(t.actor) >= len(k.actors) {
		k.actors = append(k.actors, nil)
	}
	k.actors[t.actor] = t
	k.kernel.threads = append(k.kernel.threads, t)
	k.idleLimit = k.patience()
	return t
}

// thread returns the thread that an actor is, or nil if it is a class of flows.
func (k *Machine) thread(actor int32) *thread {
	if int(actor) < len(k.actors) {
		return k.actors[actor]
	}
	return nil
}

// charge advances t's clock to do something in the kernel, in the order of time.
func (k *Machine) charge(t *thread, cost Time) {
	t.clock += cost
	k.sync(t)
}

// sync returns when nothing else is due before t's clock.
func (k *Machine) sync(t *thread) {
	if t.clock >= k.q.next.at {
		k.yield(t)
	}
	k.now = max(k.now, t.clock)
}

// yield ends t's turn, but leaves t its CPU. It returns when t's next turn has begun.
//
// A turn of another M that is due now begins here. To go by the event loop would take
// two switches between stacks, which are the dearest part of an event. All else is left
// to the loop.
func (k *Machine) yield(t *thread) {
	if t.m == nil {
		t.plain.leave(struct{}{})
		return
	}
	for cur := t; !k.stalled(); {
		k.end(cur)
		if cur = k.due(); cur == nil {
			break
		}
		k.turn()
		k.begin(cur)
		if cur.scan == nil || k.look(cur) {
			if cur != t {
				t.m.PauseFor(cur.m)
			}
			return
		}
	}
	t.m.Pause()
}

// due returns the thread of an M whose turn is the very next thing to happen, or nil.
func (k *Machine) due() *thread {
	if len(k.q.heap) == 0 || k.over() {
		return nil
	}
	e := k.q.heap[0]
	if len(k.fabric.dirty) > 0 && e.at > k.now {
		return nil
	}
	if t := k.thread(e.id); t != nil && t.m != nil && t.state != blocked {
		return t
	}
	return nil
}
