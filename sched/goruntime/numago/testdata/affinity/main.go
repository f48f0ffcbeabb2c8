//go:build linux

// Affinity prints, one a line, what the numago tests want to know about the threads of a
// program with the NUMA-aware runtime.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// mask returns the CPUs of a thread of this process, as the kernel writes them.
func mask(tid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/status", tid))
	if err != nil {
		return err.Error()
	}
	for line := range strings.Lines(string(text)) {
		if list, ok := strings.CutPrefix(line, "Cpus_allowed_list:"); ok {
			return strings.TrimSpace(list)
		}
	}
	return "?"
}

func setCPU(cpu int) {
	var set [128]uint64
	set[cpu/64] = 1 << (cpu % 64)
	if _, _, e := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, unsafe.Sizeof(set), uintptr(unsafe.Pointer(&set))); e != 0 {
		fmt.Println("setaffinity:", e)
	}
}

// busy makes goroutines run, wake each other and block on all Ps for a moment.
func busy() {
	var wg sync.WaitGroup
	ch := make(chan int)
	end := time.Now().Add(100 * time.Millisecond)
	for range 8 {
		wg.Go(func() {
			for time.Now().Before(end) {
				select {
				case ch <- 1:
				case <-ch:
				case <-time.After(time.Millisecond):
				}
			}
		})
	}
	wg.Wait()
}

// compete has more goroutines compute than there are Ps, without end. It returns after a while that
// differs between processes. So the caller may have to give way at any moment of what comes next.
func compete() {
	for range 2 * runtime.GOMAXPROCS(0) {
		go func() {
			for n := 0; ; n++ {
			}
		}()
	}
	for end := time.Now().Add(time.Duration(os.Getpid()%20) * time.Millisecond); time.Now().Before(end); {
	}
}

// pages touches memory on all Ps and prints on which nodes the process's own pages lie.
func pages() {
	var wg sync.WaitGroup
	blocks := make([][]byte, 4*runtime.GOMAXPROCS(0))
	for i := range blocks {
		wg.Go(func() {
			blocks[i] = make([]byte, 4<<20)
			for at := 0; at < len(blocks[i]); at += 4096 {
				blocks[i][at] = 1
			}
		})
	}
	wg.Wait()
	text, err := os.ReadFile("/proc/self/numa_maps")
	if err != nil {
		fmt.Println("pages:", err)
	}
	on := map[string]int{}
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, "anon=") {
			continue
		}
		for _, field := range strings.Fields(line) {
			node, count, ok := strings.Cut(field, "=")
			n := 0
			if ok && node[0] == 'N' {
				fmt.Sscan(count, &n)
				on[node] += n
			}
		}
	}
	fmt.Println("pages", on)
	runtime.KeepAlive(blocks)
}

// again locks goroutines to threads for a moment, and prints "bound" when one of these threads has
// other CPUs than before later on. It gives up after some seconds.
func again() {
	var wg sync.WaitGroup
	var mu sync.Mutex
	free := map[int]string{}
	for range 8 {
		wg.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			mu.Lock()
			free[syscall.Gettid()] = mask(syscall.Gettid())
			mu.Unlock()
			time.Sleep(time.Millisecond)
		})
	}
	wg.Wait()
	for range 30 {
		busy()
		for tid, before := range free {
			if now := mask(tid); now != before && !strings.Contains(now, "no such") { // it may have ended
				fmt.Println("again bound")
				return
			}
		}
	}
	fmt.Println("again free")
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "again" {
		again()
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "mask" {
		runtime.LockOSThread()
		fmt.Println(os.Args[2], mask(syscall.Gettid()))
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "pages" {
		pages()
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "exec" {
		busy()
		compete()
		err := syscall.Exec(os.Args[0], []string{os.Args[0], "mask", "exec"}, os.Environ())
		fmt.Println("exec:", err)
		return
	}
	fmt.Println("NumCPU", runtime.NumCPU())
	fmt.Println("GOMAXPROCS", runtime.GOMAXPROCS(0))
	busy()
	threads, _ := filepath.Glob("/proc/self/task/*")
	for _, dir := range threads {
		tid := 0
		fmt.Sscan(filepath.Base(dir), &tid)
		fmt.Println("thread", mask(tid))
	}
	runtime.GOMAXPROCS(1)
	runtime.SetDefaultGOMAXPROCS()
	fmt.Println("default", runtime.GOMAXPROCS(0))
	for range 20 { // from several threads
		done := make(chan bool)
		go func() {
			out, err := exec.Command(os.Args[0], "mask", "child").Output()
			if err != nil {
				fmt.Println("child:", err)
			}
			fmt.Print(string(out))
			close(done)
		}()
		<-done
	}
	done := make(chan bool)
	release := make(chan bool)
	var tid int
	go func() {
		runtime.LockOSThread()
		tid = syscall.Gettid()
		fmt.Println("locked", mask(tid))
		setCPU(0)
		done <- true
		<-release
		runtime.UnlockOSThread() // and leaves its mask behind
		done <- true
	}()
	<-done
	busy()
	fmt.Println("own", mask(tid))
	release <- true
	<-done
	busy()
	fmt.Println("left", mask(tid))
}
