package fakellm

import (
	"net/http"
	"strconv"
)

var errorTypes = map[int][2]string{
	http.StatusBadRequest:      {"invalid_request_error", ""},
	http.StatusUnauthorized:    {"invalid_request_error", "invalid_api_key"},
	http.StatusNotFound:        {"invalid_request_error", "model_not_found"},
	http.StatusTooManyRequests: {"requests", "rate_limit_exceeded"},
}

// writeError sends an error as OpenAI words it.
func writeError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, errorBody(status, message))
}

func errorBody(status int, message string) []byte {
	kind, code := errorTypes[status][0], errorTypes[status][1]
	if kind == "" {
		kind = "server_error"
	}
	b := appendString([]byte(`{"error":{"message":`), message)
	b = appendString(append(b, `,"type":`...), kind)
	b = append(b, `,"param":null,"code":`...)
	if code == "" {
		b = append(b, "null"...)
	} else {
		b = appendString(b, code)
	}
	return append(b, "}}"...)
}

// fail answers with the scripted status.
func (a *answer) fail() bool {
	s := &a.p.Script
	a.s.counts.Failed.Add(1)
	if s.Retry != "" {
		a.w.Header()["Retry-After"] = []string{s.Retry}
	}
	if s.Body != "" {
		return a.oddBody()
	}
	return a.send(s.Status, typeJSON, errorBody(s.Status, "Scripted error "+strconv.Itoa(s.Status)+"."))
}

const htmlPage = "<!DOCTYPE html>\n<html><head><title>Bad gateway</title></head>" +
	"<body><h1>Bad gateway</h1><p>The web server reported an error.</p></body></html>\n"

// oddBody answers with something that is not the answer.
func (a *answer) oddBody() bool {
	status := a.p.Script.Status
	if status == 0 {
		status = http.StatusOK
	}
	switch a.p.Script.Body {
	case "html":
		return a.send(status, []string{"text/html; charset=utf-8"}, []byte(htmlPage))
	case "text":
		return a.send(status, []string{"text/plain; charset=utf-8"}, []byte("upstream connect error"))
	case "empty":
		return a.send(status, typeJSON, nil)
	case "null":
		return a.send(status, typeJSON, []byte("null"))
	case "list":
		return a.send(status, typeJSON, []byte("[]"))
	}
	whole := a.p.appendJSON(nil)
	half := whole[:len(whole)/2]
	if a.p.Script.Body == "half" {
		return a.send(status, typeJSON, half)
	}
	a.head(status, typeJSON, len(whole)) // cut: promises the whole, sends half and hangs up
	_, _ = a.w.Write(half)
	a.flush()
	panic(http.ErrAbortHandler)
}
