package topology

import (
	"fmt"
	"strings"
)

// Load resolves the argument of every --topology and --from flag:
//
//	host             this machine
//	synthetic:SPEC   see [ParseSynthetic]
func Load(arg string) (*Topology, error) {
	switch {
	case arg == "host":
		return Host()
	case strings.HasPrefix(arg, "synthetic:"):
		return ParseSynthetic(arg)
	}
	return nil, fmt.Errorf("topology %q: want host or synthetic:NxC", arg)
}
