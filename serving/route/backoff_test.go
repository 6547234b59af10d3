package route

import (
	"math"
	"testing"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
)

func TestBackoff(t *testing.T) {
	r := endpoint.Retries{Attempts: 9, Backoff: 100 * time.Millisecond, MaxBackoff: time.Second}
	tests := []struct {
		n     int
		asked time.Duration
		draw  uint32
		want  time.Duration
		ok    bool
	}{
		{n: 1, draw: 0, want: 0, ok: true},
		{n: 1, draw: 1 << 31, want: 50 * time.Millisecond, ok: true},
		{n: 2, draw: 1 << 31, want: 100 * time.Millisecond, ok: true},
		{n: 4, draw: 1 << 31, want: 400 * time.Millisecond, ok: true},
		{n: 5, draw: 1 << 31, want: 500 * time.Millisecond, ok: true},
		{n: 1000, draw: 1 << 31, want: 500 * time.Millisecond, ok: true},
		{n: 1, asked: time.Second, draw: 0, want: time.Second, ok: true},
		{n: 1, asked: time.Second, draw: 1 << 31, want: 1125 * time.Millisecond, ok: true},
		{n: 1, asked: 1001 * time.Millisecond, want: 1001 * time.Millisecond},
	}
	for _, tt := range tests {
		if got, ok := Backoff(r, tt.n, tt.asked, tt.draw); got != tt.want || ok != tt.ok {
			t.Errorf("Backoff(%d, %s, %d) = %s, %v, want %s, %v", tt.n, tt.asked, tt.draw, got, ok, tt.want, tt.ok)
		}
	}
	if got, _ := Backoff(r, 3, 0, math.MaxUint32); got >= 400*time.Millisecond || got < 399*time.Millisecond {
		t.Errorf("the longest wait is %s", got)
	}
}
