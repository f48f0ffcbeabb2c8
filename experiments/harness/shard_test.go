package harness

import "testing"

// A shard is written in one way only. It has every item that no other shard has.
func TestShards(t *testing.T) {
	for _, text := range []string{"", "1", "0/2", "3/2", "1/0", "1/2x", "+1/2", "-1/2"} {
		if err := new(Shard).Set(text); err == nil {
			t.Errorf("%q is a shard", text)
		}
	}
	for item := range 7 {
		in := 0
		for _, text := range []string{"1/3", "2/3", "3/3"} {
			var s Shard
			if err := s.Set(text); err != nil || s.String() != text {
				t.Fatalf("%s is read as %s, %v", text, &s, err)
			}
			if s.Has(item) {
				in++
			}
		}
		if in != 1 || !new(Shard).Has(item) {
			t.Errorf("item %d is in %d of 3 shards, and in the whole: %v", item, in, new(Shard).Has(item))
		}
	}
}
