package doctor

import (
	"slices"
	"strings"
)

// slowClocks are clock sources that programs cannot read without a system call. Some of
// them also make CPUs wait for one another. (Linux, drivers/clocksource and arch/x86:
// programs read only sources whose vdso_clock_mode is not VDSO_CLOCKMODE_NONE.)
var slowClocks = []string{"hpet", "acpi_pm", "pit", "jiffies", "refined-jiffies", "xen", "hyperv_clocksource_msr", "tsc-early"}

// clockSource: the scheduler reads the clock at every park and tick, and so does
// what measures it.
func (s System) clockSource() Check {
	const dir = "sys/devices/system/clocksource/clocksource0/"
	c := Check{Name: "clock source", Status: OK}
	switch now := s.text(dir + "current_clocksource"); {
	case now == "":
		c.Status, c.Seen = Note, "this kernel does not say"
	case !slices.Contains(slowClocks, now):
		c.Seen = now
	default:
		c.Status = Warn
		c.Seen = now + ": each reading of the time is a system call and takes about a microsecond"
		c.Mend = "boot with tsc=reliable if the processor's TSC is known to be good (dmesg says why the kernel left it)"
		if slices.Contains(strings.Fields(s.text(dir+"available_clocksource")), "tsc") {
			c.Mend = "echo tsc > /" + dir + "current_clocksource"
		}
	}
	return c
}
