package main

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
)

// A shard is one of the equal parts that a sweep is cut into, for as many machines or
// processes: "2/8" is the second of eight. "experiments merge" puts them together. The
// zero shard is all of it.
type shard struct{ number, of int }

func (s *shard) String() string {
	if s.of == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.number, s.of)
}

func (s *shard) Type() string { return "I/N" }

// shardForm says what a shard looks like.
const shardForm = "part I of N, as in 2/8, with I from 1 to N"

func (s *shard) Set(text string) error {
	var got shard
	if n, err := fmt.Sscanf(text, "%d/%d", &got.number, &got.of); n != 2 || err != nil || got.number < 1 || got.number > got.of || got.String() != text {
		return errors.New("want " + shardForm)
	}
	*s = got
	return nil
}

// has reports whether item i, from 0, belongs to the shard.
func (s *shard) has(i int) bool { return s.of == 0 || i%s.of == s.number-1 }

// shardFlag adds --shard to a command whose results can be merged.
func shardFlag(fs *pflag.FlagSet, s *shard, what string) {
	fs.Var(s, "shard", "only part I of N of "+what+", as in 2/8; merge puts the parts together: `I/N`")
}
