package claims

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"numasched/experiments/harness"
)

// A Reader reads the command that a result directory keeps. It returns which shard of a
// claim table the command writes, and the command that writes the whole table into out. For
// a command that writes no such shard, own is the zero shard. The error says why there can be
// no such command.
type Reader func(command []string, out string) (whole []string, own harness.Shard, err error)

// Shards puts the results of the shards of one claim table into the order of the shards. It
// returns the command that writes the whole table into the directory out, and the text of its
// claims.txt. If none of the results has claims, it returns nil.
func Shards(all []*harness.Results, out string, read Reader) (command []string, text []byte, err error) {
	has := func(r *harness.Results) bool {
		_, err := os.Stat(filepath.Join(r.Dir, File))
		return !errors.Is(err, fs.ErrNotExist)
	}
	if !slices.ContainsFunc(all, has) {
		return nil, nil, nil
	}
	var of harness.Shard
	number := map[*harness.Results]int{}
	for _, r := range all {
		if !has(r) {
			return nil, nil, fmt.Errorf("%s has no %s: a claim table is merged from the shards of one command, and nothing else", r.Dir, File)
		}
		whole, own, err := read(r.Meta.Command, out)
		if err != nil {
			return nil, nil, fmt.Errorf("the command in %s: %w", filepath.Join(r.Dir, harness.MetaFile), err)
		}
		if own.Of == 0 {
			return nil, nil, fmt.Errorf("%s is no shard of a claim table: want results that were simulated in shards, for claims", r.Dir)
		}
		if command == nil {
			command, of = whole, own
		}
		if !slices.Equal(whole, command) || own.Of != of.Of {
			return nil, nil, fmt.Errorf("%s is of another command than %s: want the shards of one", r.Dir, all[0].Dir)
		}
		number[r] = own.Number
	}
	slices.SortStableFunc(all, func(a, b *harness.Results) int { return number[a] - number[b] })
	for i := range max(len(all), of.Of) {
		if i > 0 && i < len(all) && number[all[i]] == number[all[i-1]] {
			return nil, nil, fmt.Errorf("%s and %s are the same shard, %d/%d: want each once", all[i-1].Dir, all[i].Dir, i, of.Of)
		}
		if i >= len(all) || number[all[i]] != i+1 {
			return nil, nil, fmt.Errorf("shard %d/%d is missing: a claim table needs all of them", i+1, of.Of)
		}
	}
	var pieces []Block
	for _, r := range all {
		blocks, err := ReadPieces(r.Dir)
		if err != nil {
			return nil, nil, err
		}
		pieces = append(pieces, blocks...)
	}
	blocks, err := Join(pieces)
	if err != nil {
		return nil, nil, err
	}
	return command, Text(command, blocks), nil
}

// A Merged is several results as one, and the claim table that their shards make, if any.
type Merged struct {
	*harness.Results
	text []byte
}

// Merge puts runs together for the directory out. The shards of a claim table make that
// table, as one run would have.
func Merge(all []*harness.Results, out string, read Reader) (*Merged, error) {
	command, text, err := Shards(all, out, read)
	if err != nil {
		return nil, err
	}
	merged, err := harness.Merge(all...)
	if err != nil {
		return nil, err
	}
	if command != nil {
		merged.Meta.Command = command
	}
	return &Merged{merged, text}, nil
}

// Write makes the directory out of what was merged.
func (m *Merged) Write(out string) error {
	if err := m.Results.Write(out); err != nil || m.text == nil {
		return err
	}
	return harness.WriteFile(filepath.Join(out, File), func(w io.Writer) error { _, err := w.Write(m.text); return err })
}
