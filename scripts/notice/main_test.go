package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Every module that is linked is in NOTICE, with its licence, and no other.
func TestNoticeIsCurrent(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command to ask what is linked")
	}
	if os.Getenv("NUMASCHED_LONG_TESTS") == "" {
		t.Skip("asks the go command nine times what is linked; NUMASCHED_LONG_TESTS=1 runs it")
	}
	root := filepath.Join("..", "..")
	want, err := notice(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "NOTICE"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("NOTICE is out of date: run go run ./scripts/notice; it should be\n%s", want)
	}
}

func TestLicencesAreRead(t *testing.T) {
	const mit = `The MIT License (MIT)

Copyright (c) 2017 Some Body

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
`
	unnamed := strings.Replace(mit, "Copyright (c) 2017 Some Body\n", "", 1)
	for _, c := range []struct{ file, text, want string }{
		{"LICENSE", unnamed, "MIT: Copyright 2019 The Authors"},
		{"LICENSE", mit, "MIT: Copyright (c) 2017 Some Body"},
		{"licence.txt", mit, "MIT: Copyright (c) 2017 Some Body"},
		{"LICENSE", "All yours.\n", ""},
		{"README", mit, ""},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		source := "// Copyright 2019 The Authors\n\npackage m\n"
		if err := os.WriteFile(filepath.Join(dir, "m.go"), []byte(source), 0o666); err != nil {
			t.Fatal(err)
		}
		l, err := readLicence(dependency{"example.org/m", dir})
		got := strings.Join(l.ids, ", ") + ": " + strings.Join(l.copyright, ", ")
		if c.want == "" {
			if err == nil || !strings.Contains(err.Error(), "example.org/m") {
				t.Errorf("%s with %.10q: %s, %v, want an error that names the module", c.file, c.text, got, err)
			}
		} else if err != nil || got != c.want {
			t.Errorf("%s with %.10q: %s, %v, want %s", c.file, c.text, got, err, c.want)
		}
	}
}
