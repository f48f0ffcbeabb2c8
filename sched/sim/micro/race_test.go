//go:build race

package micro

// Under the race detector a table takes ten times as long, and one thread at a time
// runs, so that there is little to find: a few presets do.
const raceDetector = true
