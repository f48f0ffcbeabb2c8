package simulated

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"numasched/experiments/harness"
)

// Again simulates the sweep once more and compares with the files in dir, byte for byte. It
// prints the lines that differ.
func (sw *Sweep) Again(dir string, stdout, stderr io.Writer) error {
	path := filepath.Join(dir, harness.ResultsFile)
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	runs, err := sw.Run(context.Background(), stderr)
	if err != nil {
		return err
	}
	ms := sw.Measurements(runs)
	again := harness.ResultsText(sw.Meta(nil), ms)
	if err := Compare(stdout, path, old, again); err != nil {
		return err
	}
	// Not every program that wrote results kept histograms.
	histograms := filepath.Join(dir, harness.HistogramsFile)
	if kept, err := os.ReadFile(histograms); err == nil {
		if err := Compare(stdout, histograms, kept, harness.HistogramsText(ms)); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	fmt.Fprintf(stdout, "%s: reproduced bit for bit: %s, %d bytes, on %s/%s\n", path, harness.Count(len(runs), "simulated run", "simulated runs"), len(old), runtime.GOOS, runtime.GOARCH)
	return FailedCheck(runs)
}

// ErrNotReproduced says that results differ from those that are kept. The differences
// have been printed.
var ErrNotReproduced = errors.New("not reproduced")

// differencesShown is how many differing lines of a file are shown.
const differencesShown = 10

// Compare prints the lines in which a file and its reproduction differ. It returns an
// ErrNotReproduced unless every byte is the same.
func Compare(w io.Writer, path string, old, again []byte) error {
	if bytes.Equal(old, again) {
		return nil
	}
	a, b := bytes.SplitAfter(old, []byte("\n")), bytes.SplitAfter(again, []byte("\n"))
	n := 0
	for i := range max(len(a), len(b)) {
		var x, y []byte
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if bytes.Equal(x, y) {
			continue
		}
		if n++; n <= differencesShown {
			fmt.Fprintf(w, "%s:%d:\n  kept: %q\n  now:  %q\n", path, i+1, x, y)
		}
	}
	if n > differencesShown {
		fmt.Fprintf(w, "and %s\n", harness.Count(n-differencesShown, "line more", "lines more"))
	}
	return fmt.Errorf("%w: %s in %s", ErrNotReproduced, harness.Count(n, "line differs", "lines differ"), path)
}
