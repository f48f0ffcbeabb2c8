package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"numasched/experiments/claims"
	"numasched/experiments/harness"
)

// shardsOfClaims returns the command of which all are the shards, as if it had written into
// out, and the text of its claims.txt. It puts all into the order of the shards. If none has
// claims, it returns nil.
func shardsOfClaims(all []*harness.Results, out string) (command []string, text []byte, err error) {
	has := func(r *harness.Results) bool {
		_, err := os.Stat(filepath.Join(r.Dir, claims.File))
		return !errors.Is(err, fs.ErrNotExist)
	}
	if !slices.ContainsFunc(all, has) {
		return nil, nil, nil
	}
	var of shard
	number := map[*harness.Results]int{}
	for _, r := range all {
		if !has(r) {
			return nil, nil, usagef("%s has no %s: a claim table is merged from the shards of one command, and nothing else", r.Dir, claims.File)
		}
		var f simFlags
		if args := r.Meta.Command; len(args) > 2 && args[1] == "sim" {
			if err := f.parse(args[2:]); err != nil {
				return nil, nil, usagef("the command in %s: %w", filepath.Join(r.Dir, harness.MetaFile), err)
			}
		}
		if f.shard.of == 0 {
			return nil, nil, usagef("%s is no shard of a claim table: want the results of \"experiments sim --claims --shard I/N\"", r.Dir)
		}
		whole := wholeCommand(r.Meta.Command, out)
		if command == nil {
			command, of = whole, f.shard
		}
		if !slices.Equal(whole, command) || f.shard.of != of.of {
			return nil, nil, usagef("%s is of another command than %s: want the shards of one", r.Dir, all[0].Dir)
		}
		number[r] = f.shard.number
	}
	slices.SortStableFunc(all, func(a, b *harness.Results) int { return number[a] - number[b] })
	for i := range max(len(all), of.of) {
		if i > 0 && i < len(all) && number[all[i]] == number[all[i-1]] {
			return nil, nil, usagef("%s and %s are the same shard, --shard %d/%d: want each once", all[i-1].Dir, all[i].Dir, i, of.of)
		}
		if i >= len(all) || number[all[i]] != i+1 {
			return nil, nil, usagef("--shard %d/%d is missing: a claim table needs all of them", i+1, of.of)
		}
	}
	var pieces []claims.Block
	for _, r := range all {
		own, err := claims.ReadPieces(r.Dir)
		if err != nil {
			return nil, nil, usageError{err}
		}
		pieces = append(pieces, own...)
	}
	blocks, err := claims.Join(pieces)
	if err != nil {
		return nil, nil, usageError{err}
	}
	return command, claims.Text(command, blocks), nil
}

// wholeCommand returns the command that does without shards what a shard's command does a
// part of, with its results in out.
func wholeCommand(shard []string, out string) (whole []string) {
	for i := 0; i < len(shard); i++ {
		name, _, joined := strings.Cut(shard[i], "=")
		switch {
		case name == "--shard" && joined:
		case name == "--shard":
			i++
		case name == "--out":
			if !joined {
				i++
			}
			whole = append(whole, "--out", out)
		default:
			whole = append(whole, shard[i])
		}
	}
	return whole
}

// mergeDirs puts runs together in the new directory out. The shards of a claim table make
// that table, as one run would have.
func mergeDirs(all []*harness.Results, out, baseline string) (*harness.Results, error) {
	command, text, err := shardsOfClaims(all, out)
	if err != nil {
		return nil, err
	}
	merged, err := harness.Merge(all...)
	if err != nil {
		return nil, usageError{err}
	}
	if err := setBaseline(merged, baseline); err != nil {
		return nil, err
	}
	if command != nil {
		merged.Meta.Command = command
	}
	if err := merged.Write(out); err != nil {
		if errors.As(err, new(*harness.DirError)) {
			return nil, dirError(out, err)
		}
		return nil, fmt.Errorf("--out %s: %w", out, err)
	}
	if command != nil {
		err = harness.WriteFile(filepath.Join(out, claims.File), func(w io.Writer) error { _, err := w.Write(text); return err })
	}
	return merged, err
}
