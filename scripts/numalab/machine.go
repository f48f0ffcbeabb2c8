package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A machine is QEMU with a kernel; it boots one image at a time.
type machine struct {
	qemu, kernel string
	kvm          bool
	dir          string           // for its temporary files
	stop         <-chan os.Signal // the user wants the machine to end
	// patience is how long a machine may take to stop its command and to send its
	// results when it has to end early. With 0 it is killed at once.
	patience time.Duration
}

// resultsPatience is the patience if the user wants results. An emulated machine
// needs seconds to finish a repetition and to draw. The guest itself kills a command
// that does not stop within stopPatience.
const resultsPatience = 90 * time.Second

var (
	errTimeout     = errors.New("time-out")
	errInterrupted = errors.New("interrupted")
)

// killPatience is how long a killed QEMU may take to end, because it has to give
// back all of its memory. If KVM is broken, it may never leave the kernel.
const killPatience = 20 * time.Second

// boot runs the machine until it powers off. After the time-out, or if the user
// wants it to end, boot asks the machine to stop early, and kills it if it does not.
// The command's output goes to stdout as it comes. The kernel's console and the
// results go to files.
func (m *machine) boot(s shape, image string, timeout time.Duration, stdout io.Writer, console, results string) error {
	accel := []string{"-accel", "tcg,thread=multi"}
	if m.kvm {
		accel = []string{"-accel", "kvm"}
	}
	args := append(accel, "-machine", "q35", "-cpu", "max",
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-kernel", m.kernel, "-initrd", image,
		// panic=-1: a kernel that panics reboots at once, and -no-reboot turns
		// that into an exit. no_timer_check: an emulated CPU on a busy host may fail
		// the check at boot.
		"-append", "console=ttyS0 panic=-1 no_timer_check nowatchdog random.trust_cpu=on 8250.nr_uarts=4",
		"-serial", "file:"+console, "-serial", "stdio", "-serial", "file:"+results)
	args = append(args, s.qemu()...)
	cmd := exec.Command(m.qemu, args...)
	var complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = stdout, &complaints
	endWithParent(cmd)
	var line io.Writer // to ttyS1 of the machine
	if m.patience > 0 {
		pipe, err := cmd.StdinPipe()
		if err != nil {
			return err
		}
		line = pipe
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var why error
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("%s: %w: %s", filepath.Base(m.qemu), err, strings.TrimSpace(complaints.String()))
		}
		return nil
	case <-time.After(timeout):
		why = errTimeout
	case <-m.stop:
		why = errInterrupted
	}
	if m.patience > 0 && m.stopEarly(line, why, ended) {
		return why
	}
	cmd.Process.Kill()
	select {
	case <-ended:
		return why
	case <-time.After(killPatience):
		return fmt.Errorf("%w; %s (process %d) hangs in the kernel and cannot be ended", why, filepath.Base(m.qemu), cmd.Process.Pid)
	}
}

// stopEarly asks the guest to stop its command and to send its results, and
// reports whether the machine has powered off. A second signal ends the wait.
func (m *machine) stopEarly(line io.Writer, why error, ended <-chan error) bool {
	fmt.Fprintf(os.Stderr, "numalab: %v: the machine has %v to stop the command and to send its results; Ctrl-C ends it at once\n", why, m.patience)
	again := time.NewTicker(time.Second)
	defer again.Stop()
	giveUp := time.After(m.patience)
	for {
		// A guest that is still booting loses what comes before it listens.
		if _, err := io.WriteString(line, stopWord); err != nil {
			return false
		}
		select {
		case <-ended:
			return true
		case <-m.stop:
			return false
		case <-giveUp:
			return false
		case <-again.C:
		}
	}
}

// run boots the machine for the command of o and returns its status.
func (m *machine) run(o *options, image string) (int, error) {
	console, results := filepath.Join(m.dir, "console"), filepath.Join(m.dir, "results")
	if o.console {
		stop := make(chan struct{})
		done := make(chan struct{})
		go func() { follow(console, os.Stderr, stop); close(done) }()
		defer func() { close(stop); <-done }()
	}
	err := m.boot(o.shape, image, o.timeout, os.Stdout, console, results)
	if errors.Is(err, errInterrupted) {
		return exitInterrupted, fmt.Errorf("%w%s", err, rescued(results, o.out))
	}
	if errors.Is(err, errTimeout) {
		return exitTimeout, fmt.Errorf("%w: the machine was ended after %v%s; the end of its console:\n%s", err, o.timeout, rescued(results, o.out), tail(console, consoleLines))
	}
	if err != nil {
		return exitMachine, err
	}
	status, err := unpack(results, o.out)
	if err != nil {
		return exitMachine, fmt.Errorf("the machine ended without a result: %w; the end of its console:\n%s", err, tail(console, consoleLines))
	}
	return status, nil
}

