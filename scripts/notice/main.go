// Command notice writes NOTICE: every module that is linked, with its licence
// and whom it is by. Run it when go.mod has changed:
//
//	go run ./scripts/notice
//
// A test says when NOTICE is out of date. Licences are recognised by
// [licensecheck], which pkg.go.dev uses too; the copyright lines are those of
// the licence files.
//
// [licensecheck]: https://pkg.go.dev/github.com/google/licensecheck
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

func main() {
	if len(os.Args) > 1 {
		fmt.Fprintf(os.Stderr, "notice: unexpected argument %q\n", os.Args[1])
		os.Exit(2)
	}
	text, err := notice(".")
	if err == nil {
		err = os.WriteFile("NOTICE", text, 0o666)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "notice:", err)
		os.Exit(1)
	}
}

// A part of this module links modules of others. A module is listed with the
// first part that links it.
type part struct {
	title    string
	packages []string
	tests    bool
}

var parts = []part{
	{"Linked by programs that use sched, numa and topology", []string{"./topology", "./numa/...", "./sched/..."}, false},
	{"Linked by the experiments command and topology/draw as well", []string{"./topology/draw", "./experiments/..."}, false},
	{"Linked by tests and scripts only", []string{"./..."}, true},
}

// systems are those that the module is built for; each may link others.
var systems = []string{"linux", "darwin", "windows"}

// byHand is what is known of modules whose files do not tell: the licence
// file that holds here, and whom the module is by.
var byHand = map[string]struct{ file, by string }{
	// A choice of two licences. The sentence is the one that the FTL wants.
	"github.com/golang/freetype": {"licenses/ftl.txt", "Portions of this software are copyright © 2006 The FreeType Project (www.freetype.org). All rights reserved."},
	"github.com/ajstarks/svgo":   {"LICENSE", "By Anthony Starks, https://github.com/ajstarks/svgo"},
}

const head = `numasched is under the BSD 3-clause licence: see LICENSE.

This repository holds no source code of others. Its programs link the modules
below, which are under licences of their own. Whoever passes a built program on
must pass these licences on as well. Their texts lie in the modules' folders,
which "go list -m -f '{{.Dir}}' MODULE" prints.

Made by: go run ./scripts/notice
`

// notice returns what NOTICE should be for the module in folder root.
func notice(root string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(head)
	listed := map[string]bool{}
	for _, p := range parts {
		modules, err := linked(root, p)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "\n\n%s\n%s\n", p.title, strings.Repeat("-", len(p.title)))
		for _, m := range modules {
			if listed[m.path] {
				continue
			}
			listed[m.path] = true
			l, err := readLicence(m)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&b, "\n%s\n    %s\n", m.path, strings.Join(l.ids, ", "))
			for _, line := range l.copyright {
				fmt.Fprintf(&b, "    %s\n", line)
			}
		}
	}
	return b.Bytes(), nil
}

// A dependency is a module of others, and the folder of its source.
type dependency struct{ path, dir string }

// linked returns the modules that p links on any of the systems, in order.
func linked(root string, p part) ([]dependency, error) {
	var all []dependency
	for _, system := range systems {
		args := []string{"list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Dir}}{{end}}{{end}}"}
		if p.tests {
			args = append(args, "-test")
		}
		cmd := exec.Command("go", append(args, p.packages...)...)
		cmd.Dir, cmd.Env, cmd.Stderr = root, append(os.Environ(), "GOOS="+system, "GOARCH=amd64"), os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", cmd, err)
		}
		for line := range strings.Lines(string(out)) {
			path, dir, _ := strings.Cut(strings.TrimSpace(line), "\t")
			all = append(all, dependency{path, dir})
		}
	}
	slices.SortFunc(all, func(a, b dependency) int { return strings.Compare(a.path, b.path) })
	return slices.Compact(all), nil
}

// A licence is what a module's licence files say.
type licence struct {
	ids       []string // SPDX
	copyright []string
}

var (
	licenceFile   = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice)[^.]*(\.txt|\.md)?$`)
	copyrightLine = regexp.MustCompile(`(?im)^[\s*>/]*(copyright (?:©|\(c\)|[12][0-9]{3}).*?)\s*$`)
)

// readLicence reads the licence files of a module. It is an error if it does not
// find out under which licence the module is, and whom it is by.
func readLicence(m dependency) (l licence, err error) {
	var files []string
	hand, byHand := byHand[m.path]
	if byHand {
		files = []string{hand.file}
	} else {
		entries, err := os.ReadDir(m.dir)
		if err != nil {
			return l, err
		}
		for _, e := range entries {
			if licenceFile.MatchString(e.Name()) && !e.IsDir() {
				files = append(files, e.Name())
			}
		}
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(m.dir, file))
		if err != nil {
			return l, err
		}
		for _, match := range licensecheck.Scan(text).Match {
			l.ids = append(l.ids, match.ID)
		}
		for _, line := range copyrightLine.FindAllSubmatch(text, -1) {
			l.copyright = append(l.copyright, string(line[1]))
		}
	}
	if byHand {
		l.copyright = []string{hand.by}
	} else if len(l.copyright) == 0 { // some licences have no place for it
		l.copyright = sourceCopyright(m.dir)
	}
	if len(l.ids) == 0 || len(l.copyright) == 0 {
		return l, fmt.Errorf("%s: licences %v, copyright %q in the files %v of %s: read them, and add the module to byHand in scripts/notice", m.path, l.ids, l.copyright, files, m.dir)
	}
	slices.Sort(l.ids)
	l.ids = slices.Compact(l.ids)
	l.copyright = unique(l.copyright)
	return l, nil
}

// sourceCopyright returns the copyright of the first source file in dir that has
// one.
func sourceCopyright(dir string) []string {
	sources, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	for _, source := range sources {
		if text, err := os.ReadFile(source); err == nil {
			if line := copyrightLine.FindSubmatch(text); line != nil {
				return []string{string(line[1])}
			}
		}
	}
	return nil
}

// unique returns list without repetitions, in its order.
func unique(list []string) (once []string) {
	for _, s := range list {
		if !slices.Contains(once, s) {
			once = append(once, s)
		}
	}
	return once
}
