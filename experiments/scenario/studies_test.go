package scenario

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// longTests reports whether there is time, as in .ci/run, which sets the variable. sched/sim
// tells the kernels apart in a second, too.
func longTests() bool { return os.Getenv("NUMASCHED_LONG_TESTS") != "" }

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
	for name, share := range map[string]int64{"azusa-2002": 40, "autonuma-numa02-2012": 50, "xeon-8167m-2023": 40, "epyc-7551-2023": 40,
		"epyc-7763-daxpy": 10, "epyc-7543-first-touch": 10, "epyc-7352-first-touch": 10} {
		if !longTests() && share > 10 {
			continue // seconds each
		}
		s := studies(t)[name]
		if s == nil {
			t.Fatalf("no study %s", name)
		}
		s.shorten(share)
		kept := s.Threads[:0]
		for _, g := range s.Threads {
			if g.StartS == 0 || g.Measured {
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
			got, want := r.of(r.What), 0.0
			if r.Rate != nil {
				want = *r.Rate
			} else {
				got, want = got*float64(share), *r.Measured
			}
			if math.Abs(got/want-1) > 0.025 {
				t.Errorf("%s, %s: %.2f, was measured as %.2f", name, v.Name, got, want)
			}
		}
		if n == 0 {
			t.Errorf("%s has no fitted rows", name)
		}
	}
}

// Policies that differ by their rules have different events. What a study says of a preferred
// node is nothing if it is the same as for a pinned thread or for NUMA balancing. And what
// the rules say of where threads run comes out: who knows where the memory is runs there, and
// takes less time than who does not.
func TestStudiesTellPoliciesApart(t *testing.T) {
	for _, c := range []struct {
		study        string
		share        int64
		variants     []string
		knows, blind string // of these
		long         bool   // some seconds
	}{
		{"xeon-8167m-2023", 70, []string{"pinned to the node of the memory", "floating", "floating, NUMA balancing", "preferred node right", "preferred node wrong"},
			"preferred node right", "floating", false},
		{"epyc-7551-2023", 110, []string{"pinned to the node of the memory", "floating", "floating, NUMA balancing", "preferred node right", "preferred node wrong"},
			"preferred node right", "floating", true},
		// A burst drives jobs from their memory under a scheduler that knows no nodes, and those
		// that have a home come back to it. The kinds of homes differ only where pages are not at
		// home: sched/sim has the test.
		{"azusa-2002", 16, []string{"blind, N=16", "one at a time, N=16", "simple NUMA, N=16", "pooled, delayed, N=16", "home static, N=16"},
			"home static, N=16", "blind, N=16", true},
		{"autonuma-numa02-2012", 100, []string{"bound to the right nodes", "unbound", "unbound, NUMA balancing"},
			"bound to the right nodes", "unbound", true},
		{"workqueue-scopes", 40, []string{"system, 4 issuers", "cache, 4 issuers", "cache, strict, 4 issuers"}, "", "", false}, // scopes are of caches
	} {
		if c.long && !longTests() {
			continue
		}
		s := studies(t)[c.study]
		s.shorten(c.share)
		s.Runs = 2 // with one seed, a thread may happen to be where it would have been sent
		for i := range s.Threads {
			if g := &s.Threads[i]; !g.Measured && g.StartS > 0 {
				g.StartS = 500
			}
		}
		for i := range s.Variants {
			for j := range s.Variants[i].Set {
				s.Variants[i].Set[j].Times /= c.share
			}
		}
		seen, results := map[string]string{}, map[string]*Result{}
		for _, name := range c.variants {
			r := variant(t, s, name)
			if other := seen[r.Hash]; other != "" {
				t.Errorf("%s: %q and %q have the same events", c.study, name, other)
			}
			seen[r.Hash], results[name] = name, r
		}
		if c.knows == "" {
			continue
		}
		knows, blind := results[c.knows], results[c.blind]
		if knows.Locality < 0.97 || blind.Locality > 0.93 || blind.User < 1.01*knows.User {
			t.Errorf("%s: %q is %.2f local and takes %.3f s, %q is %.2f local and takes %.3f s", c.study,
				c.knows, knows.Locality, knows.User, c.blind, blind.Locality, blind.User)
		}
	}
}

// Every study is run with eight seeds or more.
func TestStudiesHaveSeeds(t *testing.T) {
	for name, s := range studies(t) {
		if s.Runs < 8 {
			t.Errorf("%s: %d runs, want 8 or more", name, s.Runs)
		}
	}
}
