package policy

// An Arm is one side of an experiment: a name and the mechanisms it has. Each
// mechanism is one switch, so that every ablation is an arm too.
type Arm struct {
	Name string
	Doc  string // one line

	Local   bool // Ps have run queues of their own (G-P-M); otherwise one locked queue (G-M)
	NodeQ   bool // run queue, idle Ps and searchers per node; otherwise one of each
	Near    bool // steal near before far; otherwise from a random start among all
	Home    bool // a G has a home node that it is woken on and rarely stolen from
	Bind    bool // an M's thread is bound to the CPUs of its P's node
	Cache   bool // free Gs and objects are cached per node; otherwise per machine
	Closed  bool // nothing leaves its node: no thief takes anything from another one
	Biased  bool // thieves choose their victims by NUMA-WS's odds, see biased.go
	Static  bool // a parallel loop has a part for each P, which is bound to a CPU, and nobody shares
	Confine bool // all Ps are on one node
	Map     Map

	// SchedLock has simulated Ms take the lock of their Node wherever Go 1.26 takes
	// sched.lock, and as often. On a real machine it means nothing: Go itself can be
	// measured there.
	SchedLock bool
	Memory    Memory

	// Rival is what a careful person uses today instead of flat. A gain over flat says
	// little where a rival has it as well.
	Rival bool

	// AsGo is flat with memory as Go programs get it. The claims compare numa with the best of
	// these, too.
	AsGo bool

	// Without is the mechanism of numa that this arm does not have. In all else it is numa, so the
	// difference is what the mechanism earns.
	Without Mechanism
}

// A Mechanism is a part of numa that can be left out.
type Mechanism uint8

// The mechanisms, in the order in which tables have them.
const (
	Nothing Mechanism = iota
	HomeNodes
	NodeQueues
	NearFirst
	Binding
	NodeCaches

	Mechanisms = iota // how many there are, with Nothing
)

// A Map says which CPUs a node is believed to have.
type Map uint8

const (
	RightMap    Map = iota
	DerangedMap     // those of another node: no work is where its data is
	RandomMap       // some of every node, in equal shares: chance decides
)

// Memory says where the pages of buffers lie.
type Memory uint8

const (
	AsAsked     Memory = iota // where the program wants them
	Interleaved               // on all nodes in turn
	OnOneNode                 // on the node of the goroutine that was the first to touch them all
	FirstTouch                // on the node of whichever goroutine comes first
)

// Arms is the table of all arms, baseline first.
//
// Why the controls and the baselines are there:
//
//   - flat leaves homes to the program: arrays lie in parts on all nodes, as if a careful
//     person had placed them, but tasks run anywhere. A Go program does not place its
//     memory. Its pages lie where they are first touched: by the goroutine that
//     initialises them (flat+onenode), or by those that work on them, wherever these
//     happen to run (flat+firsttouch). Whoever runs a large Go program on such a machine
//     is told to call numactl --interleave=all (interleave), numactl --cpunodebind
//     (confine), or to start a process for each node (process-per-node).
//   - In simulation flat and its kin stand for Go, so they have Go's own lock (SchedLock).
//   - static is what a careful person writes by hand, for parallel loops over arrays. Other
//     programs stay on one node under it. It is OpenMP's schedule(static) with
//     OMP_PROC_BIND, and memory that was first touched by the same static loop.
//   - numaws is the published design that is nearest to this one: J. Deters, J. Wu, Y. Xu,
//     I-T. A. Lee: A NUMA-Aware Provably-Efficient Task-Parallel Platform Based on the
//     Work-First Principle, IISWC 2018.
//   - numa-wrongmap has every mechanism of numa and no locality. What it gains over flat is
//     not gained by locality. numa-randommap is the same with as much locality as chance
//     gives.
var Arms = [...]Arm{
	{Name: "gm", Doc: "one locked queue: Go 1.0's G-M model"},
	{Name: "flat", Doc: "Go's G-P-M model with the rules of Go 1.26: all memory equally near", Local: true, SchedLock: true, AsGo: true},
	{Name: "numa", Doc: "the full design", Local: true, NodeQ: true, Near: true, Home: true, Bind: true, Cache: true},
	{Name: "flat+pin", Doc: "flat, with threads bound to their P's node", Local: true, Bind: true, SchedLock: true},
	{Name: "numa-pin", Doc: "numa without binding threads", Local: true, NodeQ: true, Near: true, Home: true, Cache: true, Without: Binding},
	{Name: "numa-home", Doc: "numa without home nodes", Local: true, NodeQ: true, Near: true, Bind: true, Cache: true, Without: HomeNodes},
	{Name: "numa-nodeq", Doc: "numa without node queues", Local: true, Near: true, Home: true, Bind: true, Cache: true, Without: NodeQueues},
	{Name: "numa-near", Doc: "numa without near-first stealing", Local: true, NodeQ: true, Home: true, Bind: true, Cache: true, Without: NearFirst},
	{Name: "numa-cache", Doc: "numa without caches per node", Local: true, NodeQ: true, Near: true, Home: true, Bind: true, Without: NodeCaches},
	{Name: "numa-wrongmap", Doc: "numa on a wrong map: each node's work runs on another node than its data", Local: true, NodeQ: true, Near: true, Home: true, Bind: true, Cache: true, Map: DerangedMap},
	{Name: "numa-randommap", Doc: "numa on a random map: each node has CPUs of all nodes in equal shares", Local: true, NodeQ: true, Near: true, Home: true, Bind: true, Cache: true, Map: RandomMap},
	{Name: "flat+onenode", Doc: "flat, with all memory on the node of the goroutine that initialises it", Local: true, Memory: OnOneNode, SchedLock: true},
	{Name: "flat+firsttouch", Doc: "flat, with memory where goroutines happen to touch it first", Local: true, Memory: FirstTouch, SchedLock: true, AsGo: true},
	{Name: "interleave", Doc: "flat under numactl --interleave=all", Local: true, Memory: Interleaved, SchedLock: true, Rival: true, AsGo: true},
	{Name: "confine", Doc: "flat on the CPUs of one node: numactl --cpunodebind", Local: true, Bind: true, Confine: true, SchedLock: true},
	{Name: "process-per-node", Doc: "a process for each node: flat there, and nothing is shared", Local: true, NodeQ: true, Near: true, Home: true, Bind: true, Cache: true, Closed: true, SchedLock: true},
	{Name: "static", Doc: "OpenMP's schedule(static): each CPU has its part of a loop and its memory", Local: true, NodeQ: true, Near: true, Home: true, Bind: true, Cache: true, Closed: true, Static: true, Rival: true},
	{Name: "numaws", Doc: "NUMA-WS: victims 70 % near, 24 % next, 6 % far, and mailboxes", Local: true, NodeQ: true, Near: true, Home: true, Bind: true, Cache: true, Biased: true},
}

// ByName returns the arm with the given name. The error is an [UnknownArmError].
func ByName(name string) (Arm, error) {
	for i := range Arms {
		if Arms[i].Name == name {
			return Arms[i], nil
		}
	}
	return Arm{}, UnknownArmError(name)
}

// An UnknownArmError is the name of an arm that does not exist.
type UnknownArmError string

func (e UnknownArmError) Error() string {
	text := "unknown arm \"" + string(e) + "\": want one of"
	for i := range Arms {
		text += " " + Arms[i].Name
	}
	return text
}
