package sched

import (
	"fmt"
	"reflect"
	"slices"

	"numasched/sched/policy"
)

// Stats counts what a scheduler has done since it was made.
type Stats struct {
	Spawned  int64 // Gs made by Go, Fork and Group.Go
	Inlined  int64 // of these, run inside a join
	Executed int64 // of these, run from the scheduling loop
	Resumed  int64 // times that a parked G went on
	Parks    int64 // times that a G blocked or yielded
	Yields   int64 // of these, yields
	Preempts int64 // times that a G gave way, or had to wait, because a time slice was over

	Overflows int64 // times that half a full ring went to a queue

	StealsL3     int64 // thefts from a P under the same L3 cache
	StealsNode   int64 // from another P of the same node
	StealsRemote int64 // from a P, or the queue, of another node
	StolenLocal  int64 // Gs taken in thefts of the first two kinds
	StolenRemote int64 // Gs taken in thefts of the third

	Sleeps      int64 // times that an M found nothing and slept
	WakesLocal  int64 // Ms woken by one on their node
	WakesRemote int64 // and by one on another
	Follows     int64 // homes moved to where their G was woken from

	HomeRuns int64 // times that a G ran, or ran on, on its home node
	AwayRuns int64 // and on another

	Samples int64 // looks at which CPU an M that should be bound is on
	OnNode  int64 // of these, on a CPU of its node
	Binds   int64 // calls of sched_setaffinity

	Syscalls       int64 // system calls
	SyscallReturns int64 // of these, that found their P taken and another one idle
	Retakes        int64 // Ps that sysmon took from Ms in system calls

	Timers       int64 // timers that were due
	TimersStolen int64 // of these, run by an M that did not hold their P
	Polls        int64 // times that an M waited for timers

	Ms       int64 // Ms that were started, sysmon among them
	Carriers int64 // stacks made
}

// pstats is what one P has counted.
type pstats struct{ Stats }

// inlined counts an inline run. It reports whether it is time to look around.
func (st *pstats) inlined() bool {
	st.Inlined++
	return uint64(st.Inlined)%policy.InlineLooks == 0
}

func (st *pstats) steals(thief, victim *P, n uint32) {
	switch {
	case thief.domain != victim.domain:
		st.StealsRemote++
		st.StolenRemote += int64(n)
		return
	case thief.l3 == victim.l3:
		st.StealsL3++
	default:
		st.StealsNode++
	}
	st.StolenLocal += int64(n)
}

func (st *pstats) wakes(waker, woken *P) {
	if waker.domain == woken.domain {
		st.WakesLocal++
	} else {
		st.WakesRemote++
	}
}

// add adds t to s, field by field.
func (s *Stats) add(t *Stats) {
	sv, tv := reflect.ValueOf(s).Elem(), reflect.ValueOf(t).Elem()
	for i := range sv.NumField() {
		sv.Field(i).SetInt(sv.Field(i).Int() + tv.Field(i).Int())
	}
}

// Sub returns the difference s - t, field by field.
func (s Stats) Sub(t Stats) Stats {
	v, tv := reflect.ValueOf(&s).Elem(), reflect.ValueOf(t)
	for i := range v.NumField() {
		v.Field(i).SetInt(v.Field(i).Int() - tv.Field(i).Int())
	}
	return s
}

// Stats returns what the scheduler has counted so far. It may be called at any time
// by any goroutine that is not a G. Counts are exact when nothing runs, as after
// [Sched.Quiesce]. While Gs run, each P adds its own when it next takes up a G; a P
// whose G computes for longer than 20 ms adds what it had at the last call.
func (s *Sched) Stats() (sum Stats) {
	m := s.m0
	s.outer.Lock()
	defer s.outer.Unlock()
	for _, st := range s.statsOfPs() {
		sum.add(&st)
	}
	s.lock.lock(m)
	sum.Carriers, sum.Ms = int64(s.ncarriers), int64(s.mcount)
	s.lock.unlock(m)
	return sum
}

// NodeStats returns what [Sched.Stats] returns for each node, in the order of
// [Sched.NodeIDs]. Carriers is 0: stacks belong to no node.
func (s *Sched) NodeStats() []Stats {
	s.outer.Lock()
	defer s.outer.Unlock()
	all := s.statsOfPs()
	ids := s.NodeIDs() // a G may have added nodes meanwhile
	sums := make([]Stats, len(ids))
	for i, st := range all {
		sums[slices.Index(ids, s.NodeOfP(i))].add(&st)
	}
	return sums
}

