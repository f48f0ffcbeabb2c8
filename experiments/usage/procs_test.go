package usage

import (
	"fmt"
	"testing"
)

func TestSharesOfCPUs(t *testing.T) {
	for in, want := range map[string]string{"all": "[64]", "1/8,1/2,all": "[8 32 64]", "64,all,1/1": "[64]", "3/4": "[48]", "1/1000": "[1]", "16,2": "[2 16]"} {
		ps, err := Shares(in, "m", 64)
		if got := fmt.Sprint(ps); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "0", "1/0", "0/4", "5/4", "half", "1/2/3", "65", "-1", "9223372036854775807/9223372036854775807"} {
		if ps, err := Shares(in, "m", 64); err == nil {
			t.Errorf("%q: %v, want an error", in, ps)
		}
	}
}
