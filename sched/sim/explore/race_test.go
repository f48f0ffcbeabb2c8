//go:build race

package explore

// Under the race detector an explorer's executions are few: one thread at a time
// runs, so it has little to find here, and Go 1.26 does not give back what it
// keeps for a coroutine, about 5 kB each.
const raceDetector = true
