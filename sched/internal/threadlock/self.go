package threadlock

// Self returns a number that no other goroutine has while the calling one lives: the
// address of the runtime's record of it. It is 0 on architectures without an assembly
// file here.
func Self() uintptr { return uintptr(getg()) }
