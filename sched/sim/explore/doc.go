// Package explore tries the interleavings of the real scheduler's threads on small
// programs, and checks that none breaks what the scheduler promises.
//
// Its [Machine] has no caches, and a clock of its own. Ms are coroutines, and one of them runs at
// a time. A point is an access to a word that Ms share, or a futex call; it is reported
// before it happens. Everything between two points is atomic. So two executions can
// differ in the order of points alone, and whoever decides this order decides
// everything.
//
//	preemption   another M goes on at a point although this one could
//	free switch  this one waits, has ended, or yields
//	bound        how many preemptions an execution may have
//
// # What is tried
//
// First, for each bound from 0 up, every interleaving within it. search.go says which
// are left out because others are equivalent, and why that is sound. Then random
// schedules (random.go). Beside the order of points two things are tried, each at the
// price of a preemption (clock.go): a futex wakes its sleeper at once for no reason, and
// time passes although somebody could go on. If nobody can, time passes for free.
//
// Two things are narrower than in reality. A Futexwakeup wakes the sleeper with the
// lowest number. When an M yields while it spins, others may go on for free only if it has
// found something new since it yielded last. Otherwise that costs a preemption. Memory is sequentially consistent, as Go's atomics are.
//
// # What is checked
//
//   - every G begins exactly once; a cancelled one at most once;
//   - no carrier is entered by two Ms;
//   - no P is used by an M that does not hold it, as far as its cache of objects shows;
//   - nobody waits for ever: when no M can go on, the caller must not be waiting
//     either, and no G may be busy until one runs that nobody has been woken for;
//   - a deadlock is reported if there is one, and only then; so is a panic;
//   - Close ends, every M with it, and none starts afterwards;
//   - when all is quiet, queues are empty, idle lists whole, counts right and
//     locks free (sched.CheckQuiet);
//   - when no M can go on before some time has passed, an M of each node waits for its timers and
//     descriptors, or has left its poller briefly (sched.CheckAttended);
//   - an execution ends within some thousand accesses, whatever else is ready: no
//     queued G waits for ever for two others that keep waking each other.
//
// The tests prove the explorer itself: files under testdata/mutations put known
// bugs into the scheduler's source, by a build overlay, and each must be found.
// And on small machines what the search leaves out is tried as well, and must end
// in the same states (reduction_test.go).
//
// # How to write a program
//
// A [Program] has a Main, an ordinary function of a G that uses package sched as any
// other does. It also gets a [T], for the parameters (T.Gs, T.CPUs, T.Nodes) and for the
// marks that say what must hold:
//
//	{Name: "turns", Doc: "the others take turns", MinGs: 2, Main: func(t *T, g *sched.G) {
//		c := channel(g, 1)
//		for i := 1; i < t.Gs(); i++ {
//			g.Go(t.G(i, func(g *sched.G) { // G i must begin exactly once
//				c.Send(g, 1)
//				t.Enter(0) // nobody else may be between Enter(0) and Leave(0)
//				t.Leave(0)
//				c.Recv(g)
//			}))
//		}
//	}},
//
//	T.G, T.Task     a function that must begin once; Main itself is G 0
//	T.Check         something must be true
//	T.Enter, Leave  a section for one G at a time
//	T.Order         steps that come in this order only
//	T.Store, Load   a word of the program that Gs share
//	T.BusyUntil     the G computes until others have begun: they must run elsewhere
//	T.BusyUntilSet  the G computes until another has stored
//	T.Spin          the G polls; put it into every loop that does not block
//	T.News          something has come for a descriptor
//	T.NewsIn        something comes for a descriptor after a while, from outside
//	T.Visit         a goroutine that is no G calls functions, as by Sched.Do
//
// Four rules keep an execution the same whenever its schedule is the same, and keep the
// search sound. A program asks for no time but the scheduler's and for no random number.
// It iterates over no map. What its Gs share is either ordered by what the scheduler
// does (a channel, a mutex, a join), or it is a word of the T. It ends within some
// hundred accesses, whatever the schedule: a loop without end is a failure. A Program's other fields say
// what Run must return (Want), whether Close is explored too (Close, Cancel), how often
// Run is called (Runs), and whether there is a sysmon (Sysmon). Programs are in programs.go,
// in a list for each mechanism; a new mechanism gets a list of its own.
//
// # Go's own scheduler
//
// Programs whose names begin with numago- run on a model of Go's scheduler with the overlay
// of sched/goruntime: see model.go for what is modelled, and what is not. The search, the
// timelines and the mutations are the same. Three faults of the overlay were found so:
// an M that had run nothing yet took itself for one of the first node, and searched without
// an end beside that node's work; an M that declined work told sysmon in its deep sleep; and
// what came from the network could be queued at a node that had lost its Ps. A fourth is
// Go's own: of a batch from the global queue the last searcher may see nothing, neither
// there nor in the queue of the P that has taken it.
//
// # How to write a mutation
//
// A file in testdata/mutations says which file of package sched is changed, what that
// breaks, which programs show it, and which text replaces which. The old text must occur
// once, and within a function. If the hunt takes long, a line "first: PROGRAM ARM CPUS GS
// BOUND" says where to look first: with the bound 0, mostly at random. To look for one alone:
//
//	go test -run 'TestMutations/NAME$' -v ./sched/sim/explore   (with NUMASCHED_LONG_TESTS=1)
//
// # How fast it is
//
// An execution is the whole life of a scheduler: 250 to 550 accesses for four Gs
// on three CPUs, between making and closing it. For an earlier, simpler scheduler it took
// 7 to 14 microseconds of one CPU of a 2-CPU AMD EPYC host under Go 1.26 (go test
// -bench Interleavings):
// 151,000 interleavings per second of spawn, 132,000 of steal, 108,000 of close,
// 72,000 of park. The command experiments explore, with its defaults, spent 40 s
// of CPU time on 4.4 million of them: 110,000 per second and CPU, and by the clock
// 214,000 per second on two CPUs that have nothing else to do.
//
// The limit is that every interleaving starts from the beginning, because coroutines
// cannot be copied. Three things keep that cheap. The scheduler of the last
// execution is made new with its coroutines (sched.Reset, 0.2 us, where a new
// one takes 8 us, and 0.6 us more for each coroutine). Up to the last decision,
// and from a state seen before, accesses are counted but not hashed. And nobody
// is asked where nothing is to be decided. Of what is left, a profile says, 43 %
// is the scheduler's own code and 33 % the explorer's; the rest is switching
// coroutines, allocation, and panics that unwind cancelled Gs.
//
// The number of interleavings grows by a factor of 5 to 50 with each preemption. Of these
// programs every interleaving is tried, under numa, within this number of preemptions (a test
// reads this table and tries them again; a program that needs more Gs has as many as it
// needs):
//
//	CPUs  Gs  preemptions  programs
//	   1   3            2  threadcall threadcall-panic
//	   2   3            2  spawn steal loyal next barrier yield relay talk
//	   2   3            2  flood refill spread again preempt respawn fork group
//	   2   3            2  elder nest rear hoard park chan select selectclose
//	   2   3            2  reselect rwmutex cond semaphore errgroup once sleep
//	   2   3            2  cancel-recv cancel-lock cancel-write cancel-rewrite
//	   2   3            2  cancel-cond cancel-wait cancel-join cancel-read cancel-signal cancel-once
//	   2   3            2  alarm later stop close late-join
//	   2   3            1  pair home mutex starve oversleep earlier alarm-in-call
//	   2   3            1  tick limit again-later sleepers-close sleeper-deadlock
//	   2   3            1  news late-news opened-late unpolled deadline past evict
//	   2   3            1  polled-alarm news-close handoff syscall away late
//	   2   3            1  lockedcall lockeddead
//	   2   3            1  guest guesttwo guestparks guestspawns guestcall guestclose
//	   2   3            1  guestforks guestdead
//	   2   2            1  locked lockedclose guestcalldead
//	   2   3            1  fewer more fewer-and-more fewer-sleepers fewer-in-call
//	   2   3            1  fewer-locked fewer-deadlock fewer-close idle-go
//	   2   3            1  brief-alarm brief-timer brief-alone brief-two
//	   2   3            1  brief-call brief-close
//	   2   3            1  fewer-poll fewer-poll-late cancel recover deadlock unwind panic
//	   3   3            1  attended one-more brief-elsewhere
//	   3   4            1  spawn steal loyal next barrier yield relay talk
//	   3   4            1  flood refill spread again preempt respawn pair
//	   3   4            1  elder nest park
//	   3   4            2  numago-spawn numago-doze numago-hungry numago-net
//	   3   4            2  numago-nets numago-netprocs numago-send numago-alarm
//	   3   4            1  numago-home numago-queue numago-yield numago-last
//	   3   4            1  numago-procs numago-close numago-sleep numago-ticks numago-woken numago-patient
//
// The program interrupt is exhausted within one preemption, too, but no test repeats that:
// it takes 1.5 million interleavings. With 3 Gs the programs locked and lockedclose are tried in
// part, and at random: lockedclose has 1935 interleavings without a preemption, which were all tried,
// and more than 2.1 million within one.
//
// The last lines of the command's output say the same of what it was asked for. A search
// that its limit has ended says that it covers a part.
//
// Rings, magazines and free lists are as large as for users, so four Gs fill none. With
// the build tag smallrings they hold 2 to 4, and all programs are explored so as well:
//
//	go run -tags smallrings ./experiments explore --cpus 2 --gs 9 --program flood,refill
//
// # How to read a timeline
//
// A failure comes with the schedule, for Replay, and a timeline like
//
//	M0
//	     41     G0 rmw   P0.runnext: a G
//	     42     G0 load  npidle: 1
//	        M1
//	     43            load  P0.runnext: none
//	     44            sleeps
//
// A heading is written where another thread goes on, further to the right the
// higher its number; the caller of Run and Close is at the left. A line is the
// number of the point, the G on whose stack it is (blank in the scheduling loop), the
// access, the word and its value after the access.
// Words of Gs and channels have numbers only. Start at the end: who sleeps on
// what, or which count is wrong. Then look for the last write of that word, and
// for the thread that had read it before and acted upon it afterwards: between
// the two is a heading, and that switch is the race.
//
// In a schedule "41:2,57:0" thread 2, which is M1, goes on at point 41 and thread
// 0, the caller, at point 57. If that thread is about to sleep there it wakes for no
// reason; if it sleeps, its time is over. Elsewhere the thread that runs goes on while it
// can, then the next in turn, then the first whose time is over.
package explore
