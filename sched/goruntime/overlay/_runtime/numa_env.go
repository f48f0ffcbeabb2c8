package runtime

// GONUMA is read once, before the first P exists. A value that means nothing stops the
// program: whoever sets one wants more than stock's scheduler.

type numaAsked uint8

const (
	numaUnset numaAsked = iota
	numaOff
	numaOn
	numaPretend // number nodes
	numaConfine // to the node number, if that is not negative
)

// numaAsk returns what was asked for, and whether each node is to have its own heap.
func numaAsk() (asked numaAsked, number int32, heap bool) {
	s := gogetenv("GONUMA")
	switch s {
	case "":
		return numaUnset, 0, false
	case "off":
		return numaOff, 0, false
	case "confine":
		return numaConfine, -1, false
	}
	const confine = "confine="
	if len(s) > len(confine) && s[:len(confine)] == confine {
		if n, ok := numaNumber(s[len(confine):]); ok {
			return numaConfine, n, false
		}
	}
	const suffix = ",heap"
	which := s
	if n := len(s) - len(suffix); n > 0 && s[n:] == suffix {
		which, heap = s[:n], true
	}
	if which == "on" {
		return numaOn, 0, heap
	}
	if n, ok := numaNumber(which); ok && n >= 1 && n <= 64 {
		return numaPretend, n, heap
	}
	print("gonuma: GONUMA=", s, ": want off, on, confine, confine=NODE, or a number of pretended nodes from 1 to 64; on and a number may have \",heap\" behind them\n")
	exit(2)
	return
}

// numaNumber reads a decimal number of at most 4 digits, and nothing else.
func numaNumber(s string) (n int32, ok bool) {
	if len(s) == 0 || len(s) > 4 {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int32(s[i]-'0')
	}
	return n, true
}

// numaMarker is in every program with this runtime: numaAtExit may print it.
const numaMarker = "numago: this program's runtime is NUMA-aware"
