// Loops has goroutines that never give up their P, and one that others wake. With
// GODEBUG=asyncpreemptoff=1 nobody preempts them. It ends when the one has run each time.
package main

import "runtime"

func main() {
	const loops = 4
	runtime.GOMAXPROCS(loops + 1)
	for range loops {
		started := make(chan bool)
		go func() {
			close(started)
			for i := 0; ; i++ {
			}
		}()
		<-started
	}
	println("ran")
}
