package harness

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"
)

// An InterferenceMeter measures how much CPU time other processes use. It takes
// the busy time of all CPUs, which /proc/stat counts in ticks of 10 ms, and
// subtracts the CPU time of this process. In a container /proc/stat is that of the
// host. Time that a hypervisor stole counts as time of others.
type InterferenceMeter struct {
	wall      time.Time
	busy, own time.Duration
	cpus      int
	known     bool
}

// StartMeter begins to measure.
func StartMeter() InterferenceMeter {
	m := InterferenceMeter{wall: time.Now(), own: ownCPUTime()}
	m.busy, m.cpus, m.known = machineCPUTime()
	return m
}

// Stop returns the share of the machine's CPU time that others used since
// StartMeter, in percent, or false if it is not known.
func (m InterferenceMeter) Stop() (percent float64, known bool) {
	busy, _, known := machineCPUTime()
	own, wall := ownCPUTime()-m.own, time.Since(m.wall)
	if !known || !m.known || wall <= 0 {
		return 0, false
	}
	others := max(0, (busy - m.busy - own).Seconds())
	return min(100, 100*others/(wall.Seconds()*float64(m.cpus))), true
}

// machineCPUTime returns how long the CPUs have been busy since boot, in total.
func machineCPUTime() (busy time.Duration, cpus int, ok bool) {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, false
	}
	return parseStat(data)
}

// parseStat reads /proc/stat: user, nice, system, idle, iowait, irq, softirq,
// steal, guest and guest_nice (proc(5)); guest time is part of user time.
func parseStat(data []byte) (busy time.Duration, cpus int, ok bool) {
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every architecture that Go runs on
	for line := range bytes.Lines(data) {
		f := strings.Fields(string(line))
		if len(f) < 5 || !strings.HasPrefix(f[0], "cpu") {
			continue
		}
		if f[0] != "cpu" {
			cpus++
			continue
		}
		for i, s := range f[1:min(len(f), 9)] {
			n, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				return 0, 0, false
			}
			if i != 3 && i != 4 { // neither idle nor waiting for a disk
				busy += time.Duration(n) * tick
			}
		}
		ok = true
	}
	return busy, cpus, ok && cpus > 0
}
