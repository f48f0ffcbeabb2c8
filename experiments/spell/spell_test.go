package spell

import "testing"

func TestClosestIsWithinTwoEditsAndAThirdOfTheName(t *testing.T) {
	valid := []string{"gm", "flat", "numa", "numa-wrongmap", "topo", "run"}
	for name, want := range map[string]string{
		"nuna": "numa", "numaa": "numa", "NUMA": "numa", "num": "numa", "flta": "flat", "numa-wrngmpa": "numa-wrongmap", "numa-wrongma": "numa-wrongmap", "numa-wrngma": "numa-wrongmap", "numa-rngma": "",
		"g": "", "gn": "gm", "mg": "gm", "xy": "", "": "", "heat": "", "nope": "", "tpoo": "topo", "rn": "run", "nur": "",
	} {
		if got := Closest(name, valid); got != want {
			t.Errorf("Closest(%q) is %q, want %q", name, got, want)
		}
	}
	if got := Closest("numa", nil); got != "" {
		t.Errorf("Closest among no names is %q", got)
	}
}
