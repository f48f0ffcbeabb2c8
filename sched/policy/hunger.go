package policy

// Grace is how long a thief sleeps, in nanoseconds, before it takes a G that is at
// home on another node, when it has found nothing else. That is long enough for the
// other node to run the G itself. It is also about what it takes to fetch the memory
// that the G would leave behind (4000 lines at 12 ns each). The thief sleeps as an idle
// P, so that work of its own wakes it at once. A tenth of it changes triad to 1.06 and 0.96 and
// wakestorm to 1.00 and 1.04 in the four (doc.go), ten times as much to 1.00 and 0.88, and to 1.00
// and 1.01. The others do not change.
const Grace = 50_000

// A thief takes one G after its first Grace. So a node that will have work of its own a
// little later takes no more than one away. A node that keeps coming back takes twice
// as many each time, until what it takes keeps it busy for HungerBusy. After HungerRest
// it begins with one again. If each took one G after every Grace, tasks of 13 us that
// are all at home on one node took 3.3 to 5.6 times as long as under flat, on simulated
// machines of four and eight nodes. With doubling they took 1.1 to 1.8 times as long. If
// they hardly use memory nobody spares them now: see light.go. In the four (doc.go) a MaxHunger of
// 1 changes nothing but wakestorm on rome, and that no more than another seed does.
const (
	MaxHunger  = 128
	HungerBusy = 8 * Grace  // nanoseconds
	HungerRest = 64 * Grace // nanoseconds
)

// SmallMeal reports whether a thief is back so soon, after ago nanoseconds, that what it
// took from another node was little work. It then waits for a Grace before it takes from
// there again, Gs without a home included: such short work costs less where it was started.
func SmallMeal(ago int64) bool { return ago < 2*Grace }

// An Appetite is how much a Node took the last time that one of its Ms had waited for its
// Grace. It is under the Node's lock.
type Appetite struct {
	hunger uint32
	at     int64 // when that was
}

// After returns how many Gs that are at home on other nodes an M of the Node may take, now
// that it has waited for its Grace.
func (a *Appetite) After(now int64) uint32 {
	a.hunger, a.at = Hunger(a.hunger, now-a.at), now
	return a.hunger
}

// Hunger is how many Gs that are at home on other nodes a Node may take after a Grace.
// Last time it was last Gs, and that was ago nanoseconds ago.
func Hunger(last uint32, ago int64) uint32 {
	switch {
	case last == 0 || ago > HungerRest:
		return 1
	case ago < HungerBusy:
		return min(2*last, MaxHunger)
	default:
		return last
	}
}
