package scenario

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// studies reads all published studies.
func studies(t *testing.T) map[string]*Scenario {
	t.Helper()
	files, err := filepath.Glob("studies/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no studies", err)
	}
	all := map[string]*Scenario{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(file, data)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".json")] = s
	}
	return all
}

// shorten has the measured threads do a share of what they do, once.
func (s *Scenario) shorten(share int64) {
	s.Runs = 1
	for i := range s.Threads {
		s.Threads[i].Times /= share
	}
}

func variant(t *testing.T, s *Scenario, name string) *Result {
	t.Helper()
	for _, v := range s.Variants {
		if v.Name == name {
			r, err := s.Run(v)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
	}
	t.Fatalf("%s has no variant %q", s.Name, name)
	return nil
}

// The constants are such that the rows on which they were fitted come out, each in
// a run that is shorter by the same share as its expected time. Studies whose
// disturbance begins later are left undisturbed: their fitted rows recover from it.
func TestFittedRows(t *testing.T) {
	for name, share := range map[string]int64{"azusa-2002": 40, "autonuma-numa02-2012": 50, "xeon-8167m-2023": 80, "epyc-7551-2023": 40} {
		s := studies(t)[name]
		if s == nil {
			t.Fatalf("no study %s", name)
		}
		s.shorten(share)
		kept := s.Threads[:0]
		for _, g := range s.Threads {
			if g.StartS == 0 {
				kept = append(kept, g)
			}
		}
		s.Threads = kept
		n := 0
		for _, v := range s.Variants {
			if v.Measured == nil || !v.Measured.Fitted {
				continue
			}
			n++
			r := variant(t, s, v.Name)
			got, want := r.of(r.What)*float64(share), *r.Measured
			if math.Abs(got/want-1) > 0.025 {
				t.Errorf("%s, %s: %.2f s, was measured as %.2f", name, v.Name, got, want)
			}
		}
		if n < 2 {
			t.Errorf("%s: %d fitted rows, want 2 or more", name, n)
		}
	}
}

// A burst drives jobs from their memory under a scheduler that knows no nodes, and
// those that have a home come back to it.
func TestAzusaPoliciesDiffer(t *testing.T) {
	s := studies(t)["azusa-2002"]
	s.Runs = 1
	for i := range s.Threads {
		if g := &s.Threads[i]; g.Measured {
			g.Times = 5000 // 4 s
		} else {
			g.StartS = 1000
			g.Count /= 2
		}
	}
	for _, n := range []string{", N=4", ", N=8"} {
		blind, home := variant(t, s, "blind"+n), variant(t, s, "home static"+n)
		if blind.Locality > 0.9 || home.Locality < 0.97 || blind.User < 1.04*home.User {
			t.Errorf("%s: blind is %.2f local and takes %.2f s, home static %.2f and %.2f", n, blind.Locality, blind.User, home.Locality, home.User)
		}
	}
}
