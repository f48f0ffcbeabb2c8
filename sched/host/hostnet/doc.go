// Package hostnet has network connections, listeners and pipes on which Gs wait without
// holding a P: TCP, UDP and Unix sockets, with deadlines.
//
// They implement [net.Conn], [net.Listener] and [net.PacketConn]. Their methods find out
// which G calls ([sched.Current]). If a G has to wait, it parks, and the poller of its
// node makes it ready. So a G may use them wherever a goroutine would use package net's:
//
//	l, err := hostnet.Listen("tcp", "localhost:0")
//	for {
//		c, err := l.Accept() // g waits here
//		g.Go(func(g *sched.G) {
//			defer c.Close()
//			io.Copy(c, c)
//		})
//	}
//
// A goroutine that is no G may call the same methods. It then waits in Go's own poller.
// Closing a connection and setting a deadline concern both.
//
// Package net looks up names and makes connections, in a system call of the G (see
// [sched.G.Syscall]). In two cases all other operations are system calls of the G, too. Other Gs
// run meanwhile, but each G that waits has an M of its own. The cases:
//
//   - the system is not Linux, so that there is no poller for Gs
//   - a G of another scheduler was the first to wait at the connection
//
// # net/http
//
// [net/http.Server.Serve] and [net/http.Transport] work over these connections. But they start
// goroutines of their own, which are no Gs, and they wait in native channels. So:
//
//   - A server reads requests on goroutines, one for each connection. [Handler] runs the
//     handler of each request as a G, most often on the thread of that goroutine. What the handler
//     reads of the body and what it writes, it reads and writes as a G.
//   - Serve itself may run as a G: it waits in Accept.
//   - A client's RoundTrip waits natively for goroutines of the Transport. [Transport] makes
//     that a system call of the G. The body is read by the G itself.
//
// HTTP/2 is handled by goroutines altogether. Only its handlers can be Gs.
//
// # How fast it is
//
// A server on Gs is slower than its peer on goroutines: it answers 0.86 to 0.94 times as many
// requests. If speed counts and the program needs Gs, run its connections as Gs, not only its handlers.
//
// BenchmarkHTTP has servers take turns, with a client on the same two CPUs. The tables have medians
// of ratios of two runs of 24 turns of 0.2 s, on a virtual machine with two CPUs. The machine was not
// quiet: runs of the same programs differed by a tenth.
//
// This is a loop on Gs that reads requests and writes answers itself, relative to the same loop on
// goroutines:
//
//	connections   requests per second   99th percentile   CPU time for a request
//	          1          0.86 and 0.90      1.20 and 1.21            1.12 and 1.28
//	          8          0.90 and 0.93      1.01 and 1.13            1.08 and 1.10
//	         64          0.91 and 0.94      0.85 and 0.87            1.10 and 1.14
//
// The loop on Gs spends more CPU time in the program. Except for the collector (see below), no single part
// of its profile is large and missing from the other loop's. The rest is spread over switches between
// coroutines, locks of descriptors, and finding out which G calls.
//
// The loop on Gs does not try to read what it has emptied, unless others are queued (see readAs). The table
// was measured with a loop that never tried; requests per second differ by no more than between runs of the
// same program. Reads for each request:
//
//	connections   on Gs   on Gs, never trying   on goroutines
//	          1     1.0                   1.0             1.5
//	          8     1.6                   1.0               -
//	         64     1.9                   1.0             2.0
//
// Always trying costs requests over 8 connections: in a run of 20 turns the loop on Gs had 0.85 of the other
// loop's requests with it and 1.00 without. (The runs of the table found less than 1.00.) Over one
// connection a try often finds the next request. There, in short runs on a busy
// machine, the loop made 0.63 to 0.65 futex calls for each request with it and 0.79 to 0.91 without.
//
// [Handler] has the goroutine that reads a connection run the G of a request itself, if a P is idle
// ([sched.Sched.Do]). This call is named a visit. The table compares such a server with the same one
// without Handler:
//
//	connections   requests per second   99th percentile   CPU time for a request
//	          1          0.91 and 0.94      1.09 and 1.17            1.06 and 1.16
//	          8          0.88 and 0.90      0.65 and 0.75            1.38 and 1.40
//	         64          0.88 and 0.93      1.01 and 1.11            1.31 and 1.33
//
// Most of the difference is the P that a visit takes and leaves. Three kinds of visits over 8 connections
// show it. This is their CPU time relative to a server whose scheduler has nothing to do (medians of 40
// turns):
//
//	a visit that only changes stacks      1.03
//	a visit that takes a P and leaves it  1.30
//	a whole visit                         1.21
//
// On one CPU with nothing beside, a whole visit takes 0.7 us.
//
// GOMAXPROCS, which is two above the number of CPUs, is not the whole cause. A server without Handler and
// with as large a GOMAXPROCS had 0.98, 1.13 and 1.08 times the requests over 1, 8 and 64 connections. A
// smaller GOMAXPROCS makes up for nothing, except over one connection. Package host says at
// gomaxprocsSlack what it costs.
//
// perf shows where the CPU time goes, over 64 connections. This profile is of visits that were more
// expensive than now: each request took 48 us with Handler and 36 without. The 12 us are:
//
//   - 4 us for the collector. The heap of this benchmark is below 1 MB, so Go collects it after
//     every 3 MB. More than half of the 4 us is Go's sweeper, which goes round and round while the
//     thread of another that sweeps has no CPU (as in golang/go#73499). It took 2.4 us with Handler in
//     this profile, 0.8 in another, and 0.3 to 0.6 without. It takes a share of the loop on Gs, too. Where
//     both servers collect eight times less often (GOGC=800), Handler had 0.93 of the requests (0.74 to 1.14).
//   - 1.6 us for the visit: 0.6 to come and go between stacks, and 0.9 to take a P and to leave it.
//   - 2.3 us for what stands between net/http and package net's connection: two reads, a write and
//     deadlines. A deadline that is set already is not set again, which this profile does not have yet.
//   - 0.8 us for net/http's goroutine that reads the connection while a handler runs.
//   - The rest is in Go's scheduler and poller, and in neither of them in one place.
//
// Over one connection Handler makes 1.9 futex calls for each request under perf, and the server without
// it 1.4. Nearly all of both are of Go's scheduler.
package hostnet
