//go:build linux && cgo

// Cthread has C start a thread while goroutines keep all Ps busy, and prints that thread's CPUs.
package main

/*
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>

static void *look(void *n) {
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof set, &set) == 0)
		*(int *)n = CPU_COUNT(&set);
	return 0;
}

static int cpus(void) {
	int n = 0;
	pthread_t t;
	if (pthread_create(&t, 0, look, &n) == 0)
		pthread_join(t, 0);
	return n;
}
*/
import "C"

import (
	"fmt"
	"runtime"
	"sync"
)

func main() {
	var wg sync.WaitGroup
	least := make([]int, 4*runtime.GOMAXPROCS(0))
	for i := range least {
		wg.Go(func() {
			least[i] = int(C.cpus())
			for range 50 {
				runtime.Gosched()
				least[i] = min(least[i], int(C.cpus()))
			}
		})
	}
	wg.Wait()
	for _, n := range least {
		fmt.Println("cpus", n)
	}
}
