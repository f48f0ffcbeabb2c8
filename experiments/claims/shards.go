package claims

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"numasched/experiments/harness"
	"numasched/experiments/usage"
)

// Shards returns the command of which all are the shards, as if it had written into
// the directory out, and the text of its claims.txt. It puts all into the order of the shards. If none has
// claims, it returns nil.
func Shards(all []*harness.Results, out string) (command []string, text []byte, err error) {
	has := func(r *harness.Results) bool {
		_, err := os.Stat(filepath.Join(r.Dir, File))
		return !errors.Is(err, fs.ErrNotExist)
	}
	if !slices.ContainsFunc(all, has) {
		return nil, nil, nil
	}
	var of usage.Shard
	number := map[*harness.Results]int{}
	for _, r := range all {
		if !has(r) {
			return nil, nil, usage.Errorf("%s has no %s: a claim table is merged from the shards of one command, and nothing else", r.Dir, File)
		}
		whole, own, err := wholeCommand(r.Meta.Command, out)
		if err != nil {
			return nil, nil, usage.Errorf("the command in %s: %w", filepath.Join(r.Dir, harness.MetaFile), err)
		}
		if own.Of == 0 {
			return nil, nil, usage.Errorf("%s is no shard of a claim table: want the results of \"experiments sim --claims --shard I/N\"", r.Dir)
		}
		if command == nil {
			command, of = whole, own
		}
		if !slices.Equal(whole, command) || own.Of != of.Of {
			return nil, nil, usage.Errorf("%s is of another command than %s: want the shards of one", r.Dir, all[0].Dir)
		}
		number[r] = own.Number
	}
	slices.SortStableFunc(all, func(a, b *harness.Results) int { return number[a] - number[b] })
	for i := range max(len(all), of.Of) {
		if i > 0 && i < len(all) && number[all[i]] == number[all[i-1]] {
			return nil, nil, usage.Errorf("%s and %s are the same shard, --shard %d/%d: want each once", all[i-1].Dir, all[i].Dir, i, of.Of)
		}
		if i >= len(all) || number[all[i]] != i+1 {
			return nil, nil, usage.Errorf("--shard %d/%d is missing: a claim table needs all of them", i+1, of.Of)
		}
	}
	var pieces []Block
	for _, r := range all {
		blocks, err := ReadPieces(r.Dir)
		if err != nil {
			return nil, nil, usage.Errorf("%w", err)
		}
		pieces = append(pieces, blocks...)
	}
	blocks, err := Join(pieces)
	if err != nil {
		return nil, nil, usage.Errorf("%w", err)
	}
	return command, Text(command, blocks), nil
}

// wholeCommand returns the command that does without shards what a shard's command does a
// part of, with its results in out, and which shard that is.
func wholeCommand(part []string, out string) (whole []string, own usage.Shard, err error) {
	for i := 0; i < len(part); i++ {
		name, value, joined := strings.Cut(part[i], "=")
		if name != "--shard" && name != "--out" {
			whole = append(whole, part[i])
			continue
		}
		if !joined && i+1 < len(part) {
			i++
			value = part[i]
		}
		if name == "--out" {
			whole = append(whole, "--out", out)
		} else if err := own.Set(value); err != nil {
			return nil, own, fmt.Errorf("--shard %q: %w", value, err)
		}
	}
	return whole, own, nil
}
