package claims

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"numasched/experiments/harness"
)

// File is the name of the file that holds what a claim table is computed from, beside
// results.txt:
//
//	# experiments sim --claims --out results/mine
//
//	block Triad/arm=numa/topo=snb-4s-ring/P=64/n=6553600 ns/chunk
//	arms numa flat static
//	seed=1 312.4 640.11 315.02
//	links*0.7 = 705.2 =
//	draw=1 330.9 655.3 331
//
// A line is a variant and what each arm takes in it: time for a unit of work, or a latency.
// "=" is what the first line has, "-" was not run. Blocks end with an empty line. One that
// does not is not finished.
//
// What a shard writes, and what is not complete yet, has pieces of blocks (piece.go):
//
//	block Triad/arm=numa/topo=snb-4s-ring/P=64/n=6553600 ns/chunk 2/6
const File = "claims.txt"

// A Block is one machine and workload under all variants.
type Block struct {
	harness.Cell           // without an arm
	Piece, Pieces int      // which of how many pieces it is; 0 of 0 is the whole
	Unit          string   // of values: "ns/chunk", "p99-ns"
	Arms          []string // numa is the first
	Rows          []Row    // the first is the machine as it is, with the first seed
}

// A Row is what each arm took under a variant. A value of 0 was not run.
type Row struct {
	Variant string
	Values  []float64
	kind    Kind
}

// rounded returns v as the file has it.
func rounded(v float64) float64 {
	if v == 0 {
		return 0
	}
	r, err := strconv.ParseFloat(format(v), 64)
	if err != nil {
		panic(err) // what strconv wrote
	}
	return r
}

func format(v float64) string { return strconv.FormatFloat(v, 'g', 5, 64) }

// Text returns a block as the file has it.
func (b *Block) Text() []byte {
	var out bytes.Buffer
	cell := b.Cell
	cell.Arm = subject
	fmt.Fprintf(&out, "block %s %s", cell.Name(), b.Unit)
	if b.Pieces > 0 {
		fmt.Fprintf(&out, " %d/%d", b.Piece, b.Pieces)
	}
	fmt.Fprintf(&out, "\narms %s\n", strings.Join(b.Arms, " "))
	for i, row := range b.Rows {
		out.WriteString(row.Variant)
		for j, v := range row.Values {
			switch {
			case v == 0:
				out.WriteString(" -")
			case i > 0 && v == b.Rows[0].Values[j]:
				out.WriteString(" =")
			default:
				out.WriteString(" " + format(v))
			}
		}
		out.WriteByte('\n')
	}
	out.WriteByte('\n')
	return out.Bytes()
}

// Text returns the file that a command writes.
func Text(command []string, blocks []Block) []byte {
	out := []byte("# " + strings.Join(command, " ") + "\n\n")
	for i := range blocks {
		out = append(out, blocks[i].Text()...)
	}
	return out
}

// Read reads the whole blocks of the file in dir. A file of pieces is an error. An error
// names the line.
func Read(dir string) ([]Block, error) {
	blocks, err := ReadPieces(dir)
	if err == nil && slices.ContainsFunc(blocks, func(b Block) bool { return b.Pieces > 0 }) {
		return nil, fmt.Errorf("%s has a part of one: \"experiments merge\" makes it of all shards", filepath.Join(dir, File))
	}
	return blocks, err
}

// ReadPieces reads the finished blocks and pieces of the file in dir.
func ReadPieces(dir string) ([]Block, error) {
	path := filepath.Join(dir, File)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	blocks, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	return blocks, nil
}

// parse reads a file. An error begins with the number of a line and a column.
func parse(data []byte) (blocks []Block, err error) {
	var b *Block
	in := bufio.NewScanner(bytes.NewReader(data))
	in.Buffer(nil, 1<<20)
	for n := 1; in.Scan(); n++ {
		bad := func(field int, format string, args ...any) error {
			return fmt.Errorf("%d:%d: %w", n, harness.Column(in.Text(), field), fmt.Errorf(format, args...))
		}
		f := strings.Fields(in.Text())
		switch {
		case len(f) > 0 && f[0] == "#":
		case len(f) == 0:
			if b != nil {
				if len(b.Rows) == 0 {
					return nil, bad(0, "a block without a line: want at least that of seed=1")
				}
				blocks = append(blocks, *b)
			}
			b = nil
		case f[0] == "block":
			if b != nil || len(f) != 3 && len(f) != 4 {
				return nil, bad(0, "%q: want block NAME UNIT after an empty line", in.Text())
			}
			cell, err := harness.ParseName(f[1])
			if err != nil {
				return nil, bad(1, "%w", err)
			}
			cell.Arm = ""
			b = &Block{Cell: cell, Unit: f[2]}
			if len(f) == 4 {
				_, err := fmt.Sscanf(f[3], "%d/%d", &b.Piece, &b.Pieces)
				if err != nil || b.Piece < 1 || b.Piece > b.Pieces || f[3] != fmt.Sprintf("%d/%d", b.Piece, b.Pieces) {
					return nil, bad(3, "%q: want a piece as in 2/6", f[3])
				}
			}
		case b == nil:
			return nil, bad(0, "%q: want a block", in.Text())
		case f[0] == "arms":
			if b.Arms != nil || len(f) < 2 || f[1] != subject {
				return nil, bad(0, "%q: want the arms of the block, %s first", in.Text(), subject)
			}
			b.Arms = f[1:]
		case b.Arms == nil:
			return nil, bad(0, "%q: want the arms of the block first", in.Text())
		default:
			row := Row{Variant: f[0]}
			if row.kind, err = kindOf(f[0]); err != nil {
				return nil, bad(0, "%w", err)
			}
			if len(f)-1 != len(b.Arms) {
				return nil, bad(min(len(f), 1+len(b.Arms)), "%d values: want one for each of %d arms", len(f)-1, len(b.Arms))
			}
			if len(b.Rows) == 0 && row.kind != Seed {
				return nil, bad(0, "%s: want seed=1 first", f[0])
			}
			for i, text := range f[1:] {
				v := 0.0
				switch {
				case text == "-" && i > 0 && (len(b.Rows) > 0 || b.Piece > 1):
				case text == "=" && len(b.Rows) > 0:
					v = b.Rows[0].Values[i]
				default:
					if v, err = strconv.ParseFloat(text, 64); err != nil || !(v > 0) || math.IsInf(v, 0) {
						return nil, bad(1+i, "%q: want a number above 0, = or -; %s and the first line need a number", text, subject)
					}
				}
				row.Values = append(row.Values, v)
			}
			b.Rows = append(b.Rows, row)
		}
	}
	return blocks, in.Err()
}

// arm returns the place of an arm in rows, or -1.
func (b *Block) arm(name string) int { return slices.Index(b.Arms, name) }
