package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// guest is process 1 of the virtual machine. Whatever happens, it powers off.
func guest() {
	defer syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
	status, err := runJob()
	if err != nil {
		fmt.Println("numalab guest:", err) // to the console
		return
	}
	if err := sendResults(status); err != nil {
		fmt.Println("numalab guest:", err)
	}
}

func runJob() (status int, err error) {
	for _, m := range []struct{ kind, at string }{
		{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"tmpfs", "/tmp"}, {"cgroup2", "/sys/fs/cgroup"},
	} {
		if err := syscall.Mount(m.kind, m.at, m.kind, 0, ""); err != nil {
			return 0, fmt.Errorf("mount %s: %w", m.kind, err)
		}
	}
	text, err := os.ReadFile("/job.json")
	if err != nil {
		return 0, err
	}
	var j job
	if err := json.Unmarshal(text, &j); err != nil {
		return 0, err
	}
	if j.Probe {
		return 0, nil
	}
	os.Setenv("PATH", "/bin")
	for _, cmd := range [][]string{{"--install", "-s", "/bin"}, {"ifconfig", "lo", "127.0.0.1", "up"}} {
		if out, err := exec.Command("/bin/busybox", cmd...).CombinedOutput(); err != nil {
			fmt.Printf("numalab guest: busybox %s: %v: %s\n", cmd[0], err, out)
		}
	}
	tty, err := openRaw("/dev/ttyS1")
	if err != nil {
		return 0, err
	}
	defer tty.Close()
	cmd := exec.Command(j.Command[0], j.Command[1:]...)
	cmd.Dir = workDir
	cmd.Env = append([]string{"PATH=/bin", "HOME=/root", "NUMALAB=1", "NUMALAB_RESULTS=/results"}, j.Env...)
	out, printed := tty, func() {}
	if !j.Terminal { // it must not take its output for a terminal
		if out, printed, err = pipeTo(tty); err != nil {
			return 0, err
		}
	}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that a shell's commands are stopped with it
	if err = cmd.Start(); err == nil {
		var told atomic.Bool
		go stopWhenTold(tty, cmd.Process.Pid, &told)
		err = cmd.Wait()
		if told.Load() {
			waitForGroup(cmd.Process.Pid)
		}
	}
	printed()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit):
		if ws := exit.Sys().(syscall.WaitStatus); ws.Signaled() {
			fmt.Fprintf(tty, "numalab: the command was ended by a signal: %v\n", ws.Signal())
			return 128 + int(ws.Signal()), nil
		}
		return exit.ExitCode(), nil
	default:
		fmt.Fprintf(tty, "numalab: %v\n", err)
		return 127, nil // as a shell
	}
}

// stopPatience is how long an interrupted command may take to end.
const stopPatience = 30 * time.Second

// stopWhenTold interrupts a process group, as Ctrl-C would, when the host sends
// stopWord. It kills the group if that goes on.
func stopWhenTold(line io.Reader, group int, told *atomic.Bool) {
	if _, err := io.ReadFull(line, make([]byte, 1)); err != nil {
		return
	}
	told.Store(true)
	syscall.Kill(-group, syscall.SIGINT)
	time.Sleep(stopPatience)
	syscall.Kill(-group, syscall.SIGKILL)
}

// waitForGroup returns when the last process of a group has ended. An interrupted
// shell ends at once, and its command when it has saved its results. Process 1 is
// then the command's parent.
func waitForGroup(group int) {
	for {
		if _, err := syscall.Wait4(-group, nil, 0, nil); err != nil && err != syscall.EINTR {
			return
		}
	}
}

// pipeTo returns a pipe to w, and a function that closes the pipe and waits until w
// has everything. It waits for at most a second, because a process that the command
// left running may keep the pipe open.
func pipeTo(w io.Writer) (*os.File, func(), error) {
	r, pipe, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	copied := make(chan struct{})
	go func() {
		io.Copy(w, r)
		close(copied)
	}()
	return pipe, func() {
		pipe.Close()
		select {
		case <-copied:
		case <-time.After(time.Second):
		}
	}, nil
}

// openRaw opens a serial line that passes every byte as it is.
func openRaw(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	t, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		return nil, err
	}
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
	t.Cflag = unix.CS8 | unix.CREAD | unix.CLOCAL | unix.B115200
	return f, unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, t)
}

// sendResults sends the status and the files of /results.
func sendResults(status int) error {
	tty, err := openRaw("/dev/ttyS2")
	if err != nil {
		return err
	}
	gz := gzip.NewWriter(tty)
	tw := tar.NewWriter(gz)
	if err := tw.WriteHeader(&tar.Header{Name: fmt.Sprint(statusPrefix, status), Mode: 0o644}); err != nil {
		return err
	}
	if err := addResults(tw); err != nil {
		return err
	}
	if err := errors.Join(tw.Close(), gz.Close()); err != nil {
		return err
	}
	// Wait until the line is empty (tcdrain).
	return unix.IoctlSetInt(int(tty.Fd()), unix.TCSBRK, 1)
}

func addResults(tw *tar.Writer) error {
	const dir = "/results"
	return filepath.Walk(dir, func(p string, info os.FileInfo, err error) error {
		if err != nil || p == dir || !info.IsDir() && !info.Mode().IsRegular() {
			return err
		}
		h, err := tar.FileInfoHeader(info, "")
		if err != nil {
			return err
		}
		h.Name, _ = filepath.Rel(dir, p)
		if err := tw.WriteHeader(h); err != nil || info.IsDir() {
			return err
		}
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.CopyN(tw, f, h.Size)
		return err
	})
}
