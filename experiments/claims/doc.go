// Package claims says what may be claimed of numa on simulated machines, and what may not.
//
// A simulation is exact, and yet it proves little: one seed is one sample, and many of a
// machine's constants are assumed. So each comparison of numa with another arm is made
// many times:
//
//   - with several seeds. The n-th seed also lengthens all latencies by n-1 thousandths,
//     because an arm that chooses nothing at random would give the same for each seed
//     (Alameldeen and Wood, HPCA 2003)
//   - with draws, in which all assumed constants have other values at once
//   - with each assumed constant at 0.7 and at 1.3 times its value, in the full table, on
//     machines of which it is assumed how far memory is, for what is judged by time
//
// A ratio is the other arm's time over numa's, so numa is faster where it is above 1. A
// claim is made only if it holds over all of these runs. Else it depends on a constant, on
// the draw or on the seed, and the table says on which. Over the seeds a claim must also
// pass a sign test, corrected for the number of claims by Holm's method. See decide.go.
//
// What is simulated is a [Block] for each machine and workload (grid.go, run.go). A file,
// claims.txt, keeps it (file.go), and the tables are computed from that (table.go).
package claims
