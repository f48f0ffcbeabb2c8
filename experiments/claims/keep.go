package claims

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
	"slices"
	"time"

	"numasched/experiments/harness"
	"numasched/experiments/simulated"
)

// text returns what the file has at the end of a run: the pieces of a shard, or else whole
// blocks.
func (p *Plan) text(command []string, pieces []Block) ([]byte, error) {
	if p.shard[1] == 0 {
		var err error
		if pieces, err = Join(pieces); err != nil {
			return nil, err
		}
	}
	return Text(command, pieces), nil
}

// Keep simulates the plan's pieces and keeps each in the file at path as soon as it is
// finished. Those that the same command has kept there before are left out. At the end the
// file is what one run writes that was never cut off. Keep returns how many pieces there are.
// The error is a [harness.DirError] if the file is not the command's.
func (p *Plan) Keep(ctx context.Context, path string, command []string, stderr io.Writer) (pieces int, err error) {
	have, err := unfinished(path, command)
	if err != nil {
		return 0, &harness.DirError{Err: err}
	}
	write := func(text []byte) error {
		return harness.WriteFile(path, func(w io.Writer) error { _, err := w.Write(text); return err })
	}
	if len(have) > 0 {
		fmt.Fprintf(stderr, "%s: %d of %d pieces are there\n", path, len(have), p.Pieces())
	}
	err = p.Run(ctx, slices.Clone(have), stderr, func(b Block) error {
		have = append(have, b)
		return write(Text(command, have))
	})
	if err != nil || ctx.Err() != nil {
		return len(have), err
	}
	text, err := p.text(command, have)
	if err == nil {
		err = write(text)
	}
	return len(have), err
}

// Into simulates what a claim table needs into dir: the pieces, and then the results of
// [Plan.Sweep]. It goes on where the same command was cut off. An error about dir itself,
// before anything runs, is a [harness.DirError].
func (p *Plan) Into(ctx context.Context, dir string, command []string, stderr io.Writer) (*harness.Meta, []*simulated.Run, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, nil, &harness.DirError{Err: err}
	}
	lock, err := harness.LockDir(dir)
	if err != nil {
		return nil, nil, &harness.DirError{Err: err}
	}
	defer lock.Unlock()
	if _, err := os.Stat(filepath.Join(dir, harness.MetaFile)); !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, &harness.DirError{Err: errors.New("it exists: want a folder that does not, or one with a claim table that is not finished")}
	}
	path := filepath.Join(dir, File)
	began := time.Now()
	have, err := p.Keep(ctx, path, command, stderr)
	var runs []*simulated.Run
	sw := p.Sweep()
	if err == nil {
		runs, err = sw.Run(ctx, stderr)
	}
	if ctx.Err() != nil && !errors.As(err, new(*harness.DirError)) {
		err = fmt.Errorf("%w: %d of %d pieces are kept in %s; the same command goes on with the rest", harness.ErrInterrupted, have, p.Pieces(), path)
	}
	if err != nil {
		return nil, nil, err
	}
	meta, err := sw.Keep(runs, dir, command, began)
	return meta, runs, err
}

// unfinished returns the pieces in a file that the command began, or none if there is no file.
func unfinished(path string, command []string) ([]Block, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if head := Text(command, nil); err == nil && !bytes.HasPrefix(data, head) {
		err = fmt.Errorf("%s is of another command: want one that begins with %q", path, bytes.TrimSpace(head))
	}
	if err != nil {
		return nil, err
	}
	return ReadPieces(filepath.Dir(path))
}

// Again simulates the plan once more and compares with the files in dir, which the command
// wrote, byte for byte.
func (p *Plan) Again(dir string, command []string, stdout, stderr io.Writer) error {
	path := filepath.Join(dir, File)
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var pieces []Block
	if err := p.Run(context.Background(), nil, stderr, func(b Block) error { pieces = append(pieces, b); return nil }); err != nil {
		return err
	}
	text, err := p.text(command, pieces)
	if err != nil {
		return err
	}
	if err := simulated.Compare(stdout, path, old, text); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s: reproduced bit for bit: %s, %d bytes, on %s/%s\n", path, harness.Count(p.Pieces(), "piece", "pieces"), len(old), runtime.GOOS, runtime.GOARCH)
	return p.Sweep().Again(dir, stdout, stderr)
}
