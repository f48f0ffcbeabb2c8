package harness

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"numasched/topology"
)

// Simulated runs are exact: a cell is run once, and every later run gives the same
// bytes. So their results.txt marks its units assume=exact, and it says nothing
// about the computer and the day. That is in run.json.

// SimulatedTopology describes the machine that a preset simulates. The preset's
// name becomes the label in benchmark names. Assumed lists the constants that
// nobody has measured.
func SimulatedTopology(preset string, t *topology.Topology, assumed []string) TopoMeta {
	m := describeTopology(t)
	m.Label, m.Pretended, m.Assumed = preset, false, assumed
	return m
}

// ResultsText returns the results.txt of a simulated run.
func ResultsText(meta *Meta, ms []Measurement) []byte {
	var topos []string
	for _, t := range meta.Topologies {
		topos = append(topos, t.Label+" "+t.Origin)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "place: %s\ntopology: %s\nseed: %d\n", meta.Place, strings.Join(topos, ", "), meta.Plan.Seed)
	var seen []string
	for i := range ms {
		for _, v := range ms[i].Values {
			if !slices.Contains(seen, v.Unit) {
				seen = append(seen, v.Unit)
				b.WriteString(unitLine(v.Unit, ms[i].Unit(), " assume=exact"))
			}
		}
	}
	b.WriteByte('\n')
	for i := range ms {
		b.Write(line(&ms[i]))
	}
	return b.Bytes()
}

// WriteSimulated writes the files of a simulated run that began then. If it fails it
// leaves none behind.
func WriteSimulated(dir string, meta *Meta, ms []Measurement, began time.Time) error {
	meta.Done, meta.Planned = len(ms), len(meta.Plan.Cells)
	meta.Sessions = []Session{{Start: began.UTC().Truncate(time.Second), End: now(), Done: len(ms)}}
	err := WriteFile(filepath.Join(dir, ResultsFile), func(w io.Writer) error {
		_, err := w.Write(ResultsText(meta, ms))
		return err
	})
	if err != nil {
		return err
	}
	if err = errors.Join(writeHistograms(dir, ms), meta.save(dir)); err != nil {
		os.Remove(filepath.Join(dir, ResultsFile))
		os.Remove(filepath.Join(dir, HistogramsFile))
	}
	return err
}
