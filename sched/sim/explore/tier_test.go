package explore

import "os"

// longTests reports whether there is time, as in .ci/run, which sets the
// variable. Other runs search less far, and try every sixteenth mutation. (A test
// that reads it here is run again when it changes; what is read before tests
// begin, go test does not notice.)
func longTests() bool { return os.Getenv("NUMASCHED_LONG_TESTS") != "" }
