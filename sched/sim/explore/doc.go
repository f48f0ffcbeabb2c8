// Package explore tries the interleavings of the real scheduler's threads on small
// programs, and checks that none breaks what the scheduler promises.
//
// Its [Machine] has no caches, and a clock of its own. Ms are coroutines, and one of them runs at
// a time. A point is an access to a word that Ms share, or a futex call. An M reports a point
// before it happens. Everything between two points is atomic. So two executions can
// differ only in the order of points, and whoever decides this order decides
// everything.
//
//	preemption   another M goes on at a point although this one could
//	free switch  this one waits, has ended, or yields
//	bound        how many preemptions an execution may have
//
// # What is tried
//
// First every interleaving within a bound is tried, for each bound from 0 up. search.go says
// which are left out because others are equivalent, and why that is sound. Then random
// schedules are tried (random.go).
//
// Beside the order of points two things are tried. Each counts as a preemption (clock.go): a
// futex wakes its sleeper at once for no reason, and time passes although somebody could go
// on. If nobody can go on, time passes for free.
//
// Two things are narrower than in reality:
//
//   - A Futexwakeup wakes the sleeper with the lowest number.
//   - When an M yields while it spins, others may go on for free only if the M has found something
//     new since it yielded last. Otherwise that costs a preemption.
//
// Memory is sequentially consistent, as Go's atomics are.
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
// The explorer itself is tested in two ways. Files under testdata/mutations put known bugs into
// the scheduler's source, by a build overlay, and the explorer must find each of them. And on
// small machines the interleavings that the search leaves out are tried as well, and must end in
// the same states (reduction_test.go).
//
// # How to write a program
//
// A [Program] has a Main, a function that a G runs and that uses package sched as any other
// does. It also gets a [T]. The T has the parameters (T.Gs, T.CPUs, T.Nodes) and the marks that
// say what must hold:
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
// The same schedule must always give the same execution. Four rules ensure that, and keep the
// search sound:
//
//   - A program asks for no time but the scheduler's and for no random number.
//   - It iterates over no map.
//   - What its Gs share is either ordered by what the scheduler does (a channel, a mutex, a
//     join), or it is a word of the T.
//   - It ends within some hundred accesses, whatever the schedule. A loop without end is a
//     failure.
//
// A Program's other fields say what Run must return (Want), whether Close is explored too
// (Close, Cancel), how often Run is called (Runs), and whether there is a sysmon (Sysmon).
// Programs are in programs.go, in a list for each mechanism. A new mechanism gets a list of its
// own.
//
// # Go's own scheduler
//
// Programs whose names begin with numago- run on a model of Go's scheduler with the overlay
// of sched/goruntime. model.go says what is modelled, and what is not. The search, the
// timelines and the mutations are the same. Such programs have found four faults of the
// overlay, which are mended, and one of Go:
//
//   - An M that had run nothing yet took itself for an M of the first node, and searched
//     without an end beside that node's work.
//   - An M that declined work did not end sysmon's deep sleep, so sysmon did not hear of it.
//   - What came from the network could be queued at a node that had lost its Ps.
//   - An M that came too late for a P still counted as dozing. When another M then made that P
//     idle, nobody looked again, and wakers relied on an M that was gone.
//   - Go's own: while a P moves a batch of Gs from the global queue to its own, the last searcher
//     may see them in neither queue.
//
// # How to write a mutation
//
// A file in testdata/mutations says which file of package sched is changed, what that
// breaks, which programs show it, and which text replaces which. The old text must occur
// exactly once, and within a function. If it takes long to find the bug, a line "first: PROGRAM
// ARM CPUS GS BOUND" says where to look first. With the bound 0 that search is mostly random.
// This looks for one bug alone:
//
//	go test -run 'TestMutations/NAME$' -v ./sched/sim/explore   (with NUMASCHED_LONG_TESTS=1)
//
// # How fast it is
//
// An execution is the whole life of a scheduler, between making and closing it: 250 to 550
// accesses for four Gs on three CPUs. The times are of an earlier, simpler scheduler, on a 2-CPU
// AMD EPYC host under Go 1.26. An execution took 7 to 14 us of one CPU (go test -bench
// Interleavings): 151,000 interleavings per second of spawn, 132,000 of steal, 108,000 of close,
// 72,000 of park. The command experiments explore, with its defaults, spent 40 s of CPU time on
// 4.4 million of them: 110,000 per second and CPU, and by the clock 214,000 per second on two CPUs
// that have nothing else to do.
//
// The limit is that every interleaving starts from the beginning, because coroutines
// cannot be copied. Three things keep that cheap:
//
//   - The scheduler of the last execution is reset with its coroutines (sched.Reset). That takes
//     0.2 us. A new one takes 8 us, and 0.6 us more for each coroutine.
//   - Up to the last decision, and from a state seen before, accesses are counted but not hashed.
//   - Where nothing is to be decided, nobody is asked.
//
// Of what is left, a profile says, 43 % is the scheduler's own code and 33 % the explorer's. The
// rest is switching coroutines, allocation, and panics that unwind cancelled Gs.
//
// # What is searched completely
//
// The number of interleavings grows by a factor of 5 to 50 with each preemption. Under numa,
// every interleaving of these programs is tried within this number of preemptions. A test reads
// this table and tries them again. A program that needs more Gs has as many as it needs.
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
// The program interrupt is searched completely within one preemption, too, but no test repeats
// that, because it takes 1.5 million interleavings. With 3 Gs the programs locked and lockedclose
// are tried only in part, and at random. lockedclose has 1935 interleavings without a preemption,
// which were all tried, and more than 2.1 million within one.
//
// The last lines of the command's output say what it has searched completely. If a limit has
// ended a search, they say that it covers a part.
//
// Rings, magazines and free lists are as large as for users, so four Gs fill none of them. With
// the build tag smallrings they hold 2 to 4, and all programs are explored with these sizes, too:
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
// A heading stands where another thread goes on. The higher the number of a thread, the further
// to the right is its heading. The caller of Run and Close is at the left. A line has the number
// of the point, the G on whose stack it is (blank in the scheduling loop), the access, the word,
// and the word's value after the access. Words of Gs and channels have numbers only.
//
// Start at the end: who sleeps on what, or which count is wrong? Then look for the last write of
// that word, and for a thread that read the word before this write and acted upon it after the
// write. Between the two is a heading, and that switch is the race.
//
// In a schedule "41:2,57:0" thread 2, which is M1, goes on at point 41 and thread 0, the caller,
// at point 57. If a thread that is named so is about to sleep, it wakes for no reason. If it
// sleeps already, its time is over. At all other points the thread that runs goes on while it
// can, then the next in turn, then the first whose time is over.
package explore
