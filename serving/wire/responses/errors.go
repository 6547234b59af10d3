package responses

import (
	"encoding/json"

	"github.com/lakegate/lakegate/internal/apierr"
)

// AppendStreamError appends an error event, and response.failed after it.
//
// Clients differ in what they look for: the error event has its text at the top, as documented,
// and in a member error, as OpenAI's servers send it and as its SDKs need to raise it; Codex knows
// response.failed only.
func AppendStreamError(dst []byte, e *apierr.Error) []byte {
	dst = appendErrorEvent(dst, 0, e.Message, codeOf(e), e.Param)
	dst = append(dst, "event: response.failed\ndata: "+
		`{"type":"response.failed","sequence_number":1,"response":{"id":"","object":"response","created_at":0,"status":"failed","error":`...)
	dst = appendError(dst, codeOf(e), e.Message)
	return append(dst, `,"incomplete_details":null,"model":"","output":[],"usage":null}}`+"\n\n"...)
}

func appendErrorEvent(dst []byte, seq int64, message, code, param string) []byte {
	code, message = quote(code), quote(message)
	quotedParam := "null"
	if param != "" {
		quotedParam = quote(param)
	}
	dst = append(dst, "event: error\ndata: "+`{"type":"error","sequence_number":`...)
	dst = appendInt(dst, seq)
	dst = append(dst, `,"code":`+code+`,"message":`+message+`,"param":`+quotedParam...)
	dst = append(dst, `,"error":{"type":`+code+`,"code":`+code+`,"message":`+message+`,"param":`+quotedParam+"}}\n\n"...)
	return dst
}

// responseCodes are the codes of a failed response that clients act on; strict ones know no code
// that the API does not have.
var responseCodes = map[string]bool{
	"rate_limit_exceeded": true, "invalid_prompt": true, "context_length_exceeded": true, "insufficient_quota": true,
}

// appendError writes the error of a failed response.
func appendError(dst []byte, code, message string) []byte {
	if !responseCodes[code] {
		code = "server_error"
	}
	return append(dst, `{"code":`+quote(code)+`,"message":`+quote(message)+`}`...)
}

// codeOf returns the code that OpenAI's dialect has for an error.
func codeOf(e *apierr.Error) string {
	var body struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(e.Body(apierr.OpenAI), &body) != nil || body.Error.Code == "" {
		return string(e.Code)
	}
	return body.Error.Code
}
