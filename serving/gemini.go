package serving

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire"
)

// geminiMethods are the methods of Google's models.
var geminiMethods = map[string]struct {
	format wire.Format
	stream bool
}{
	"generateContent":       {wire.GeminiGenerate, false},
	"streamGenerateContent": {wire.GeminiGenerate, true},
	"countTokens":           {wire.GeminiCount, false},
	"embedContent":          {wire.GeminiEmbeddings, false},
	"batchEmbedContents":    {wire.GeminiEmbeddings, false},
}

// gemini answers Google's API below a base. The path has the model, which is the endpoint's name,
// and the method: models/NAME:METHOD.
func (s *Server) gemini(base string) {
	s.echo.POST(base+"/models/:model", func(c echo.Context) error {
		model, method := geminiModel(c)
		m, ok := geminiMethods[method]
		surface := gateway.Surface{APIType: "gemini/v1beta/" + method, Dialect: apierr.Google, Format: m.format}
		if !ok {
			surface.APIType = "unknown"
			surface.Refusal = apierr.New(apierr.ResourceNotFound, "models have no method %q here; %s", clipPath(method), supported)
		}
		s.call(c, surface, func(_ echo.Context, call *gateway.Call) {
			call.Endpoint, call.Stream = model, m.stream
		})
		return nil
	})
}

// geminiModel returns the model and the method that a path names.
func geminiModel(c echo.Context) (model, method string) {
	name := unescaped(c.Param("model"))
	i := strings.LastIndexByte(name, ':')
	if i < 0 {
		return name, ""
	}
	return name[:i], name[i+1:]
}

// arrays writes streams as one JSON array, which is what Google's API does for clients that don't
// ask for events by ?alt=sse.
type arrays struct {
	*responder
	begun bool
	out   []byte
}

// Start implements gateway.Responder.
func (a *arrays) Start(h *gateway.Head) error {
	as := *h
	as.ContentType = "application/json; charset=UTF-8"
	return a.responder.Start(&as)
}

// Send implements gateway.Responder.
func (a *arrays) Send(events []byte) error {
	a.out = a.out[:0]
	r := sse.NewReader(bytes.NewReader(events), len(events)+1, nil)
	for {
		ev, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if len(ev.Data) == 0 {
			continue
		}
		if a.begun {
			a.out = append(a.out, ",\r\n"...)
		} else {
			a.out = append(a.out, '[')
		}
		a.begun = true
		a.out = append(a.out, ev.Data...)
	}
	if len(a.out) == 0 {
		return nil
	}
	return a.responder.Send(a.out)
}

// close ends the array. It is called when the call is done.
func (a *arrays) close() {
	switch {
	case a.begun:
		_ = a.responder.Send([]byte("]")) // nobody listening changes nothing
	case a.started:
		_ = a.responder.Send([]byte("[]"))
	}
}
