package harness

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Columns is how wide printed text is at most, words longer than that left aside.
const Columns = 100

// Count is a number with the noun, or the noun and verb, that belongs to it:
// "1 node", "2 nodes"; "1 cell falls", "2 cells fall".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Wrap breaks text into lines of at most Columns columns. All but the first begin
// with indent.
func Wrap(text, indent string) string {
	var b strings.Builder
	at := 0
	for i, word := range strings.Split(text, " ") {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case at+1+n <= Columns:
			b.WriteByte(' ')
			at++
		default:
			b.WriteString("\n" + indent)
			at = len(indent)
		}
		b.WriteString(word)
		at += n
	}
	return b.String()
}

// A Table is rows of text under heads, for a terminal, a page and a paper alike.
type Table struct {
	Title string // "fib · n=27 · P=2 · 1n1l2c1t"
	Head  []string
	Rows  [][]string

	// Break is the column at which a second block begins where the table is wider
	// than Columns. 0 means wherever the first is full.
	Break int
}

// Print writes t with aligned columns: text to the left, numbers to the right. A
// table that is too wide is continued below, each line with its first cell again.
func (t *Table) Print(w io.Writer) {
	width := make([]int, len(t.Head))
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		for i, s := range row {
			width[i] = max(width[i], utf8.RuneCountInString(s))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", t.Title)
	for _, block := range t.blocks(width) {
		for _, row := range append([][]string{t.Head}, t.Rows...) {
			line := "  " + row[0] + strings.Repeat(" ", width[0]-utf8.RuneCountInString(row[0]))
			for i := block.from; i < block.to; i++ {
				line += strings.Repeat(" ", 2+width[i]-utf8.RuneCountInString(row[i])) + row[i]
			}
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
	io.WriteString(w, b.String())
}

// A span is the columns of a block beside the first, which all blocks have.
type span struct{ from, to int }

// blocks divides columns of these widths into blocks that are narrow enough.
func (t *Table) blocks(width []int) (bs []span) {
	fill := func(from, to int) (bs []span) {
		at := 2 + width[0]
		for i := from; i < to; i++ {
			if at+2+width[i] > Columns && i > from {
				bs = append(bs, span{from, i})
				from, at = i, 2+width[0]
			}
			at += 2 + width[i]
		}
		return append(bs, span{from, to})
	}
	bs = fill(1, len(width))
	if len(bs) > 1 && t.Break > 0 {
		return append(fill(1, t.Break), fill(t.Break, len(width))...)
	}
	return bs
}

// TeX writes t as a LaTeX tabular under its title, with nothing that plain
// LaTeX lacks.
func (t *Table) TeX(w io.Writer) {
	row := func(cells []string) string {
		var escaped []string
		for _, c := range cells {
			escaped = append(escaped, escapeTeX(c))
		}
		return strings.Join(escaped, " & ") + " \\\\\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\\noindent\\textbf{%s}\\\\[2pt]\n\\begin{tabular}{l%s}\n\\hline\n", escapeTeX(t.Title), strings.Repeat("r", len(t.Head)-1))
	b.WriteString(row(t.Head) + "\\hline\n")
	for _, r := range t.Rows {
		b.WriteString(row(r))
	}
	b.WriteString("\\hline\n\\end{tabular}\n\n\\medskip\n")
	io.WriteString(w, b.String())
}

func escapeTeX(s string) string {
	return strings.NewReplacer(`\`, `\textbackslash{}`, "%", `\%`, "_", `\_`, "&", `\&`, "#", `\#`, "$", `\$`, "{", `\{`, "}", `\}`,
		"<", "$<$", ">", "$>$", " .. ", "--", "..", "--", "·", `$\cdot$`, "±", `$\pm$`, "µ", `$\mu$`).Replace(s)
}
