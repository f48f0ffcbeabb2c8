package main

import (
	"bufio"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/mattn/go-isatty"
)

// A job is what the host tells the guest, in /job.json.
type job struct {
	Probe    bool // power off at once: only the boot was in question
	Command  []string
	Env      []string
	Terminal bool // the command's output goes to a terminal, so it may draw
}

// stopWord on ttyS1 tells the guest to stop its command early.
const stopWord = "stop\n"

// workDir is where the command runs and finds its files.
const workDir = "/work"

// A cpio is an archive in the "newc" format. The kernel makes its first file system
// of it (Documentation/driver-api/early-userspace/buffer-format.rst).
type cpio struct {
	w    *bufio.Writer
	ino  int
	at   int
	dirs map[string]bool
}

func (c *cpio) entry(name string, mode int, size int64, data io.Reader) error {
	c.ino++
	header := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		c.ino, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(name)+1, 0, name)
	c.w.WriteString(header)
	c.at += len(header)
	c.pad()
	if data != nil {
		n, err := io.Copy(c.w, data)
		if err != nil || n != size {
			return fmt.Errorf("%s: %d of %d bytes: %w", name, n, size, err)
		}
		c.at += int(n)
		c.pad()
	}
	return nil
}

func (c *cpio) pad() {
	for c.at%4 != 0 {
		c.w.WriteByte(0)
		c.at++
	}
}

// dir adds a directory and those above it, once.
func (c *cpio) dir(name string) {
	if name == "." || name == "/" || c.dirs[name] {
		return
	}
	c.dir(path.Dir(name))
	c.dirs[name] = true
	c.entry(name, 0o40755, 0, nil)
}

func (c *cpio) file(name, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", from)
	}
	c.dir(path.Dir(name))
	return c.entry(name, 0o100000|int(info.Mode().Perm()), info.Size(), f)
}

// tree adds a file, or all regular files of a directory.
func (c *cpio) tree(name, from string) error {
	return filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		to := path.Join(name, filepath.ToSlash(rel))
		if d.IsDir() {
			c.dir(to)
			return nil
		}
		if !d.Type().IsRegular() && p != from {
			return nil // links and devices stay behind
		}
		return c.file(to, p)
	})
}

// writeImage writes a file system with busybox, the guest's process 1 and a
// job. add adds more.
func writeImage(name, busybox string, j job, add func(*cpio) error) (err error) {
	self, err := guestProgram()
	if err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	c := &cpio{w: bufio.NewWriter(f), dirs: map[string]bool{}}
	for _, d := range []string{"bin", "dev", "proc", "sys", "tmp", "results", "root", "etc", workDir[1:]} {
		c.dir(d)
	}
	if err := errors.Join(c.file("bin/busybox", busybox), c.file("init", self)); err != nil {
		return err
	}
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	c.entry("job.json", 0o100644, int64(len(text)), strings.NewReader(string(text)))
	if add != nil {
		if err := add(c); err != nil {
			return err
		}
	}
	c.entry("TRAILER!!!", 0, 0, nil)
	return c.w.Flush()
}

// packImage packs what the command of o needs.
func packImage(name, busybox string, o *options) error {
	text, err := json.Marshal(o.shape)
	if err != nil {
		return err
	}
	j := job{
		Command:  append([]string(nil), o.command...),
		Env:      append(o.env, "NUMALAB_SHAPE="+string(text), "NUMALAB_OUT="+o.out),
		Terminal: isatty.IsTerminal(os.Stdout.Fd()),
	}
	return writeImage(name, busybox, j, func(c *cpio) error {
		program := o.command[0]
		if info, err := os.Stat(program); err == nil && info.Mode().IsRegular() && strings.ContainsAny(program, `/\`) {
			if err := checkStatic(program); err != nil {
				return err
			}
			j.Command[0] = workDir + "/" + filepath.Base(program)
			if err := c.file(j.Command[0][1:], program); err != nil {
				return err
			}
			// The archive already holds a job. The later of two files of the same
			// name counts.
			text, err := json.Marshal(j)
			if err != nil {
				return err
			}
			c.entry("job.json", 0o100644, int64(len(text)), strings.NewReader(string(text)))
		}
		for _, from := range o.files {
			if err := c.tree(path.Join(workDir[1:], filepath.Base(from)), from); err != nil {
				return fmt.Errorf("--file: %w", err)
			}
		}
		return nil
	})
}

// checkStatic returns an error if a program needs libraries, or a script a shell,
// that the guest does not have.
func checkStatic(name string) error {
	f, err := elf.Open(name)
	if err != nil {
		return checkScript(name)
	}
	defer f.Close()
	if f.Machine != elf.EM_X86_64 {
		return fmt.Errorf("%s is for %v, and the machine is an x86-64: build it with GOARCH=amd64", name, f.Machine)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("%s is not a static program: build it with CGO_ENABLED=0", name)
		}
	}
	return nil
}

func checkScript(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	line, _ := bufio.NewReader(io.LimitReader(f, 256)).ReadString('\n')
	shell, ok := strings.CutPrefix(strings.TrimSpace(line), "#!")
	if shell = strings.TrimSpace(shell); ok && shell != "/bin/sh" && !strings.HasPrefix(shell, "/bin/sh ") {
		return fmt.Errorf("%s is a script for %q, which the machine does not have: write it for busybox's /bin/sh", name, shell)
	}
	return nil
}

// guestProgram returns this program, built for the guest. numalab.sh puts it beside
// this one.
func guestProgram() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	name := self + "-guest"
	if _, err := os.Stat(name); err != nil {
		return "", fmt.Errorf("no %s: run this program by scripts/numalab.sh, which builds it", name)
	}
	return name, nil
}
