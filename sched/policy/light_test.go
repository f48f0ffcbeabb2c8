package policy

import "testing"

// A node's Gs are fair game after LightRow light Works in a row of one P, and until one
// that is not light.
func TestLightWork(t *testing.T) {
	const light, heavy = 10 * LightOps, LightOps - 1
	p, fair := new(P), false
	for i, c := range []struct {
		ops  int64
		want bool
	}{
		{light, false}, {heavy, false}, {light, false}, {light, true}, {light, true}, {heavy, false}, {light, false}, {light, true},
	} {
		if fair = p.Worked(c.ops, 1, fair); fair != c.want {
			t.Errorf("after Work %d, of %d operations on a line: fair game %v, want %v", i, c.ops, fair, c.want)
		}
	}
	if q := new(P); !q.Worked(light, 1, true) {
		t.Error("a light Work of another P makes the node's Gs ones to be spared")
	}
	for _, c := range []struct {
		ops, lines int64
		want       bool
	}{{0, 0, true}, {0, 1, false}, {LightOps, 1, true}, {LightOps, 2, false}, {1 << 40, 1 << 20, true}} {
		if got := Light(c.ops, c.lines); got != c.want {
			t.Errorf("a Work of %d operations on %d lines is light: %v, want %v", c.ops, c.lines, got, c.want)
		}
	}
}