// rescued unpacks what a machine sent that ended early, and says whether that was
// complete.
func rescued(results, dir string) string {
	if dir == "" {
		return ""
	}
	if _, err := unpack(results, dir); err != nil {
		return "; it did not send its results, or not all of them: " + err.Error()
	}
	return "; what the command had written is in " + dir
}

// unpack reads what the guest sent: a .tar.gz. The name of its first entry holds the
// exit status. The other entries go into dir, unless dir is empty.
func unpack(name, dir string) (status int, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	gz, err := gzip.NewReader(f)
	if err != nil {
		return 0, fmt.Errorf("no archive of results: %w", err)
	}
	tr := tar.NewReader(gz)
	first, err := tr.Next()
	if err != nil {
		return 0, err
	}
	digits, ok := strings.CutPrefix(first.Name, statusPrefix)
	if status, err = strconv.Atoi(digits); !ok || err != nil {
		return 0, fmt.Errorf("the archive of results begins with %q", first.Name)
	}
	for {
		h, err := tr.Next()
		if err == io.EOF {
			_, err = io.Copy(io.Discard, gz) // to its checksum
			return status, err
		}
		if err != nil {
			return 0, err
		}
		if dir == "" || !filepath.IsLocal(h.Name) {
			continue
		}
		to := filepath.Join(dir, h.Name)
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(to, 0o777)
		} else if err = os.MkdirAll(filepath.Dir(to), 0o777); err == nil {
			err = writeFile(to, tr, os.FileMode(h.Mode)&0o777)
		}
		if err != nil {
			return 0, err
		}
	}
}

// consoleLines is how much of a console is shown: enough for a panic's trace.
const consoleLines = 60

// statusPrefix begins the name of the archive's first entry.
const statusPrefix = ".numalab-status-"

func writeFile(name string, r io.Reader, mode os.FileMode) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

// tail returns the last lines of a console.
func tail(name string, n int) string {
	text, _ := os.ReadFile(name)
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(string(text), "\r", ""), "\n"), "\n")
	if len(text) == 0 {
		return "    (it is empty: the kernel never spoke)"
	}
	return "    " + strings.Join(lines[max(len(lines)-n, 0):], "\n    ")
}

// follow copies a file that grows until stop is closed.
func follow(name string, w io.Writer, stop <-chan struct{}) {
	var f *os.File
	for ended := false; ; {
		if f == nil {
			f, _ = os.Open(name)
		}
		if f != nil {
			io.Copy(w, f)
		}
		if ended {
			if f != nil {
				f.Close()
			}
			return
		}
		select {
		case <-stop:
			ended = true // and once more for what is left
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// kvmWorks reports whether a small machine boots with KVM on this host. It is not
// enough that /dev/kvm exists: guests hang in a virtual machine whose nesting is
// broken. The answer is kept until the host boots again.
func kvmWorks(m *machine, busybox, cache string) (bool, error) {
	dev, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return false, err
	}
	dev.Close()
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return false, err
	}
	answer := filepath.Join(cache, "kvm-"+strings.TrimSpace(string(id)))
	hangs := fmt.Errorf("a small machine did not boot with it in %v on this host (remembered in %s)", kvmPatience, answer)
	switch text, _ := os.ReadFile(answer); string(text) {
	case "boots\n":
		return true, nil
	case "hangs\n":
		return false, hangs
	}
	image := filepath.Join(m.dir, "probe")
	if err := writeImage(image, busybox, job{Probe: true}, nil); err != nil {
		return false, err
	}
	small, err := newShape(1, 1, 256<<20, false, false)
	if err != nil {
		return false, err
	}
	probe := *m
	probe.kvm = true
	results := filepath.Join(m.dir, "probe-results")
	err = probe.boot(small, image, kvmPatience, io.Discard, filepath.Join(m.dir, "probe-console"), results)
	if errors.Is(err, errInterrupted) {
		return false, err
	}
	if err == nil {
		_, err = unpack(results, "")
	}
	if err != nil {
		os.WriteFile(answer, []byte("hangs\n"), 0o666)
		return false, hangs
	}
	return true, os.WriteFile(answer, []byte("boots\n"), 0o666)
}

// kvmPatience is how long the probe may take. If KVM works, it takes 1 to 2 s.
const kvmPatience = 10 * time.Second
