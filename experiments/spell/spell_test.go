package spell

import "testing"

func TestClosestIsWithinTwoEditsAndHalfOfTheName(t *testing.T) {
	valid := []string{"gm", "flat", "numa", "numa-wrongmap"}
	for name, want := range map[string]string{
		"nuna": "numa", "numaa": "numa", "NUMA": "numa", "num": "numa", "flta": "flat", "numa-wrngmpa": "", "numa-wrongma": "numa-wrongmap",
		"g": "", "gn": "gm", "xy": "", "": "", "heat": "flat",
	} {
		if got := Closest(name, valid); got != want {
			t.Errorf("Closest(%q) is %q, want %q", name, got, want)
		}
	}
	if got := Closest("numa", nil); got != "" {
		t.Errorf("Closest among no names is %q", got)
	}
}
