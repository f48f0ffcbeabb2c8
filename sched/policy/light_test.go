package policy

import "testing"

// A node's Gs are fair game after LightRow light Works in a row of one P, and until one
// that is not light.
func TestLightWork(t *testing.T) {
	const light, heavy = LightShare * FarAccess, LightShare*FarAccess - 1
	p, fair := new(P), false
	for i, c := range []struct {
		ops  int64
		want bool
	}{
		{light, false}, {heavy, false}, {light, false}, {light, true}, {light, true}, {heavy, false}, {light, false}, {light, true},
	} {
		if fair = p.Worked(c.ops, 0, 1, fair); fair != c.want {
			t.Errorf("after Work %d, of %d operations and an access: fair game %v, want %v", i, c.ops, fair, c.want)
		}
	}
	if q := new(P); !q.Worked(light, 0, 1, true) {
		t.Error("a light Work of another P makes the node's Gs ones to be spared")
	}
	for _, c := range []struct {
		ops, lines, accesses int64
		want                 bool
	}{
		{0, 0, 0, true},
		{light, 0, 1, true},
		{light, 0, 2, false},
		{light, FarAccess / FarLine, 0, true}, // a stream of lines costs as much
		{light, FarAccess / FarLine, 1, false},
		{1 << 40, 1 << 20, 1 << 20, true},
	} {
		if got := Light(c.ops, c.lines, c.accesses); got != c.want {
			t.Errorf("a Work of %d operations, %d lines and %d accesses is light: %v, want %v", c.ops, c.lines, c.accesses, got, c.want)
		}
	}
}
