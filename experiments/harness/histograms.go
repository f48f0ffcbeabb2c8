package harness

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"numasched/experiments/histogram"
)

// Beside results.txt may lie histograms.txt. It has a line for each histogram of each
// repetition:
//
//	Kvserve/arm=numa/topo=2n1l4c2t/P=8 3 latency-ns 1023:12 1039:3
//
// That is the name in results.txt, which line of that name it belongs to (from 1), what was
// counted, and times with how many there were of each. Times are rounded up: by at most a
// sixty-fourth, and in simulated wake-ups by at most an eighth. A line is written before the one in results.txt. So a process that is
// killed in between leaves one too many: it is ignored, and if the run is resumed, the
// later one counts.

// HistogramsFile is the name of the file with the histograms of a run, which not every run
// has.
const HistogramsFile = "histograms.txt"

// What is counted in histograms.
const (
	Latency = "latency-ns" // of requests, from the time at which they should have arrived
	Start   = "start-ns"   // from what wakes a G until it runs: the arrival of a request, the end of a sleep
	Wake    = "wake-ns"    // from a wake-up to the thread's first step
)

// A Histogram is how often a repetition, or several of them, had which times.
type Histogram struct {
	Unit string
	*histogram.Histogram
}

// histogramOf returns the one of hs in that unit, or nil.
func histogramOf(hs []Histogram, unit string) *histogram.Histogram {
	for _, h := range hs {
		if h.Unit == unit {
			return h.Histogram
		}
	}
	return nil
}

// histogramLines returns the lines of the repetition of m with that number.
func histogramLines(m *Measurement, number int) (text []byte) {
	for _, h := range m.Histograms {
		text = fmt.Appendf(text, "%s %d %s %v\n", m.Name(), number, h.Unit, h.Histogram)
	}
	return text
}

// HistogramsText returns the histograms.txt of all measurements, or nothing if none has
// histograms.
func HistogramsText(ms []Measurement) (text []byte) {
	number := map[Cell]int{}
	for i := range ms {
		number[ms[i].Cell]++
		text = append(text, histogramLines(&ms[i], number[ms[i].Cell])...)
	}
	return text
}

// writeHistograms writes the file into dir, if there is anything for it.
func writeHistograms(dir string, ms []Measurement) error {
	text := HistogramsText(ms)
	if text == nil {
		return nil
	}
	return WriteFile(filepath.Join(dir, HistogramsFile), func(w io.Writer) error { _, err := w.Write(text); return err })
}

// addHistograms adds lines to the file in dir.
func addHistograms(dir string, lines []byte) error {
	if lines == nil {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(dir, HistogramsFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(lines)
	return errors.Join(err, f.Close())
}

// loadHistograms gives ms the histograms of the file in dir, if there is one. The end of a
// line that was cut off is ignored.
func loadHistograms(dir string, ms []Measurement) error {
	path := filepath.Join(dir, HistogramsFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	repetitions := map[Cell][]*Measurement{}
	for i := range ms {
		repetitions[ms[i].Cell] = append(repetitions[ms[i].Cell], &ms[i])
	}
	number := 0
	for line := range bytes.Lines(wholeLines(data)) {
		number++
		if err := readHistogram(string(line), repetitions); err != nil {
			return fmt.Errorf("%s:%d:%d: %w", path, number, Column(string(line), err.field), err)
		}
	}
	return nil
}

func readHistogram(line string, repetitions map[Cell][]*Measurement) *rowError {
	parts := strings.Fields(line)
	if len(parts) < 4 {
		return &rowError{len(parts), fmt.Errorf("%.60q: want a name, the number of a repetition, a unit, and times", strings.TrimSpace(line))}
	}
	cell, err := ParseName(parts[0])
	if err != nil {
		return &rowError{0, err}
	}
	of := repetitions[cell]
	n, err := strconv.Atoi(parts[1])
	if err != nil || n < 1 || n > len(of)+1 {
		return &rowError{1, fmt.Errorf("repetition %q: want 1 to %d, as %s has them", parts[1], len(of), ResultsFile)}
	}
	h, bad, err := histogram.Parse(parts[3:])
	if err != nil {
		return &rowError{3 + bad, err}
	}
	if n > len(of) {
		return nil // its measurement was not written any more
	}
	m := of[n-1]
	m.Histograms = slices.DeleteFunc(m.Histograms, func(o Histogram) bool { return o.Unit == parts[2] })
	m.Histograms = append(m.Histograms, Histogram{parts[2], h})
	return nil
}

// pool adds up the histograms of a cell's repetitions.
func pool(ms []*Measurement) (all []Histogram) {
	for _, m := range ms {
		for _, h := range m.Histograms {
			if histogramOf(all, h.Unit) == nil {
				all = append(all, Histogram{h.Unit, new(histogram.Histogram)})
			}
			histogramOf(all, h.Unit).AddAll(h.Histogram)
		}
	}
	return all
}
