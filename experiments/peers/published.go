package peers

import "strings"

// A Published row is what others have measured of a workload: microseconds for the whole.
type Published struct {
	Load, Params string // as cells of results have them
	Tasks        int64  // as the workload counts them
	Micros       map[string]float64
}

// PublishedSource says where the published rows are from. Programs there are in C++ and
// linked with tcmalloc.
const PublishedSource = "tzcnt/runtime-benchmarks (README of commit 9f80447): EPYC 7742, 64 threads, Clang 21.1.7"

// PublishedThreads is how many threads they ran on.
const PublishedThreads = 64

// PublishedRuntimes are the runtimes of the published rows that are shown.
var PublishedRuntimes = []string{"libfork", "TooManyCooks", "taskflow", "onetbb"}

// PublishedRows has three of the four workloads of the table. The fourth, matmul, is left out:
// its time is the multiplying of small matrices, so it compares compilers.
var PublishedRows = []Published{
	{"fib", "n=39", 102334154, map[string]float64{"libfork": 67773, "TooManyCooks": 82517, "taskflow": 200510, "onetbb": 269588}},
	{"nqueens", "n=14", 27358553, map[string]float64{"libfork": 78595, "TooManyCooks": 83610, "taskflow": 166061, "onetbb": 163150}},
	{"skynet", "depth=8/channels=0", 111111111, map[string]float64{"libfork": 39509, "TooManyCooks": 46285, "taskflow": 205437, "onetbb": 141389}},
}

// PublishedLoads are the sizes of the table, and the original of one of them, as --workload
// takes them.
func PublishedLoads() string {
	var loads []string
	for _, row := range PublishedRows {
		loads = append(loads, row.Load+":"+strings.ReplaceAll(row.Params, "/", ":"))
	}
	return strings.Join(append(loads, "skynet:depth=6"), ",")
}
