package usage

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"numasched/experiments/harness"
	"numasched/experiments/peers"
	"numasched/experiments/workload"
	"numasched/sched/policy"
)

// List returns the items of a list that is separated by commas, each once.
func List(s string) []string {
	var list []string
	for _, part := range strings.Split(s, ",") {
		if part = strings.TrimSpace(part); part != "" && !slices.Contains(list, part) {
			list = append(list, part)
		}
	}
	return list
}

// ListWithAll is List, with the names of all in the place of "all". Other names may stand beside
// it, valid ones that all does not mean and wrong ones that are to be refused.
func ListWithAll(s string, all []string) []string {
	items := List(s)
	if i := slices.Index(items, "all"); i >= 0 {
		items = List(strings.Join(slices.Replace(items, i, i+1, all...), ","))
	}
	return items
}

// Schedulers returns the names of the arms that this module implements.
func Schedulers() []string {
	var names []string
	for _, a := range policy.Arms {
		names = append(names, a.Name)
	}
	return names
}

// ArmNames returns the names of the arms that "all" stands for: this module's and
// stock Go's goroutines.
func ArmNames() []string { return append(Schedulers(), harness.Goroutine) }

// Peers returns the names of the arms that are other people's runtimes.
func Peers() []string {
	var names []string
	for _, p := range peers.All {
		names = append(names, p.Name)
	}
	return names
}

// WorkloadNames returns the names of all workloads.
func WorkloadNames() []string {
	var names []string
	for _, w := range workload.All {
		names = append(names, w.Name)
	}
	return names
}

// Wrap returns names as an indented list in lines of at most 80 columns.
func Wrap(names []string) string {
	var b strings.Builder
	column := 0
	for i, name := range names {
		if i < len(names)-1 {
			name += ","
		}
		switch {
		case i == 0 || column+1+len(name) > 80:
			if i > 0 {
				b.WriteString("\n")
			}
			b.WriteString("    ")
			column = 4
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(name)
		column += len(name)
	}
	return b.String()
}

// SchedulersHelp has a line for each arm that this module implements.
func SchedulersHelp() string {
	var b strings.Builder
	for _, a := range policy.Arms {
		fmt.Fprintf(&b, "    %-16s %s\n", a.Name, a.Doc)
	}
	return b.String()
}

// ArmsHelp has a line for each arm that run can measure.
func ArmsHelp() string {
	return fmt.Sprintf("%s    %-16s stock Go: goroutines on GOMAXPROCS threads (%s)\n%s", SchedulersHelp(), harness.Goroutine, runtime.Version(), PeersHelp())
}

// WorkloadsHelp has the workloads with their sizes.
func WorkloadsHelp() string {
	var b strings.Builder
	for _, w := range workload.All {
		mark := " "
		if w.Quick {
			mark = "*"
		}
		fmt.Fprintf(&b, "    %s %-14s %s\n", mark, w.Name, w.Doc)
		for _, p := range w.Params {
			quick := ""
			if p.Quick != 0 {
				quick = fmt.Sprintf("; with --quick %d", p.Quick)
			}
			fmt.Fprintf(&b, "          %s=%d  %s (%d to %d%s)\n", p.Name, p.Default, p.Doc, p.Min, p.Max, quick)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// PeersHelp has a line for each peer.
func PeersHelp() string {
	var b strings.Builder
	for _, p := range peers.All {
		fmt.Fprintf(&b, "    %-16s %s\n", p.Name, p.Doc)
	}
	return b.String()
}

// ShellWord quotes s for a shell if it needs quotes.
func ShellWord(s string) string {
	if strings.ContainsAny(s, " \t'\"\\$&;|<>*?[](){}`!#~") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}
