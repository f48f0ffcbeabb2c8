package harness

import (
	"errors"
	"io"
	"io/fs"

	"numasched/experiments/workload"
	"numasched/sched"
	"numasched/sched/trace"
)

// A FileError says that a file could not be written, and not that what was to be in it failed.
type FileError struct{ Err error }

// Error returns the text of the cause.
func (e *FileError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

// RecordFile is [Record] into a file. The file is made first: if it cannot be, that is known before
// a long run, and the error is a [FileError]. A file that was there stays until the new one is
// whole.
func RecordFile(path string, r *trace.Recorder, in *workload.Instance, cfg sched.Config, seed uint64) error {
	var failed error
	err := WriteFile(path, func(w io.Writer) error {
		failed = Record(w, r, in, cfg, seed)
		return failed
	})
	if err == nil || failed != nil && !errors.As(failed, new(*fs.PathError)) {
		return err
	}
	return &FileError{err}
}

// Record runs in once, as cfg says, and writes what r has kept of it, after a check, for
// ui.perfetto.dev.
func Record(w io.Writer, r *trace.Recorder, in *workload.Instance, cfg sched.Config, seed uint64) error {
	cfg.Events = r.Sink
	of, err := Measure(in, cfg, Repetition{Runs: 1, Seed: seed}, nil)
	if err == nil {
		err = r.Validate()
	}
	if err != nil {
		return err
	}
	return r.WriteChrome(w, of.Sched)
}
