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

func numaAsk() (asked numaAsked, number int32) {
	s := gogetenv("GONUMA")
	switch s {
	case "":
		return numaUnset, 0
	case "off":
		return numaOff, 0
	case "on":
		return numaOn, 0
	case "confine":
		return numaConfine, -1
	}
	if n, ok := numaNumber(s); ok && n >= 1 && n <= 64 {
		return numaPretend, n
	}
	const confine = "confine="
	if len(s) > len(confine) && s[:len(confine)] == confine {
		if n, ok := numaNumber(s[len(confine):]); ok {
			return numaConfine, n
		}
	}
	print("gonuma: GONUMA=", s, ": want off, on, confine, confine=NODE, or a number of pretended nodes from 1 to 64\n")
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
