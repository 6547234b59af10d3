package statements

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/sql/warehouse"
)

const async = `{"statement":"SELECT 1","wait_timeout":"0s"}` // answers without waiting

func TestPolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		s := serve(t, fakeRunner(func(context.Context, warehouse.Query) (*warehouse.Result, error) {
			<-end
			return numbers(2), nil
		}), nil)
		defer s.close()
		golden(t, "running", s.run(async))
		golden(t, "running", s.do(http.StatusOK, http.MethodGet, statementsPath+"/"+id(1), ""))
		s.do(http.StatusBadRequest, http.MethodGet, statementsPath+"/"+id(1)+"/result/chunks/0", "")
		close(end)
		synctest.Wait()
		golden(t, "polled", s.do(http.StatusOK, http.MethodGet, statementsPath+"/"+id(1), ""))
	})
}

func TestWaitTimeout(t *testing.T) {
	for name, tt := range map[string]struct {
		fields string
		after  time.Duration
		want   state
	}{
		"default":           {``, 10 * time.Second, running},
		"no wait":           {`,"wait_timeout":"0s"`, 0, running},
		"no wait to cancel": {`,"wait_timeout":"0s","on_wait_timeout":"CANCEL"`, 0, running},
		"shortest":          {`,"wait_timeout":"5s"`, 5 * time.Second, running},
		"longest":           {`,"wait_timeout":"50s","on_wait_timeout":"CONTINUE"`, 50 * time.Second, running},
		"cancel":            {`,"on_wait_timeout":"CANCEL"`, 10 * time.Second, canceled},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, fakeRunner(hangs), nil)
				defer s.close()
				began := time.Now()
				got := stateIn(t, s.run(`{"statement":"SELECT 1"`+tt.fields+`}`))
				if took := time.Since(began); got != tt.want || took != tt.after {
					t.Errorf("%s after %s, want %s after %s", got, took, tt.want, tt.after)
				}
				s.wantState(1, tt.want)
			})
		})
	}
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		released := make(chan struct{})
		s := serve(t, fakeRunner(func(ctx context.Context, q warehouse.Query) (*warehouse.Result, error) {
			defer close(released)
			return hangs(ctx, q)
		}), nil)
		defer s.close()
		s.run(async)
		s.as("bob", http.StatusNotFound, http.MethodPost, statementsPath+"/"+id(1)+"/cancel", "")
		s.wantState(1, running)
		if got := s.do(http.StatusOK, http.MethodPost, statementsPath+"/"+id(1)+"/cancel/", ""); got != "{}\n" {
			t.Errorf("cancel = %q", got)
		}
		<-released
		golden(t, "canceled", s.do(http.StatusOK, http.MethodGet, statementsPath+"/"+id(1), ""))
		s.do(http.StatusOK, http.MethodPost, statementsPath+"/"+id(1)+"/cancel", "")
		if s.log.Len() > 0 {
			t.Errorf("log: %s", s.log)
		}
	})
}

// Who waits for a statement hears at once that another request cancelled it.
func TestCancelWakesTheWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, fakeRunner(hangs), nil)
		defer s.close()
		answer := make(chan string)
		go func() {
			answer <- s.request(t.Context(), "ann-1", http.MethodPost, statementsPath, `{"statement":"SELECT 1"}`).Body.String()
		}()
		synctest.Wait()
		s.do(http.StatusOK, http.MethodPost, statementsPath+"/"+id(1)+"/cancel", "")
		golden(t, "canceled", <-answer)
	})
}

// A result that comes after the cancel changes nothing, and neither does a cancel after the end.
func TestTheFirstOutcomeStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		s := serve(t, fakeRunner(func(context.Context, warehouse.Query) (*warehouse.Result, error) {
			<-end // deaf to its context
			return numbers(1), nil
		}), nil)
		defer s.close()
		s.run(async)
		s.do(http.StatusOK, http.MethodPost, statementsPath+"/"+id(1)+"/cancel", "")
		s.wantState(1, canceled)
		close(end)
		synctest.Wait()
		s.wantState(1, canceled)
		s.run(`{"statement":"SELECT 2"}`)
		s.do(http.StatusOK, http.MethodPost, statementsPath+"/"+id(2)+"/cancel", "")
		s.wantState(2, succeeded)
	})
}

func TestOwnership(t *testing.T) {
	s := serve(t, gives(numbers(1), nil), nil)
	defer s.close()
	s.run(`{"statement":"SELECT 1"}`)
	unknown := s.do(http.StatusNotFound, http.MethodGet, statementsPath+"/"+id(9), "")
	for _, token := range []string{"bob", "ann-2"} {
		for _, r := range [][2]string{{http.MethodGet, ""}, {http.MethodGet, "/result/chunks/0"}, {http.MethodPost, "/cancel"}} {
			if got := s.as(token, http.StatusNotFound, r[0], statementsPath+"/"+id(1)+r[1], ""); got != unknown {
				t.Errorf("%s %s: %s, while one that never was is %s", token, r[1], got, unknown)
			}
		}
	}
	golden(t, "not_found", unknown)
}

