package harness

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCountsHaveTheRightNoun(t *testing.T) {
	for n, want := range map[int]string{0: "0 nodes", 1: "1 node", 2: "2 nodes", 21: "21 nodes"} {
		if got := Count(n, "node", "nodes"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTextIsWrappedBetweenWords(t *testing.T) {
	text := strings.TrimSpace(strings.Repeat("µ-benchmark of scheduling ", 20))
	got := Wrap(text, "  ")
	for i, line := range strings.Split(got, "\n") {
		if n := utf8.RuneCountInString(line); n > Columns || n < Columns/2 || strings.HasPrefix(line, "  ") != (i > 0) {
			t.Errorf("line %d has %d columns: %q", i, n, line)
		}
	}
	if back := strings.Join(strings.Fields(got), " "); back != text {
		t.Errorf("the words are now %q", back)
	}
	if long := strings.Repeat("x", 200); Wrap(long, "  ") != long {
		t.Error("a word is broken")
	}
}

func TestATableThatIsTooWideIsContinuedBelow(t *testing.T) {
	table := Table{Title: "t", Head: []string{"arm"}, Rows: [][]string{{"flat"}, {"numa"}}}
	for range 12 {
		table.Head = append(table.Head, "1234567890")
		table.Rows[0] = append(table.Rows[0], "0")
		table.Rows[1] = append(table.Rows[1], "1")
	}
	for brk, blocks := range map[int][]int{0: {7, 5}, 4: {3, 7, 2}} {
		table.Break = brk
		var b strings.Builder
		table.Print(&b)
		var heads []int
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(line) - 1; n > Columns {
				t.Errorf("%d columns: %q", n, line)
			}
			if strings.HasPrefix(line, "  arm") {
				heads = append(heads, strings.Count(line, "1234567890"))
			}
		}
		if len(heads) != len(blocks) || heads[0] != blocks[0] || heads[1] != blocks[1] {
			t.Errorf("break at %d: blocks of %v columns, want %v:\n%s", brk, heads, blocks, b.String())
		}
		if n := strings.Count(b.String(), "flat"); n != len(blocks) {
			t.Errorf("the first column is there %d times in %d blocks", n, len(blocks))
		}
	}
}
