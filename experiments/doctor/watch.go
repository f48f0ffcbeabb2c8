package doctor

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"numasched/topology"
)

// Watch looks at who else runs on the machine, and whether a host below takes CPUs
// away. It sleeps for the duration d; if d is 0 it does not look.
func Watch(s System, d time.Duration) []Check {
	before := cpuTimes(s.text("proc/stat"))
	if len(before) == 0 || d == 0 {
		return []Check{{"other work", Note, "not watched", ""}}
	}
	time.Sleep(d)
	return busy(before, cpuTimes(s.text("proc/stat")), d)
}

// busy compares two readings of /proc/stat.
func busy(before, after map[int]cpuTime, d time.Duration) []Check {
	other := Check{"other work", OK, fmt.Sprintf("all CPUs idle for %v", d), ""}
	steal := Check{"stolen time", OK, "none", ""}
	var busyCPUs topology.CPUSet
	var sum, stolen float64
	for cpu, b := range after {
		a, ok := before[cpu]
		total := b.total - a.total
		if !ok || total <= 0 {
			continue
		}
		share := 1 - float64(b.idle-a.idle)/float64(total)
		sum += share
		stolen += float64(b.steal-a.steal) / float64(total)
		if share > 0.05 {
			busyCPUs.Add(cpu)
		}
	}
	if !busyCPUs.Empty() {
		other.Status, other.Seen = Warn, fmt.Sprintf("CPUs %v are more than 5 %% busy; %.1f CPUs' worth in all", busyCPUs, sum)
		other.Mend = "stop what runs there (top -1), or measure on the other CPUs: taskset -c"
	}
	if stolen > 0.01 {
		steal.Status, steal.Seen = Warn, fmt.Sprintf("the host below took %.2f CPUs' worth away", stolen)
		steal.Mend = "ask for dedicated CPUs"
	}
	return []Check{other, steal}
}

type cpuTime struct{ total, idle, steal int64 }

// cpuTimes reads the lines cpuN of /proc/stat: user nice system idle iowait irq
// softirq steal, in ticks.
func cpuTimes(stat string) map[int]cpuTime {
	times := map[int]cpuTime{}
	for _, line := range strings.Split(stat, "\n") {
		f := strings.Fields(line)
		if len(f) < 6 {
			continue
		}
		digits, ok := strings.CutPrefix(f[0], "cpu")
		cpu, err := strconv.Atoi(digits)
		if !ok || err != nil {
			continue
		}
		var t cpuTime
		for i, v := range f[1:min(len(f), 9)] {
			n, _ := strconv.ParseInt(v, 10, 64)
			t.total += n
			if i == 3 || i == 4 {
				t.idle += n
			}
			if i == 7 {
				t.steal = n
			}
		}
		times[cpu] = t
	}
	return times
}
