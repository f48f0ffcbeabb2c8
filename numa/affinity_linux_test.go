package numa

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"numasched/topology"
)

// locked runs the test on a thread of its own, which ends with the test. So nobody
// inherits what the test does to its mask and policy.
func locked(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		before, err := Affinity(0)
		if err != nil {
			t.Error(err)
			return
		}
		defer SetAffinity(0, before) // the main thread does not end
		f()
	}()
	<-done
}

func TestAThreadRunsOnEachCPUItIsBoundTo(t *testing.T) {
	locked(t, func() {
		allowed, err := Affinity(0)
		if err != nil {
			t.Fatal(err)
		}
		for cpu := range allowed.All() {
			if err := SetAffinity(0, topology.CPUs(cpu)); err != nil {
				t.Fatal(err)
			}
			got, err := Affinity(0)
			if err != nil || !got.Equal(topology.CPUs(cpu)) {
				t.Errorf("bound to CPU %d: mask %q, error %v", cpu, got, err)
			}
			if on, node := CurrentCPU(); on != cpu || node < 0 {
				t.Errorf("bound to CPU %d: runs on CPU %d of node %d", cpu, on, node)
			}
		}
		if err := SetAffinity(0, allowed); err != nil {
			t.Error(err)
		}
		if got, _ := Affinity(0); !got.Equal(allowed) {
			t.Errorf("mask %q after restoring %q", got, allowed)
		}
	})
}

func TestCurrentCPUAgreesWithTheKernelHoweverItAsks(t *testing.T) {
	locked(t, func() {
		allowed, _ := Affinity(0)
		for cpu := range allowed.All() {
			SetAffinity(0, topology.CPUs(cpu))
			c1, n1 := getcpu()
			c2, n2 := CurrentCPU()
			if c1 != c2 || n1 != n2 {
				t.Errorf("getcpu: CPU %d node %d; CurrentCPU: CPU %d node %d", c1, n1, c2, n2)
			}
		}
	})
}

func TestAffinityErrorsSayWhatIsWrong(t *testing.T) {
	locked(t, func() {
		before, _ := Affinity(0)
		// Somebody may have narrowed the mask. The kernel makes a wide one the cpuset's.
		if err := SetAffinity(0, topology.CPURange(0, 8192)); err != nil {
			t.Fatal(err)
		}
		cpuset, _ := Affinity(0)
		SetAffinity(0, before)
		for _, c := range []struct {
			tid   int
			cpus  topology.CPUSet
			errno syscall.Errno
			says  string
		}{
			{0, topology.CPUSet{}, syscall.EINVAL, "empty"},
			{0, topology.CPUs(500000), syscall.EINVAL, "cpuset of this process, which allows " + cpuset.String()},
			{1 << 22, before, syscall.ESRCH, "no such thread"},
		} {
			err := SetAffinity(c.tid, c.cpus)
			var ce *CallError
			if !errors.As(err, &ce) || ce.Errno != c.errno || !strings.Contains(err.Error(), c.says) {
				t.Errorf("SetAffinity(%d, %q) = %v; want %v and %q", c.tid, c.cpus, err, c.errno, c.says)
			}
		}
		if _, err := Affinity(1 << 22); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("Affinity of no thread: %v", err)
		}
		if after, _ := Affinity(0); !after.Equal(before) {
			t.Errorf("failed calls changed the mask from %q to %q", before, after)
		}
	})
}

func TestAMaskBeyondTheMachineIsNarrowedByTheKernel(t *testing.T) {
	locked(t, func() {
		before, _ := Affinity(0)
		if err := SetAffinity(0, topology.CPURange(0, 10000)); err != nil {
			t.Fatal(err)
		}
		if got, _ := Affinity(0); got.Contains(9999) || !before.AndNot(got).Empty() {
			t.Errorf("mask %q, was %q", got, before)
		}
	})
}

func TestPermissionAndAbsenceAreToldApart(t *testing.T) {
	refused := &CallError{Call: "mbind", Errno: syscall.EPERM}
	absent := &CallError{Call: "mbind", Errno: syscall.ENOSYS}
	if !errors.Is(refused, os.ErrPermission) || errors.Is(refused, ErrUnsupported) {
		t.Error("EPERM is not just a permission error")
	}
	if !errors.Is(absent, ErrUnsupported) || !errors.Is(absent, errors.ErrUnsupported) || errors.Is(absent, os.ErrPermission) {
		t.Error("ENOSYS is not just ErrUnsupported")
	}
}

func TestThreadsListsTheCallingThread(t *testing.T) {
	locked(t, func() {
		tids, err := Threads()
		if err != nil {
			t.Fatal(err)
		}
		for _, tid := range tids {
			if tid == syscall.Gettid() {
				return
			}
		}
		t.Errorf("thread %d is not among %v", syscall.Gettid(), tids)
	})
}

func BenchmarkCurrentCPU(b *testing.B) {
	for b.Loop() {
		CurrentCPU()
	}
}

func BenchmarkGetcpuSyscall(b *testing.B) {
	for b.Loop() {
		getcpu()
	}
}

func BenchmarkAffinity(b *testing.B) {
	for b.Loop() {
		Affinity(0)
	}
}

func BenchmarkSetAffinitySame(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	a, _ := Affinity(0)
	for b.Loop() {
		SetAffinity(0, a)
	}
}

func BenchmarkSetAffinityMove(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	a, _ := Affinity(0)
	defer SetAffinity(0, a)
	if a.Len() < 2 {
		b.Skip("needs two CPUs")
	}
	cpus := a.List()
	for i := 0; b.Loop(); i++ {
		SetAffinity(0, topology.CPUs(cpus[i&1]))
	}
}

func BenchmarkThreads(b *testing.B) {
	for b.Loop() {
		Threads()
	}
}

func BenchmarkCurrentThread(b *testing.B) {
	for b.Loop() {
		CurrentThread()
	}
}
