package doctor

import (
	"fmt"
	"runtime"
	"strings"

	"numasched/numa"
)

// SystemCalls tries every system call of package numa.
func SystemCalls() []Check {
	works := 0
	var list []Check
	all := numa.Capabilities()
	for _, c := range all {
		if c.State == numa.Works {
			works++
			continue
		}
		check := Check{c.Call, Warn, fmt.Sprintf("%v: %s", c.State, c.Reason), c.Fix}
		if runtime.GOOS != "linux" || strings.HasPrefix(c.Call, "huge pages") {
			check.Status = Note // only what asks for it goes without
		}
		list = append(list, check)
	}
	return append([]Check{{"system calls", OK, fmt.Sprintf("%d of %d work: affinity, memory policies, page locations", works, len(all)), ""}}, list...)
}
