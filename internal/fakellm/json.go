package fakellm

import (
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

const hexDigits = "0123456789abcdef"

// id returns a fresh id with a prefix, as OpenAI's look.
func (p *Plan) id(prefix string) string {
	var b [24]byte
	binary.LittleEndian.PutUint64(b[:], rand.Uint64())
	binary.LittleEndian.PutUint64(b[8:], rand.Uint64())
	binary.LittleEndian.PutUint64(b[16:], rand.Uint64())
	for i := range b {
		b[i] = hexDigits[b[i]&15]
	}
	return prefix + string(b[:])
}

var objects = map[Kind][2]string{
	Chat:        {"chat.completion", "chat.completion.chunk"},
	Completions: {"text_completion", "text_completion"},
}

// appendJSON appends the whole answer of a chat or completion.
func (p *Plan) appendJSON(b []byte) []byte {
	b = p.appendOpening(b, p.id("chatcmpl-"), objects[p.Kind][0])
	b = append(b, `"choices":[`...)
	for i := range p.Choices {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"index":`...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = p.appendChoice(b)
		b = append(b, `,"logprobs":null,"finish_reason":"`...)
		b = append(append(b, p.Finish...), `"}`...)
	}
	b = append(b, ']')
	if !p.Script.NoUsage {
		b = p.Usage.appendTo(append(b, `,"usage":`...))
	}
	return append(b, `,"service_tier":"default","system_fingerprint":"fp_fakellm"}`...)
}

// appendOpening appends what every answer and every chunk starts with.
func (p *Plan) appendOpening(b []byte, id, object string) []byte {
	b = append(append(b, `{"id":"`...), id...)
	b = append(append(b, `","object":"`...), object...)
	b = strconv.AppendInt(append(b, `","created":`...), time.Now().Unix(), 10)
	b = appendString(append(b, `,"model":`...), p.Model)
	return append(b, ',')
}

func (p *Plan) appendChoice(b []byte) []byte {
	switch {
	case p.Kind == Completions:
		return appendString(append(b, `,"text":`...), p.Content)
	case p.Tool != "":
		b = append(b, `,"message":{"role":"assistant","content":null,"tool_calls":[`...)
		b = appendString(append(b, `{"id":"call_fake_1","type":"function","function":{"name":`...), p.Tool)
		b = appendString(append(b, `,"arguments":`...), p.Content)
		return append(b, `}}],"refusal":null}`...)
	}
	b = append(b, `,"message":{"role":"assistant","content":`...)
	b = appendString(b, p.Content)
	return append(b, `,"refusal":null,"annotations":[]}`...)
}

// appendTo appends usage as OpenAI words it.
func (u Usage) appendTo(b []byte) []byte {
	b = strconv.AppendInt(append(b, `{"prompt_tokens":`...), u.Prompt, 10)
	b = strconv.AppendInt(append(b, `,"completion_tokens":`...), u.Completion, 10)
	b = strconv.AppendInt(append(b, `,"total_tokens":`...), u.Total, 10)
	b = strconv.AppendInt(append(b, `,"prompt_tokens_details":{"cached_tokens":`...), u.Cached, 10)
	b = strconv.AppendInt(append(b, `,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":`...), u.Reasoning, 10)
	return append(b, `,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}`...)
}

// appendString appends a JSON string; plain ASCII, which most text here is, costs one pass.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			q, err := json.Marshal(s)
			if err != nil {
				panic(err) // strings always marshal
			}
			return append(b, q...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

func modelList(ids []string) []byte {
	b := []byte(`{"object":"list","data":[`)
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendModel(b, id)
	}
	return append(b, "]}"...)
}

func appendModel(b []byte, id string) []byte {
	b = appendString(append(b, `{"id":`...), id)
	return append(b, `,"object":"model","created":1715367049,"owned_by":"fakellm"}`...)
}

func (s *Server) listModels(w http.ResponseWriter, path string) {
	s.counts.Models.Add(1)
	if path == "/models" {
		writeJSON(w, http.StatusOK, s.models)
		return
	}
	want := path[len("/models/"):]
	for _, id := range s.cfg.Models {
		if id == want {
			writeJSON(w, http.StatusOK, appendModel(nil, id))
			return
		}
	}
	writeError(w, http.StatusNotFound, "The model '"+want+"' does not exist.")
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header()["Content-Type"] = typeJSON
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left needs no answer
}