// Statements survive the request that brought them; only with CANCEL does a client that goes take
// its statement along.
func TestTheClientGoesAway(t *testing.T) {
	for action, want := range map[string]state{"CONTINUE": running, "CANCEL": canceled} {
		t.Run(action, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, fakeRunner(hangs), nil)
				defer s.close()
				ctx, leave := context.WithCancel(t.Context())
				answered := make(chan int)
				go func() {
					answered <- s.request(ctx, "ann-1", http.MethodPost, statementsPath, `{"statement":"SELECT 1","on_wait_timeout":"`+action+`"}`).Code
				}()
				synctest.Wait()
				leave()
				if code := <-answered; code != 499 {
					t.Errorf("status %d", code)
				}
				synctest.Wait()
				s.wantState(1, want)
			})
		})
	}
}

func TestMaxRuntime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, fakeRunner(hangs), func(c *Config) { c.MaxRuntime = 7 * time.Second })
		defer s.close()
		began := time.Now()
		golden(t, "too_long", s.run(`{"statement":"SELECT 1"}`))
		if took := time.Since(began); took != 7*time.Second {
			t.Errorf("after %s", took)
		}
	})
}

func TestMaxPerPrincipal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, fakeRunner(hangs), func(c *Config) { c.MaxPerPrincipal = 2 })
		defer s.close()
		s.run(async)
		s.run(async)
		w := s.request(t.Context(), "ann-1", http.MethodPost, statementsPath, async)
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), "REQUEST_LIMIT_EXCEEDED") {
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
		s.as("bob", http.StatusOK, http.MethodPost, statementsPath, async)
		s.do(http.StatusOK, http.MethodPost, statementsPath+"/"+id(1)+"/cancel", "")
		synctest.Wait()
		s.run(async)
	})
}

func TestTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, gives(numbers(1), nil), nil)
		defer s.close()
		s.run(`{"statement":"SELECT 1"}`)
		time.Sleep(40 * time.Minute) // the bubble's clock
		s.run(`{"statement":"SELECT 2"}`)
		time.Sleep(20*time.Minute - time.Nanosecond)
		s.wantState(1, succeeded)
		time.Sleep(time.Nanosecond)
		s.wantGone(1)
		s.wantState(2, succeeded)
		// Nobody asks any more: the rest goes by itself.
		time.Sleep(time.Hour)
		synctest.Wait()
		if sh := s.api.shelf; len(sh.byID) != 0 || len(sh.ended) != 0 || sh.bytes != 0 || sh.timer != nil {
			t.Errorf("left: %d statements, %d bytes", len(sh.byID), sh.bytes)
		}
	})
}

// A statement that runs is not dropped however long it takes: its time starts at its end.
func TestTTLStartsAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, fakeRunner(hangs), func(c *Config) { c.ResultTTL = time.Minute })
		defer s.close()
		s.run(async)
		time.Sleep(10 * time.Minute)
		s.wantState(1, running)
		time.Sleep(5*time.Minute + 59*time.Second) // MaxRuntime ended it 59 s ago
		s.wantState(1, failed)
		time.Sleep(time.Second)
		s.wantGone(1)
	})
}

func TestSizeEviction(t *testing.T) {
	big := numbers(1)
	big.Rows[0][0] = cell(strings.Repeat("x", 10_000))
	s := serve(t, gives(big, nil), func(c *Config) { c.MaxResultBytes = 25_000 })
	defer s.close()
	for range 3 {
		if st := stateIn(t, s.run(`{"statement":"SELECT 1"}`)); st != succeeded {
			t.Fatalf("state %s", st)
		}
	}
	s.wantGone(1)
	s.wantState(2, succeeded)
	s.wantState(3, succeeded)

	big.Rows[0][0] = cell(strings.Repeat("x", 25_000))
	golden(t, "larger_than_all", s.run(`{"statement":"SELECT 1"}`))
	s.wantState(2, succeeded)
	s.wantState(3, succeeded)
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, fakeRunner(hangs), nil)
		answer := make(chan string)
		go func() {
			answer <- s.request(t.Context(), "ann-1", http.MethodPost, statementsPath, `{"statement":"SELECT 1"}`).Body.String()
		}()
		synctest.Wait()
		s.close()
		golden(t, "closed", <-answer)
		s.close()
		s.do(http.StatusServiceUnavailable, http.MethodPost, statementsPath, async)
		s.wantState(1, failed)
		if s.log.Len() > 0 {
			t.Errorf("log: %s", s.log)
		}
	})
}

func TestCloseGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		s := serve(t, fakeRunner(func(context.Context, warehouse.Query) (*warehouse.Result, error) {
			<-end
			return nil, errors.New("late")
		}), nil)
		s.run(async)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.api.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close = %v", err)
		}
		close(end)
		s.close()
	})
}
