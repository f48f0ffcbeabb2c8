// Numalab runs a command on a virtual NUMA machine: a stock Linux kernel under
// QEMU, with the requested nodes, memory and distances.
//
//	numalab.sh [--nodes 4] [--cpus-per-node 2] [--mem-per-node 512M] ... -- COMMAND...
//
// It shows where threads run and pages lie, as a real kernel reports it. It
// says nothing about speed: an emulated CPU has no NUMA latencies. Results
// from it are labelled virtual.
//
// The program has two roles. On the host it finds a kernel, packs a file
// system in memory (busybox, this program, and what the command needs), boots
// QEMU, and copies out what the command wrote. In the guest it is process 1
// (guest_linux.go). The two talk over serial lines, because every kernel has
// them built in. ttyS0 is the kernel's console. ttyS1 carries what the command
// prints, and in the other direction the word that stops the command early. ttyS2
// carries a .tar.gz of the results, which begins with the exit status.
//
// Invariant: when the host's role ends, QEMU has ended and the temporary files
// are gone, also after a time-out or a signal. After SIGKILL the temporary files
// remain, but QEMU does not.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Exit statuses of our own; every other one is the command's.
const (
	exitUsage       = 2
	exitTimeout     = 124 // as timeout(1)
	exitMachine     = 125 // the machine could not be made, or it broke down
	exitInterrupted = 130 // as a shell
)

const usage = `Usage: numalab.sh [OPTIONS] -- COMMAND [ARGUMENT...]

Boots a Linux kernel on a virtual NUMA machine, runs COMMAND there as root and
exits with its status. A COMMAND that is a file of this host is copied into the
machine; it must be a static program (CGO_ENABLED=0 go build). Other commands
are busybox's. Files that COMMAND writes to /results are copied to --out, also
after a time-out or Ctrl-C: COMMAND is then interrupted and has 30 s to end. A
second Ctrl-C ends the machine at once.

The machine needs qemu-system-x86_64 and busybox. If one is missing, an error
names the command that installs it. KVM is used only if a small machine has booted
with it since this host started; otherwise the CPU is emulated. Nodes and CPUs are
numbered from 0, CPUs node by node. Each node is a package.

Exit status: COMMAND's; 2 bad usage; 124 time-out; 125 the machine could not be
made or broke down, and the end of its console is shown; 130 interrupted.

Options:
`

func main() {
	if os.Getpid() == 1 {
		guest()
		return
	}
	// The kernel ends a child with the thread that made it: see endWithParent.
	runtime.LockOSThread()
	status, err := host(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "numalab:", err)
	}
	os.Exit(status)
}

// options are what the command line says.
type options struct {
	shape   shape
	kernel  string
	accel   string
	timeout time.Duration
	out     string
	files   []string
	env     []string
	console bool
	command []string
}

// list collects the values of a flag that is given several times.
type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

// A number and a duration are flag values whose errors say what the flag takes.
type (
	number   int
	duration time.Duration
)

func (n *number) String() string { return strconv.Itoa(int(*n)) }

func (n *number) Set(s string) error {
	v, err := strconv.Atoi(s)
	if err != nil {
		return errors.New("want a whole number")
	}
	*n = number(v)
	return nil
}

func (d *duration) String() string { return time.Duration(*d).String() }

func (d *duration) Set(s string) error {
	v, err := time.ParseDuration(s)
	if err != nil {
		return errors.New("want a number and a unit, such as 90s or 5m")
	}
	*d = duration(v)
	return nil
}

