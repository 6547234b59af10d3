package protocol_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/sql/protocol"
)

func TestRoundTrip(t *testing.T) {
	cell := "<é>\x01"
	messages := []*protocol.Message{
		{Query: &protocol.Query{SQL: "SELECT 1", Readable: []string{"a.b.c"}, RowLimit: 3}},
		{Rows: &protocol.Rows{Rows: [][]*string{{&cell, nil}}}},
		{Failure: &protocol.Failure{Class: protocol.Syntax, Message: "no", Line: 1, Column: 2}},
		{Done: &protocol.Done{Rows: 1, Truncated: true}},
	}
	var b bytes.Buffer
	w := protocol.NewConn(nil, &b)
	for _, m := range messages {
		if err := w.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	r := protocol.NewConn(&b, nil)
	for _, want := range messages {
		got, err := r.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s", d)
		}
	}
	if _, err := r.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

func TestBadFrames(t *testing.T) {
	frame := func(n uint32, body string) string {
		var h [4]byte
		binary.BigEndian.PutUint32(h[:], n)
		return string(h[:]) + body
	}
	for name, in := range map[string]string{
		"half a head":  "\x00\x00",
		"half a body":  frame(10, "{}"),
		"no JSON":      frame(5, "hello"),
		"too large":    frame(protocol.MaxFrame+1, ""),
		"a wrong type": frame(12, `{"Query":"x"}`),
	} {
		_, err := protocol.NewConn(strings.NewReader(in), nil).Receive()
		if err == nil || errors.Is(err, io.EOF) && name != "half a body" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := protocol.NewConn(strings.NewReader(frame(protocol.MaxFrame+1, "")), nil).Receive(); !errors.Is(err, protocol.ErrFrameTooLarge) {
		t.Errorf("too large: got %v", err)
	}
}

// TestConcurrentSend checks that frames of many senders do not mix.
func TestConcurrentSend(t *testing.T) {
	r, w := io.Pipe()
	conn := protocol.NewConn(nil, w)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := conn.Send(&protocol.Message{Answer: &protocol.Answer{ID: uint64(i), Text: strings.Repeat("x", 1000*i)}}); err != nil {
				t.Error(err)
			}
		})
	}
	in, seen := protocol.NewConn(r, nil), map[uint64]bool{}
	for range 20 {
		m, err := in.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if seen[m.Answer.ID] || len(m.Answer.Text) != 1000*int(m.Answer.ID) {
			t.Errorf("answer %d has %d bytes", m.Answer.ID, len(m.Answer.Text))
		}
		seen[m.Answer.ID] = true
	}
	wg.Wait()
}
