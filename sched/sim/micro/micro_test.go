package micro

import (
	"math"
	"testing"
)

// The simulated machine gives back the measured tables within 5 %.
func TestMeasuredTables(t *testing.T) {
	cells, worst := 0, Cell{}
	for _, name := range Presets() {
		list, err := Run(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			cells++
			if math.Abs(c.Error()) > math.Abs(worst.Error()) {
				worst = c
			}
			if math.Abs(c.Error()) > 0.05 {
				t.Errorf("%s: %s %s: %.1f %s, measured %.1f to %.1f: %+.1f %%", c.Preset, c.Table, c.Row, c.Simulated, c.Unit, c.Lo, c.Hi, 100*c.Error())
			}
		}
	}
	t.Logf("%d cells; worst: %+v, %+.1f %%", cells, worst, 100*worst.Error())
}