func parseOptions(args []string) (*options, error) {
	o := &options{timeout: 5 * time.Minute}
	nodes, cpus := number(4), number(2)
	fs := flag.NewFlagSet("numalab", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Var(&nodes, "nodes", "`number` of nodes with CPUs, 1 to 64")
	fs.Var(&cpus, "cpus-per-node", "`number` of CPUs of each, 1 to 64; 255 in all")
	mem := fs.String("mem-per-node", "512M", "`size` of each node's memory, such as 512M or 2G; at least 64M")
	dist := fs.String("dist", "", "`file` of the distance matrix: a line for each node, a number from 10 to 254 for each node; 10 on the diagonal")
	memless := fs.Bool("memless-node", false, "the last node with CPUs has no memory")
	cpuless := fs.Bool("cpuless-node", false, "one more node, with memory and without CPUs")
	fs.StringVar(&o.kernel, "kernel", "", "kernel `image` (bzImage) instead of this host's or Debian's cloud kernel")
	fs.StringVar(&o.accel, "accel", "auto", "`auto`, kvm or tcg (emulation)")
	fs.Var((*duration)(&o.timeout), "timeout", "`time` after which the machine is ended")
	fs.StringVar(&o.out, "out", "", "`directory` of this host that receives the machine's /results")
	fs.Var((*list)(&o.files), "file", "`file` or directory to copy into the command's working directory (several times)")
	fs.Var((*list)(&o.env), "env", "`NAME=VALUE` for the command's environment (several times)")
	fs.BoolVar(&o.console, "console", false, "show the kernel's console")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Print(usage)
			fs.SetOutput(os.Stdout)
			fs.PrintDefaults()
		}
		return nil, err
	}
	o.command = fs.Args()
	if len(o.command) == 0 {
		return nil, errors.New("no command: write it after --, such as: numalab.sh --nodes 2 -- cat /sys/devices/system/node/online")
	}
	for _, e := range o.env {
		if !strings.Contains(e, "=") {
			return nil, fmt.Errorf("--env %q: want NAME=VALUE", e)
		}
	}
	if o.accel != "auto" && o.accel != "kvm" && o.accel != "tcg" {
		return nil, fmt.Errorf("--accel %q: want auto, kvm or tcg", o.accel)
	}
	if o.timeout <= 0 {
		return nil, fmt.Errorf("--timeout %v: want a time above 0", o.timeout)
	}
	bytes, err := parseSize(*mem)
	if err != nil {
		return nil, fmt.Errorf("--mem-per-node %w", err)
	}
	if o.shape, err = newShape(int(nodes), int(cpus), bytes, *memless, *cpuless); err != nil {
		return nil, err
	}
	if o.kernel != "" {
		if err := checkKernel(o.kernel); err != nil {
			return nil, fmt.Errorf("--kernel: %w", err)
		}
	}
	if *dist != "" {
		text, err := os.ReadFile(*dist)
		if err != nil {
			return nil, fmt.Errorf("--dist: %w", err)
		}
		if o.shape.Distances, err = parseDistances(string(text), len(o.shape.Nodes)); err != nil {
			return nil, fmt.Errorf("--dist %s:%w", *dist, err)
		}
	}
	return o, nil
}

func host(args []string) (int, error) {
	o, err := parseOptions(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0, nil
	}
	if err != nil {
		return exitUsage, err
	}
	qemu, busybox, err := findTools()
	if err != nil {
		return exitMachine, err
	}
	cache, err := cacheDir()
	if err != nil {
		return exitMachine, err
	}
	kernel := o.kernel
	if kernel == "" {
		if kernel, err = findKernel(cache); err != nil {
			return exitMachine, err
		}
	}
	if o.out != "" {
		if err := os.MkdirAll(o.out, 0o777); err != nil {
			return exitUsage, fmt.Errorf("--out: %w", err)
		}
	}
	tmp, err := os.MkdirTemp("", "numalab-")
	if err != nil {
		return exitMachine, err
	}
	defer os.RemoveAll(tmp)

	interrupted := make(chan os.Signal, 2) // the second ends the machine at once
	signal.Notify(interrupted, os.Interrupt, terminate, hangUp)
	defer signal.Stop(interrupted)

	m := &machine{qemu: qemu, kernel: kernel, dir: tmp, stop: interrupted}
	if o.accel != "tcg" {
		m.kvm, err = kvmWorks(m, busybox, cache)
		if errors.Is(err, errInterrupted) {
			return exitInterrupted, err
		}
		if o.accel == "kvm" && !m.kvm {
			return exitMachine, fmt.Errorf("--accel kvm: %w", err)
		}
	}
	image := filepath.Join(tmp, "initramfs")
	if err := packImage(image, busybox, o); err != nil {
		return exitUsage, err
	}
	if o.out != "" {
		m.patience = resultsPatience
	}
	return m.run(o, image)
}

// findTools returns the programs that the machine needs, or an error that says
// how to get those that are missing.
func findTools() (qemu, busybox string, err error) {
	var missing, packages []string
	if qemu, err = exec.LookPath("qemu-system-x86_64"); err != nil {
		missing, packages = append(missing, "qemu-system-x86_64"), append(packages, "qemu-system-x86")
	}
	if busybox, err = exec.LookPath("busybox"); err == nil {
		err = checkStatic(busybox)
	}
	if err != nil {
		missing, packages = append(missing, "a static busybox"), append(packages, "busybox-static")
	}
	if len(missing) > 0 {
		return "", "", fmt.Errorf("missing: %s; install with: apt-get install --no-install-recommends %s",
			strings.Join(missing, " and "), strings.Join(packages, " "))
	}
	return qemu, busybox, nil
}

// cacheDir returns the directory for kernels and for what is known of this host.
func cacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, "numasched")
	return dir, os.MkdirAll(dir, 0o777)
}
