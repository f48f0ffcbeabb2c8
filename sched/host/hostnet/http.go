package hostnet

import (
	"errors"
	"net/http"
	"reflect"
	"runtime"
	"sync"

	"numasched/sched"
)

var errNilHandler = errors.New("hostnet: Handler(nil): want a handler")

// Handler returns a handler that runs h as a G of s, once for each request: with [sched.Sched.Do],
// so most often on the thread of the goroutine that serves the connection. That goroutine waits
// until the G has ended. A panic of h, or a call of [runtime.Goexit], ends the request as it does in
// package http: it goes on in that goroutine. If s is closed, or has failed, before h begins, the
// answer is 503. If h has begun, the connection is closed, so that nobody takes half an answer for
// a whole one. In a G of s, h is called by that G. Handler panics if h is nil.
func Handler(s *sched.Sched, h http.Handler) http.Handler {
	if h == nil {
		panic(errNilHandler)
	}
	user := serveHTTP(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g := sched.Current(); g != nil && g.Sched() == s {
			h.ServeHTTP(w, r)
			return
		}
		c := handlerCalls.Get().(*handlerCall)
		c.h, c.w, c.r = h, w, r
		err := s.DoFor(user, c.run)
		switch {
		case err == nil && c.ended:
			c.h, c.w, c.r, c.begun, c.ended = nil, nil, nil, false, false
			handlerCalls.Put(c)
		case err == sched.ErrGoexit:
			runtime.Goexit()
		case err != nil && c.begun:
			panic(http.ErrAbortHandler)
		case err != nil:
			http.Error(w, "the scheduler does not run", http.StatusServiceUnavailable)
		default:
			panic(c.panicked)
		}
	})
}

// serveHTTP returns the function that answers requests to h.
func serveHTTP(h http.Handler) any {
	if reflect.TypeOf(h).Kind() == reflect.Func {
		return h
	}
	method, _ := reflect.TypeOf(h).MethodByName("ServeHTTP")
	return method.Func.Interface()
}

// A handlerCall is a call of a handler by a G.
type handlerCall struct {
	run func(*sched.G)

	h            http.Handler
	w            http.ResponseWriter
	r            *http.Request
	begun, ended bool
	panicked     any
}

// handlerCalls are those that no request uses. There is one call for each request.
var handlerCalls = sync.Pool{New: func() any {
	c := new(handlerCall)
	c.run = c.serve
	return c
}}

func (c *handlerCall) serve(*sched.G) {
	defer func() {
		if !c.ended {
			c.panicked = recover()
		}
	}()
	c.begun = true
	c.h.ServeHTTP(c.w, c.r)
	c.ended = true
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
