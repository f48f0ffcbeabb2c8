// Command docs fills in what the documents quote, so that they say what results
// and sources say: numbers and tables from results/, code from tested Examples,
// the module's path from go.mod. In README.md and results/README.md the quoted
// parts are blocks
//
//	<!-- begin claimed: from scripts/docs/blocks/claimed.md -->
//	...
//	<!-- end claimed -->
//
// whose text is a template in the named file. In paper/ it is numbers.tex and
// the tables. Edit the templates, not the blocks, and run
//
//	go run ./scripts/docs          write what has changed
//	go run ./scripts/docs --check  write nothing; exit status 1 if something would change
//
// after a change of results, of an Example or of a template. A test checks it too.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	check := flag.Bool("check", false, "write nothing; exit status 1 if something would change")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "docs: unexpected argument %q\n", flag.Arg(0))
		os.Exit(2)
	}
	changed, err := outdated(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
	for _, name := range names(changed) {
		if *check {
			fmt.Fprintf(os.Stderr, "docs: %s is out of date: run go run ./scripts/docs\n", name)
		} else if err := os.WriteFile(filepath.FromSlash(name), changed[name], 0o666); err != nil {
			fmt.Fprintln(os.Stderr, "docs:", err)
			os.Exit(1)
		} else {
			fmt.Println(name)
		}
	}
	if *check && len(changed) > 0 {
		os.Exit(1)
	}
}

// outdated returns the documents of the module in folder root that are not what
// they should be, as they should be, by their names below root.
func outdated(root string) (map[string][]byte, error) {
	b, err := readBook(root)
	if err != nil {
		return nil, err
	}
	want := map[string][]byte{}
	for _, name := range []string{"README.md", "results/README.md"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return nil, err
		}
		if want[name], err = b.fill(name, text); err != nil {
			return nil, err
		}
	}
	want["paper/numbers.tex"] = b.macros()
	for _, run := range paperTables {
		want["paper/tables-"+run+".tex"] = b.runs[run].tables()
	}
	for name, text := range want {
		if is, err := os.ReadFile(filepath.Join(root, name)); err == nil && bytes.Equal(is, text) {
			delete(want, name)
		}
	}
	return want, nil
}

func names(files map[string][]byte) (list []string) {
	for name := range files {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}
