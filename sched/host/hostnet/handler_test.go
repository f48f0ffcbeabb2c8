package hostnet_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"numasched/sched"
	"numasched/sched/host/hostnet"
)

func TestHandlerOfAClosedScheduler(t *testing.T) {
	s := start(t, "flat", "synthetic:1x1")
	s.Close()
	w := httptest.NewRecorder()
	hostnet.Handler(s, http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", w.Code)
	}
}

// A handler in a G of the same scheduler, as behind another Handler, runs in that G.
func TestHandlerInAHandler(t *testing.T) {
	s := start(t, "flat", "synthetic:1x1")
	h := hostnet.Handler(s, hostnet.Handler(s, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, sched.Current() != nil)
	})))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusOK || w.Body.String() != "true" {
		t.Errorf("%d %q, want 200 \"true\"", w.Code, w.Body)
	}
}

// Nobody takes half of an answer for a whole one: the scheduler is closed while a handler runs.
func TestAHandlerThatIsCancelledClosesItsConnection(t *testing.T) {
	s := start(t, "flat", "synthetic:1x1")
	waits := make(chan bool)
	srv := httptest.NewServer(hostnet.Handler(s, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "half")
		http.NewResponseController(w).Flush()
		close(waits)
		g := sched.Current()
		sched.NewChan[int](s, 0).Recv(g)
	})))
	defer srv.Close()
	resp, err := http.Get(srv.URL)
	check(t, err)
	defer resp.Body.Close()
	<-waits
	s.Close()
	if got, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("the answer is %q, and whole", got)
	}
}

// waitingHandler is a handler that is no function. It sends to itself, and waits for ever.
type waitingHandler chan bool

func (h waitingHandler) ServeHTTP(http.ResponseWriter, *http.Request) { waitForEver(h) }

func waitForEver(waits chan<- bool) {
	g := sched.Current()
	waits <- true
	sched.NewChan[int](g.Sched(), 0).Recv(g)
}

// A deadlock names the handlers of users, and not what calls them.
func TestADeadlockNamesHandlers(t *testing.T) {
	s := start(t, "flat", "synthetic:1x1")
	waits := make(chan bool)
	for _, h := range []http.Handler{waitingHandler(waits), http.HandlerFunc(func(http.ResponseWriter, *http.Request) { waitForEver(waits) })} {
		go func() {
			defer func() { recover() }() // it is cancelled
			hostnet.Handler(s, h).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		}()
		<-waits
	}
	err := s.Run(func(g *sched.G) { sched.NewChan[int](s, 0).Recv(g) })
	for _, want := range []string{"hostnet_test.waitingHandler.ServeHTTP (", "hostnet_test.TestADeadlockNamesHandlers.func1 ("} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Run returned %v, which does not name %q", err, want)
		}
	}
}

func TestHandlerOfNothingIsRefused(t *testing.T) {
	s := start(t, "flat", "synthetic:1x1")
	defer func() {
		if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), "want a handler") {
			t.Errorf("Handler(nil) panics with %v", err)
		}
	}()
	hostnet.Handler(s, nil)
}

// A call of a handler is used again, and none knows of what has become of the one before.
func TestCallsOfAHandlerThatPanicsNowAndThen(t *testing.T) {
	s := start(t, "flat", "synthetic:1x1")
	calls := 0
	h := hostnet.Handler(s, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		if calls%3 == 0 {
			panic(r.URL.Path)
		}
		fmt.Fprint(w, r.URL.Path)
	}))
	for i := 1; i <= 30; i++ {
		path, w := fmt.Sprint("/", i), httptest.NewRecorder()
		var panicked any
		func() {
			defer func() { panicked = recover() }()
			h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		}()
		if i%3 == 0 {
			if panicked != path {
				t.Errorf("call %d panics with %v, want %s", i, panicked, path)
			}
		} else if panicked != nil || w.Body.String() != path {
			t.Errorf("call %d panics with %v and answers %q, want %s", i, panicked, w.Body, path)
		}
	}
	if calls != 30 {
		t.Errorf("the handler was called %d times, want 30", calls)
	}
}
