// Package doctor examines a machine for what would spoil an experiment on it,
// and says how to mend that.
//
// A [Check] is data: what was looked at, how much the answer matters, what was
// seen, and what to do. [Examine] makes all checks that files of /sys and /proc
// answer, from any tree of them. The other functions try the machine itself:
// [Watch] looks at who else runs for a while, [SystemCalls] makes the calls that
// the scheduler needs, and [KVM] runs a tiny guest.
package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"numasched/topology"
)

// A Check is one thing that was looked at.
type Check struct {
	Name   string `json:"name"` // the subject, in a word or two; no other check of a machine has it
	Status Status `json:"status"`
	Seen   string `json:"seen"`           // what was seen, and what that does to an experiment
	Mend   string `json:"mend,omitempty"` // a command or an advice; "" if nothing is to be done
}

// A Status says how much a [Check] matters.
type Status string

const (
	OK   Status = "ok"   // as it should be
	Note Status = "note" // know it when you read the results
	Warn Status = "warn" // mend it before you trust a number
)

// A System is a machine to examine.
type System struct {
	Root     fs.FS               // holds sys and proc
	Topology *topology.Topology  // what Root says of CPUs and nodes
	Env      func(string) string // the environment of the process that will measure
}

// Examine makes the checks that files answer, in the order in which people should
// read them.
func Examine(s System) []Check {
	return []Check{
		s.mounted(),
		s.nodes(),
		s.balancing(),
		s.governors(),
		s.turbo(),
		s.smt(),
		s.numbering(),
		s.allowedCPUs(),
		s.isolated(),
		s.quota(),
		s.allowedMemory(),
		s.memoryLimit(),
		s.goMemoryLimit(),
		s.freeMemory(),
		s.memorySizes(),
		s.hugePages(),
		s.clockSource(),
		s.virtual(),
	}
}

// mounted says whether the other checks have anything to look at: in a chroot or a small
// container they may not, and then "none" means that nothing was seen.
func (s System) mounted() Check {
	c := Check{Name: "/proc, /sys", Status: OK, Seen: "mounted"}
	var missing []string
	for _, dir := range []string{"proc", "sys"} {
		if files, err := fs.ReadDir(s.Root, dir); err != nil || len(files) == 0 {
			missing = append(missing, "/"+dir)
		}
	}
	if len(missing) > 0 {
		c.Status = Warn
		c.Seen = strings.Join(missing, " and ") + " not mounted: the checks below see little, and \"none\" may mean unknown"
		c.Mend = "mount -t proc proc /proc; mount -t sysfs sys /sys"
	}
	return c
}

// text returns the content of a file without the white space around it, "" if it
// cannot be read.
func (s System) text(name string) string {
	b, err := fs.ReadFile(s.Root, name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// cpuList reads a file in list format. It returns the empty set if there is no such
// file, or if the file holds "(null)", as in some kernels.
func (s System) cpuList(name string) topology.CPUSet {
	set, err := topology.ParseCPUList(s.text(name))
	if err != nil {
		return topology.CPUSet{}
	}
	return set
}

// Print writes checks for people to read: one line for each, one more for what mends
// it, and at the end how many of them spoil an experiment.
func Print(w io.Writer, checks []Check) error {
	var b strings.Builder
	warns := 0
	for _, c := range checks {
		fmt.Fprintf(&b, "%-5s %-24s %s\n", c.Status, c.Name, c.Seen)
		if c.Mend != "" {
			fmt.Fprintf(&b, "%-30s mend: %s\n", "", c.Mend)
		}
		if c.Status == Warn {
			warns++
		}
	}
	switch warns {
	case 0:
		b.WriteString("\nNothing here would spoil an experiment.\n")
	case 1:
		b.WriteString("\n1 thing here would spoil an experiment.\n")
	default:
		fmt.Fprintf(&b, "\n%d things here would spoil an experiment.\n", warns)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteJSON writes checks for programs: {"checks": [...]}, each as [Check] says.
func WriteJSON(w io.Writer, checks []Check) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Checks []Check `json:"checks"`
	}{checks})
}

// size writes a size as people do.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}

// count is "1 CPU" and "2 CPUs".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
