package doctor

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Requests and layouts of linux/kvm.h on x86.
const (
	kvmGetAPIVersion = 0xae00
	kvmCreateVM      = 0xae01
	kvmVCPUMapSize   = 0xae04
	kvmCreateVCPU    = 0xae41
	kvmSetMemory     = 0x4020ae46
	kvmRun           = 0xae80
	kvmSetRegs       = 0x4090ae82
	kvmGetSregs      = 0x8138ae83
	kvmSetSregs      = 0x4138ae84

	kvmExitHLT = 5
)

// ProbeKVM boots a guest whose whole program is HLT, and returns nil if the guest
// got to it. It may hang: run it in a process that can be killed.
func ProbeKVM() error {
	dev, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer dev.Close()
	ioctl := func(what string, fd, req, arg uintptr) (uintptr, error) {
		r, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, req, arg)
		if errno != 0 {
			return 0, fmt.Errorf("%s: %w", what, errno)
		}
		return r, nil
	}
	version, err := ioctl("KVM_GET_API_VERSION", dev.Fd(), kvmGetAPIVersion, 0)
	if err != nil {
		return err
	}
	if version != 12 {
		return fmt.Errorf("KVM API version %d, want 12", version)
	}
	vm, err := ioctl("KVM_CREATE_VM", dev.Fd(), kvmCreateVM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(int(vm))
	memory, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
	if err != nil {
		return fmt.Errorf("mmap: %w", err)
	}
	defer unix.Munmap(memory)
	memory[0] = 0xf4 // HLT
	const at = 0x1000
	region := struct {
		slot, flags       uint32
		guest, size, host uint64
	}{guest: at, size: 4096, host: uint64(uintptr(unsafe.Pointer(&memory[0])))}
	if _, err := ioctl("KVM_SET_USER_MEMORY_REGION", vm, kvmSetMemory, uintptr(unsafe.Pointer(&region))); err != nil {
		return err
	}
	cpu, err := ioctl("KVM_CREATE_VCPU", vm, kvmCreateVCPU, 0)
	if err != nil {
		return err
	}
	defer unix.Close(int(cpu))
	size, err := ioctl("KVM_GET_VCPU_MMAP_SIZE", dev.Fd(), kvmVCPUMapSize, 0)
	if err != nil {
		return err
	}
	state, err := unix.Mmap(int(cpu), 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("mmap of the CPU: %w", err)
	}
	defer unix.Munmap(state)
	var sregs [0x138]byte // begins with the segment CS: base uint64, limit uint32, selector uint16
	if _, err := ioctl("KVM_GET_SREGS", cpu, kvmGetSregs, uintptr(unsafe.Pointer(&sregs))); err != nil {
		return err
	}
	clear(sregs[0:8])
	clear(sregs[12:14])
	if _, err := ioctl("KVM_SET_SREGS", cpu, kvmSetSregs, uintptr(unsafe.Pointer(&sregs))); err != nil {
		return err
	}
	regs := [18]uint64{16: at, 17: 2} // RIP, RFLAGS
	if _, err := ioctl("KVM_SET_REGS", cpu, kvmSetRegs, uintptr(unsafe.Pointer(&regs))); err != nil {
		return err
	}
	if _, err := ioctl("KVM_RUN", cpu, kvmRun, 0); err != nil {
		return err
	}
	if exit := *(*uint32)(unsafe.Pointer(&state[8])); exit != kvmExitHLT {
		return fmt.Errorf("a guest of one HLT ended with exit reason %d, want %d", exit, kvmExitHLT)
	}
	return nil
}