// statsOfPs returns what each P has counted. s.outer is held.
func (s *Sched) statsOfPs() (all []Stats) {
	if s.machine.Memory() == nil && !s.ended(s.m0) {
		return s.publishedStats()
	}
	// Nobody runs: a machine without real memory runs Ms while a caller waits.
	for _, p := range s.layout.v.Load().made {
		all = append(all, p.stats.Stats)
	}
	return all
}

const (
	statsPoll  = 50_000 // nanoseconds between two looks of Stats whether Ps have published
	statsPolls = 400    // looks until those that have not are given up
)

// publishedStats has every P publish its statistics, and returns what they have.
func (s *Sched) publishedStats() (all []Stats) {
	m := s.m0
	s.lock.lock(m)
	s.statsAsked++
	m.setState(publishing, true)
	made := s.layout.load(m).made
	s.lock.unlock(m)
	for range statsPolls {
		missing := false
		for _, p := range made {
			missing = !p.publishIdleStats(m) || missing
		}
		if !missing {
			break
		}
		s.machine.Futexsleep(&m.M, s.quiet.futex(), s.quiet.load(m), statsPoll)
	}
	s.lock.lock(m)
	m.setState(publishing, false)
	for _, p := range made {
		all = append(all, p.published)
	}
	s.lock.unlock(m)
	return all
}

// publishStats is called by an M that runs while Stats waits.
func (m *M) publishStats() {
	s := m.s
	s.lock.lock(m)
	m.p.published, m.p.publishedAt = m.p.stats.Stats, s.statsAsked
	s.lock.unlock(m)
}

// publishIdleStats publishes for p if it is idle or has gone, and reports whether p, or this,
// has published since Stats last asked.
func (p *P) publishIdleStats(m *M) bool {
	s, n := m.s, p.node
	s.lock.lock(m)
	n.lock.lock(m) // an idle P stays idle, and counts nothing
	if p.idle || p.gone {
		p.published, p.publishedAt = p.stats.Stats, s.statsAsked
	}
	done := p.publishedAt == s.statsAsked
	n.lock.unlock(m)
	s.lock.unlock(m)
	return done
}

// Quiesce waits until every P is idle and no G is ready, or until the scheduler has
// stopped. A G that sleeps or waits for a timer is not ready. If a G runs for ever,
// Quiesce does not return. It must not be called by a G, and panics if it would wait
// there.
func (s *Sched) Quiesce() {
	m := s.m0
	asked := false
	for !s.ended(m) && !m.isQuiet() {
		if !asked && runsG() {
			panic(errQuiesceInG)
		}
		asked = true
		s.quiet.store(m, 1)
		if s.ended(m) || m.isQuiet() {
			break
		}
		s.machine.Futexsleep(&m.M, s.quiet.futex(), 1, quiescePoll)
	}
	s.quiet.store(m, 0)
}

// isQuiet reports whether no G is ready or runs.
func (m *M) isQuiet() bool {
	idle, _ := m.allIdle()
	return idle
}

// quiescePoll bounds how long Quiesce sleeps, in nanoseconds: while the scheduler
// stops, nobody wakes it.
const quiescePoll = 1e6

// ended reports whether the scheduler has stopped, every M has ended, and every guest has left.
// Only an M or a guest may start another M, so it looks at the Ms last.
func (s *Sched) ended(m *M) bool {
	return s.stopping.load(m) == stopping && s.noGuests() && s.nm.load(m) == 0
}

// BindErrors returns why Ms could not be bound, one error for each that could
// not. Call it after [Sched.Quiesce].
func (s *Sched) BindErrors() (errs []error) {
	s.lock.lock(s.m0)
	defer s.lock.unlock(s.m0)
	for _, m := range s.allm {
		if m.bindErr != nil {
			errs = append(errs, m.bindErr)
		}
	}
	return errs
}

// Warnings returns, in words for the user, what was asked of the scheduler and
// could not be done: Gs sent to nodes ([OnNode]) that have no CPUs for it. They
// run wherever they may. And it says when somebody outside has changed which CPUs the
// process may run on. A result measured with it should show it.
func (s *Sched) Warnings() (all []string) {
	topo := s.machine.Topology()
	s.strays.Range(func(id, _ any) bool {
		why := "the machine has no such node"
		if topo.Node(id.(int)) != nil {
			why = "it has no CPUs that this process may use"
		}
		all = append(all, fmt.Sprintf("Gs that were sent to node %d run elsewhere: %s; send them to one of %v", id, why, s.NodeIDs()))
		return true
	})
	slices.Sort(all)
	s.lock.lock(s.m0)
	defer s.lock.unlock(s.m0)
	return append(all, s.changes...)
}
