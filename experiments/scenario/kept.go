package scenario

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"

	"numasched/experiments/harness"
	"numasched/experiments/progress"
	"numasched/sched/sim/strict"
)

// A study of eight runs for each variant may take an hour. So finished variants are kept in a
// file, and what is cut off goes on with the others. The file must be of the same scenario, to
// the byte, and of the same program: otherwise some numbers would be of one and some of the
// other.

// A Kept is the file.
type Kept struct {
	Format   int       `json:"format"`          // 1
	Scenario string    `json:"scenario_sha256"` // of the scenario's file
	Program  string    `json:"program_sha256"`  // of the program that simulated
	Results  []*Result `json:"results"`         // of the variants that are finished

	path string // "": nothing is kept
}

const keptFormat = 1

// A KeptError says why finished variants cannot be kept in a file.
type KeptError struct{ error }

// Unwrap returns what is wrong with the file.
func (e *KeptError) Unwrap() error { return e.error }

// RunAll simulates the variants of s on all CPUs of this computer, and returns their results in
// their order. It keeps each in the file at path as soon as it is finished, and leaves out those
// that an earlier run has kept there. If path is "", nothing is kept. The error is a [KeptError] if
// the file is not of this scenario and this program.
func (s *Scenario) RunAll(path string, stderr io.Writer) ([]*Result, error) {
	k := new(Kept)
	if path != "" {
		program, err := thisProgram()
		if err != nil {
			return nil, err
		}
		if k, err = begin(path, s.data, program); err != nil {
			return nil, &KeptError{err}
		}
	}
	return k.runAll(s, stderr)
}

// begin reads what an earlier run has kept in the file at path, or begins one if there is no
// such file. data is the scenario's own file, and program is the one that runs.
func begin(path string, data []byte, program string) (*Kept, error) {
	k := &Kept{keptFormat, fmt.Sprintf("%x", sha256.Sum256(data)), program, nil, path}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return k, k.save(nil) // it may take an hour until there is something to keep
	}
	if err != nil {
		return nil, err
	}
	if err := strict.Check(path, text); err != nil {
		return nil, err
	}
	var version struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(text, &version); err != nil || version.Format != keptFormat {
		return nil, strict.Where(path, text, strict.Locate(text, "format"), fmt.Errorf("want the finished variants of a scenario, of format %d", keptFormat))
	}
	old := new(Kept)
	if err := strict.DecodeWritten(path, text, old); err != nil {
		return nil, err
	}
	for _, c := range []struct{ field, then, now, want string }{
		{"scenario_sha256", old.Scenario, k.Scenario, "the scenario as it is now"},
		{"program_sha256", old.Program, k.Program, "the program that runs"},
	} {
		if c.then != c.now {
			return nil, strict.Where(path, text, strict.Locate(text, c.field), fmt.Errorf("%.20q: want %.20q, %s, or a file that does not exist", c.then, c.now, c.want))
		}
	}
	old.path = path
	return old, nil
}

// runAll simulates the variants of s that are not kept yet.
func (k *Kept) runAll(s *Scenario, stderr io.Writer) ([]*Result, error) {
	if n := len(k.Results); n > 0 {
		fmt.Fprintf(stderr, "%s: %d of %d variants are there\n", k.path, n, len(s.Variants))
	}
	var writing sync.Mutex
	var jobs []progress.Job[*Result]
	for _, v := range s.Variants {
		run := func() (*Result, error) {
			r, err := s.Run(v)
			if err != nil || k.path == "" {
				return r, err
			}
			writing.Lock()
			defer writing.Unlock()
			k.Results = append(k.Results, r)
			return r, k.save(s)
		}
		if r := k.find(v.Name); r != nil {
			run = func() (*Result, error) { return r, nil }
		}
		jobs = append(jobs, progress.Job[*Result]{Name: v.Name, Run: run})
	}
	return progress.Parallel(stderr, jobs)
}

// find returns the result of a variant, or nil.
func (k *Kept) find(variant string) *Result {
	if i := slices.IndexFunc(k.Results, func(r *Result) bool { return r.Variant == variant }); i >= 0 {
		return k.Results[i]
	}
	return nil
}

// save writes the file. Its results are in the order of the variants of s, so that the bytes do
// not depend on which of them was finished first.
func (k *Kept) save(s *Scenario) error {
	at := func(r *Result) int {
		return slices.IndexFunc(s.Variants, func(v Variant) bool { return v.Name == r.Variant })
	}
	slices.SortFunc(k.Results, func(a, b *Result) int { return at(a) - at(b) })
	return harness.WriteFile(k.path, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", " ")
		return enc.Encode(k)
	})
}

// thisProgram returns the SHA-256 of the program that runs. A commit would not do: two programs
// with changes that are not committed have the same.
func thisProgram() (string, error) {
	file, err := os.Executable()
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sha256.Sum256(data)), nil
}
