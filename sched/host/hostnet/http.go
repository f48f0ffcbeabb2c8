package hostnet

import (
	"net/http"
	"runtime"

	"numasched/sched"
)

// Handler returns a handler that runs h as a G of s, once for each request: with [sched.Sched.Do],
// so most often on the thread of the goroutine that serves the connection. That goroutine waits
// until the G has ended. A panic of h, or a call of [runtime.Goexit], ends the request as it does in
// package http: it goes on in that goroutine. If s is closed, or the G is cancelled, the answer is
// 503.
func Handler(s *sched.Sched, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ended := false
		var panicked any
		err := s.Do(func(*sched.G) {
			defer func() {
				if !ended {
					panicked = recover()
				}
			}()
			h.ServeHTTP(w, r)
			ended = true
		})
		switch {
		case err == sched.ErrGoexit:
			runtime.Goexit()
		case err != nil:
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		case !ended:
			panic(panicked)
		}
	})
}

// A Transport is an [http.RoundTripper] for Gs: the wait for the answer is a system call of
// the G. Base does the work; nil means [http.DefaultTransport].
type Transport struct{ Base http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (t Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	return inSyscall(func() (*http.Response, error) { return base.RoundTrip(r) })
}
