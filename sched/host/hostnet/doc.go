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
//     handler of each request as a G. What the handler reads of the body and what it
//     writes, it reads and writes as a G.
//   - Serve itself may run as a G: it waits in Accept.
//   - A client's RoundTrip waits natively for goroutines of the Transport. [Transport] makes
//     that a system call of the G. The body is read by the G itself.
//
// HTTP/2 is handled by goroutines altogether; only its handlers can be Gs.
//
// # How fast it is
//
// BenchmarkHTTP has servers take turns, with a client on the same two CPUs. A loop on Gs that
// reads requests and writes answers itself had 0.82 to 0.88 of the requests per second of the
// same loop on goroutines, over 1, 16 and 64 connections. Its 99th percentile was 0.76 to 1.2 of
// the other's. (That was before reads and writes stopped allocating; since then the machine was
// never quiet enough.) Over 16 connections it had 1.36 times the requests of [net/http.Server]
// on goroutines.
//
// With [Handler] a server had 0.44 of the requests of the same server without over one
// connection, 0.58 over 16 and 0.66 over 64, and 0.69 over 16 since Handler lets the
// goroutine go on at once. A request there changes threads twice: from the goroutine to an M,
// which most often sleeps, and back. strace counts two futex calls for each request, where the
// server on goroutines makes one in a hundred. The handler itself takes less than either. A
// server that wants speed runs its connections as Gs.
package hostnet
