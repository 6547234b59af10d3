package probe

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// sent is a call that was made.
type sent struct {
	name          string
	answer        Check
	id            string // the gateway's; "" when it gave none
	status        int
	ended         time.Time
	input, output *int64 // as the answer told
	text          string // of the answer
	row           []*string
}

// nobody is an endpoint that there is not.
const nobody = "lakegate-probe-no-such-endpoint"

func (r *round) whole(ctx context.Context) *sent {
	return r.call(ctx, "whole", r.config.Endpoint, "Answer with the one word: pong.", false, func(s *sent, body io.Reader) error {
		b, err := io.ReadAll(io.LimitReader(body, 16<<20))
		if err != nil {
			return err
		}
		return s.read(b)
	})
}

func (r *round) stream(ctx context.Context) *sent {
	return r.call(ctx, "stream", r.config.Endpoint, "Answer with the one word: pong.", true, func(s *sent, body io.Reader) error {
		done := false
		err := events(body, func(data []byte) (more bool, err error) {
			if string(data) == "[DONE]" {
				done = true
				return true, nil
			}
			return true, s.read(data)
		})
		if err == nil && !done {
			err = fmt.Errorf("the stream ended without [DONE]")
		}
		return err
	})
}

// refused calls an endpoint that there is not.
func (r *round) refused(ctx context.Context) *sent {
	s := r.call(ctx, "error", nobody, "Nobody reads this.", false, func(s *sent, body io.Reader) error {
		_, err := io.Copy(io.Discard, io.LimitReader(body, 1<<20))
		return err
	})
	s.answer.OK = s.status == http.StatusNotFound || s.status == http.StatusForbidden
	if !s.answer.OK {
		s.answer.Detail += "; want 404 or 403, for an endpoint that there is not"
	}
	return s
}

// left reads the first event of a stream and goes.
func (r *round) left(ctx context.Context) *sent {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	return r.call(ctx, "left", r.config.Endpoint, "Count from one to sixty in words.", true, func(_ *sent, body io.Reader) error {
		seen := false
		err := events(body, func([]byte) (more bool, err error) {
			seen = true
			return false, nil
		})
		if err == nil && !seen {
			err = fmt.Errorf("the stream had no event")
		}
		leave()
		return err
	})
}

// call makes a call and lets take have the body of its answer.
func (r *round) call(ctx context.Context, name, endpoint, text string, stream bool, take func(*sent, io.Reader) error) *sent {
	s := &sent{name: name, answer: Check{Call: name, Name: "answer"}}
	ctx, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	began := time.Now()
	err := r.post(ctx, s, endpoint, text, stream, take)
	s.ended = time.Now()
	s.answer.Took = s.ended.Sub(began)
	switch {
	case err != nil:
		s.answer.Detail = err.Error()
	case s.id == "":
		s.answer.Detail = fmt.Sprintf("%d without the header x-request-id: is this lakegate?", s.status)
	default:
		s.answer.OK = s.status == http.StatusOK
		s.answer.Detail = fmt.Sprintf("%d after %s", s.status, s.answer.Took.Round(time.Millisecond))
	}
	return s
}

func (r *round) post(ctx context.Context, s *sent, endpoint, text string, stream bool, take func(*sent, io.Reader) error) error {
	body := map[string]any{
		"model":             endpoint,
		"messages":          []map[string]string{{"role": "user", "content": text + " (probe " + r.id + ")"}},
		"client_request_id": r.id + "-" + s.name,
		"usage_context":     map[string]string{"probe": s.name},
	}
	if stream {
		body["stream"], body["stream_options"] = true, map[string]bool{"include_usage": true}
	}
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.config.URL+"/v1/chat/completions", bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+r.config.Key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := r.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	s.status, s.id = resp.StatusCode, resp.Header.Get("X-Request-Id")
	if resp.StatusCode/100 != 2 {
		take = func(s *sent, body io.Reader) error {
			_, err := io.Copy(io.Discard, io.LimitReader(body, 1<<20))
			return err
		}
	}
	return take(s, resp.Body)
}

// read takes text and usage from an answer, or from an event of a stream.
func (s *sent) read(object []byte) error {
	var a struct {
		Choices []struct {
			Message, Delta struct{ Content string }
		}
		Usage *struct {
			Input  *int64 `json:"prompt_tokens"`
			Output *int64 `json:"completion_tokens"`
		}
		Error json.RawMessage
	}
	if err := json.Unmarshal(object, &a); err != nil {
		return fmt.Errorf("the answer is not what OpenAI's API answers: %w", err)
	}
	if len(a.Error) > 0 && string(a.Error) != "null" {
		return fmt.Errorf("the answer is an error: %.200s", a.Error)
	}
	for _, c := range a.Choices {
		s.text += c.Message.Content + c.Delta.Content
	}
	if a.Usage != nil {
		s.input, s.output = a.Usage.Input, a.Usage.Output
	}
	return nil
}

// events reads the data of server-sent events until take has enough.
func events(body io.Reader, take func(data []byte) (more bool, err error)) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 64<<10), 16<<20)
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data:"))
		if !ok {
			continue
		}
		if more, err := take(bytes.TrimSpace(data)); err != nil || !more {
			return err
		}
	}
	return lines.Err()
}

// payloadTable asks the gateway which table keeps the endpoint's payloads, "" for none.
func (p *Probe) payloadTable(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.config.URL+"/api/2.0/serving-endpoints/"+url.PathEscape(p.config.Endpoint), nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+p.config.Key)
	resp, err := p.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the gateway answered %s", resp.Status)
	}
	var e struct {
		AIGateway struct {
			Table *struct {
				Enabled bool   `json:"enabled"`
				Catalog string `json:"catalog_name"`
				Schema  string `json:"schema_name"`
				Prefix  string `json:"table_name_prefix"`
			} `json:"inference_table_config"`
		} `json:"ai_gateway"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&e); err != nil {
		return "", fmt.Errorf("read the endpoint's description: %w", err)
	}
	t := e.AIGateway.Table
	if t == nil || !t.Enabled {
		return "", nil
	}
	return quoted(t.Catalog) + "." + quoted(t.Schema) + "." + quoted(t.Prefix+"_payload"), nil
}

// quoted is a name in SQL.
func quoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
