//go:build !linux

package numa

import "unsafe"

// SetPolicy returns [ErrUnsupported].
func SetPolicy(p Policy) error { return ErrUnsupported }

// CurrentPolicy returns [ErrUnsupported].
func CurrentPolicy() (Policy, error) { return Policy{}, ErrUnsupported }

// PolicyOf returns [ErrUnsupported].
func PolicyOf(p unsafe.Pointer) (Policy, error) { return Policy{}, ErrUnsupported }

// AllowedNodes returns [ErrUnsupported].
func AllowedNodes() ([]int, error) { return nil, ErrUnsupported }

// SetPolicyOf returns [ErrUnsupported].
func SetPolicyOf(mem []byte, p Policy, flags MoveFlags) error { return ErrUnsupported }

// MigrateProcess returns [ErrUnsupported].
func MigrateProcess(pid int, from, to []int) (left int, err error) { return 0, ErrUnsupported }

// Locate returns [ErrUnsupported].
func Locate(pages []unsafe.Pointer, nodes []int32) error { return ErrUnsupported }

// MovePages returns [ErrUnsupported].
func MovePages(pages []unsafe.Pointer, to, status []int32, all bool) error { return ErrUnsupported }

// LocateRange returns [ErrUnsupported].
func LocateRange(mem []byte) (Placement, error) { return Placement{}, ErrUnsupported }
