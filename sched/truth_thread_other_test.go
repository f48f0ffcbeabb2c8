//go:build !linux

package sched_test

// threadTruths need the numbers of threads.
var threadTruths []truth
