package calibrate

import (
	"fmt"
	"io"
	"strings"
	"time"

	"numasched/experiments/harness"
	"numasched/experiments/progress"
	"numasched/sched/sim"
)

// File measures this host, and with compare also lays host beside simulation. It returns a
// preset's file, and what to tell the user.
func File(compare bool, stderr io.Writer) (preset []byte, said string, err error) {
	show, end := progress.New(stderr)
	defer end()
	meter, start := harness.StartMeter(), time.Now()
	step := func(what string, done, planned int) {
		s := progress.Step{Phase: "measuring", What: what, Done: done, Planned: planned}
		if done > 0 {
			s.Left = progress.Left(time.Since(start) / time.Duration(done) * time.Duration(planned-done))
		}
		show(s)
	}
	var p *sim.Preset
	var rows []Row
	if compare {
		p, rows, err = Compare(step)
	} else {
		p, err = Host(step)
	}
	end()
	if err != nil {
		return nil, "", err
	}
	// The preset says it as well, for whoever simulates with it later.
	busy := disturbed(meter)
	p.Doc += busy
	var text strings.Builder
	p.Constants(func(name, value, source string) { fmt.Fprintf(&text, "%-20s %s  (%s)\n", name, value, source) })
	if compare {
		Print(&text, rows)
	}
	if busy != "" {
		fmt.Fprintf(&text, "\nnot to be relied on%s\n", busy)
	}
	preset, err = p.JSON()
	return preset, text.String(), err
}

// disturbed says how much of the CPUs other processes have taken since meter was
// started, if that is enough to spoil what was measured.
func disturbed(meter harness.InterferenceMeter) string {
	other, known := meter.Stop()
	if !known || other <= harness.DisturbanceLimit {
		return ""
	}
	return fmt.Sprintf("; DISTURBED: other processes took %.0f %% of the CPU time meanwhile", other)
}
