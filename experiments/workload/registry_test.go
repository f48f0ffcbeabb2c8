package workload

import (
	"strings"
	"testing"
)

func TestEveryWorkloadIsDescribed(t *testing.T) {
	seen := map[string]bool{}
	for _, w := range All {
		if seen[w.Name] || ByName(w.Name) != w {
			t.Errorf("%s: the name is taken", w.Name)
		}
		seen[w.Name] = true
		if w.Doc == "" || w.Unit == "" || w.Name != strings.ToLower(w.Name) {
			t.Errorf("%s: want a lower-case name, a line on it and a unit", w.Name)
		}
		for _, p := range w.Params {
			if p.Doc == "" || p.Default < p.Min || p.Default > p.Max {
				t.Errorf("%s: size %s: default %d, want one from %d to %d, and a line on it", w.Name, p.Name, p.Default, p.Min, p.Max)
			}
			if p.Quick != 0 && (p.Quick < p.Min || p.Quick > p.Max) {
				t.Errorf("%s: size %s: quick %d is not from %d to %d", w.Name, p.Name, p.Quick, p.Min, p.Max)
			}
		}
	}
	for name := range small {
		if !seen[name] {
			t.Errorf("test sizes for %q, which is no workload", name)
		}
	}
}

func TestSizesSurviveBeingWritten(t *testing.T) {
	for _, w := range All {
		want := w.Program(true).Sizes()
		p, err := w.Parse(want, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Sizes(); got != want {
			t.Errorf("%s: %s came back as %s", w.Name, want, got)
		}
	}
}

func TestWrongSizesAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"n=1":     `n=1 is out of range (want 2 to 50)`,
		"m=3":     `unknown size "m" (want n)`,
		"n=three": `size "n=three": want name=number`,
		"n":       `size "n": want name=number`,
	} {
		if _, err := fib.Parse(text, true); err == nil || !strings.Contains(err.Error(), "workload fib: "+want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	p, err := actorRing.Parse("tokens=201", true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.New(); err == nil || !strings.Contains(err.Error(), "tokens=201: want at most actors=200") {
		t.Errorf("more tokens than actors: got %v", err)
	}
}

// The sizes at which a workload's data lies in the caches are sizes of it.
func TestSizesInCachesAreSizes(t *testing.T) {
	some := 0
	for _, w := range All {
		if w.InCaches == "" {
			continue
		}
		some++
		if p, err := w.Parse(w.InCaches, false); err != nil || p.Sizes() == w.Program(false).Sizes() {
			t.Errorf("%s: %q: %v; want other sizes than the default", w.Name, w.InCaches, err)
		}
	}
	if some < 10 {
		t.Errorf("%d workloads have sizes for the caches, want at least 10", some)
	}
}
