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
// Names are looked up, and connections made, by package net, as a system call of the G
// (see [sched.G.Syscall]). Where there is no poller for Gs yet, which is everywhere but on
// Linux, all operations are system calls of the G: other Gs run meanwhile, but each that
// waits has an M of its own. The same holds for a G of another scheduler than the one
// whose G first waited at the connection.
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
// HTTP/2 is handled by goroutines altogether; only its handlers can be Gs.
//
// # How fast it is
//
// BenchmarkHTTP has servers take turns, with a client on the same two CPUs. What follows are
// medians of ratios, of 10 to 30 turns of 0.2 s, on a virtual machine with two CPUs, on
// 27 November 2026. The machine was not quiet: runs of the same programs differed by a fifth. So each
// number is the range of all runs.
//
// A loop on Gs that reads requests and writes answers itself had 0.91 to 1.02 times the requests per
// second of the same loop on goroutines over one connection, 0.80 to 0.99 times over 8 and 0.80 to 0.89
// times over 64. Its 99th percentile was 1.01 to 1.23, 1.03 to 1.45 and 0.96 to 1.26 times the other's.
// It took 1.00 to 1.13, 1.03 to 1.17 and 1.08 to 1.33 times the CPU time for a request. Over one
// connection it makes 0.14 to 0.25 futex calls for each request, and the loop on goroutines 0.05 to
// 0.13.
//
// It loses CPU time in the program, and not in system calls. Over 64 connections perf counted, for each
// request, 0.04 futex calls (goroutines: 0.03 to 0.04), 1.95 to 1.98 reads (1.97 to 2.00), 0.07 to 0.08
// looks at epoll (0.06 to 0.07) and 0.16 to 0.24 switches of threads (0.13 to 0.18). The profile has no
// large part that the loop on goroutines lacks: it is spread over switches between coroutines, locks of
// descriptors, and finding out which G calls.
//
// [Handler] has the goroutine that reads a connection run the G of a request itself, if a P is idle
// ([sched.Sched.Do]). Such a server had 0.76 times the requests of the same server without Handler over
// one connection, and 0.81 times over 8 and over 64. Its 99th percentile was 1.41, 1.19 and 1.24 times
// the other's, and it took 1.45 to 1.55 times the CPU time. These are 20 turns of one run. Before, each
// request woke an M, and the M woke the goroutine. Then it had 0.51 to 0.62, 0.54 to 0.66 and 0.68 to
// 0.73 times the requests, and took 1.8 to 2.2 times the CPU time.
//
// Little of what Handler still costs is Do: in a profile over 64 connections it took 4 % of the CPU
// time. Much comes from GOMAXPROCS, which package host keeps two above the number of Ps. Then
// more threads of Go's runtime look for work, and more of its collector run. The collector's marking
// took 8 to 10 % of the CPU time, and 1 to 4 % in the server without Handler. And while a handler runs,
// net/http has another goroutine read the connection. On a free P of Go's that runs too early, and
// reads in vain. It took 12 % over 64 connections, and 3 % without Handler.
//
// Experiments of 10 turns each show how much that is. With GOMAXPROCS one above the number of Ps,
// Handler had 0.79, 0.81 and 0.90 times the requests over 1, 8 and 64 connections, and the loop on Gs
// 0.94, 0.90 and 0.90. With as many as Ps, Handler had 1.08, 0.80 and 0.80, and the loop on Gs 1.04, 1.04
// and 0.90. But then all of Go's Ps may be with Ms that sleep or compute. A goroutine that becomes ready
// waits until Go's runtime takes one of them away, and so does an M that wakes up. Nobody has measured how
// long. A server that wants speed runs its connections as Gs.
package hostnet
