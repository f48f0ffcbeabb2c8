package main

import "io"

// An output is the standard output of a command. It remembers the first error,
// so that no command has to check each of its writes: dispatch looks at the end.
type output struct {
	w   io.Writer
	err error
}

// An outputError is what a command gets back from a write that failed. The
// command may return it or not: dispatch reports it once in both cases.
type outputError struct{ error }

func (e outputError) Unwrap() error { return e.error }

// Write writes p, unless an earlier write failed.
func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	if err != nil {
		o.err = outputError{err}
	}
	return n, o.err
}
