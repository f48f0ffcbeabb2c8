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
	Shuffle bool // CPUs are dealt to nodes anew; a node keeps some of its own
}

// Arms is the table of all arms, baseline first.
var Arms = [...]Arm{
	{Name: "gm", Doc: "one locked queue: Go 1.0's G-M model"},
	{Name: "flat", Doc: "Go's G-P-M model with the rules of Go 1.26: all memory equally near", Local: true},
	{Name: "numa", Doc: "the full design", Local: true, NodeQ: true, Near: true, Home: true, Bind: true, Cache: true},
	{Name: "flat+pin", Doc: "flat, with threads bound to their P's node", Local: true, Bind: true},
	{Name: "numa-pin", Doc: "numa without binding threads", Local: true, NodeQ: true, Near: true, Home: true, Cache: true},
	{Name: "numa-home", Doc: "numa without home nodes", Local: true, NodeQ: true, Near: true, Bind: true, Cache: true},
	{Name: "numa-nodeq", Doc: "numa without node queues", Local: true, Near: true, Home: true, Bind: true, Cache: true},
	{Name: "numa-near", Doc: "numa without near-first stealing", Local: true, NodeQ: true, Home: true, Bind: true, Cache: true},
	{Name: "numa-cache", Doc: "numa without caches per node", Local: true, NodeQ: true, Near: true, Home: true, Bind: true},
	{Name: "numa-wrongmap", Doc: "numa on a shuffled node map; no clean control, as part of its memory is local", Local: true, NodeQ: true, Near: true, Home: true, Bind: true, Cache: true, Shuffle: true},
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
