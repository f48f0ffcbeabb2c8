package harness

import (
	"errors"
	"fmt"
)

// A Shard is one of the equal parts that a sweep is cut into, for as many machines or
// processes: "2/8" is the second of eight. "experiments merge" puts them together. The
// zero shard is all of it.
type Shard struct{ Number, Of int }

// String returns the shard as Set reads it, or "" for the zero shard.
func (s *Shard) String() string {
	if s.Of == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.Number, s.Of)
}

// Type says what a shard looks like.
func (s *Shard) Type() string { return "I/N" }

// ShardForm says in words what a shard looks like.
const ShardForm = "part I of N, as in 2/8, with I from 1 to N"

// Set reads a shard.
func (s *Shard) Set(text string) error {
	var got Shard
	if n, err := fmt.Sscanf(text, "%d/%d", &got.Number, &got.Of); n != 2 || err != nil || got.Number < 1 || got.Number > got.Of || got.String() != text {
		return errors.New("want " + ShardForm)
	}
	*s = got
	return nil
}

// Has reports whether item i, from 0, belongs to the shard.
func (s *Shard) Has(i int) bool { return s.Of == 0 || i%s.Of == s.Number-1 }
