package gemini

import (
	"bytes"
	"slices"
	"strings"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// decoding is a request on its way into the common form.
type decoding struct {
	reader
	r *chat.Request

	calls   int           // how many calls came so far
	waiting []waitingCall // calls that have no result yet

	allowed field // toolConfig.functionCallingConfig.allowedFunctionNames
	names   []string
	mime    field // generationConfig.responseMimeType
	schema  field
}

type waitingCall struct{ id, name string }

// decodeRequest reads a GenerateContentRequest. Model and stream are for the caller to set.
func decodeRequest(body []byte) (*chat.Request, *apierr.Error) {
	var o rawjson.Object
	if err := o.Parse(body, wire.MaxDepth); err != nil {
		return nil, apierr.New(apierr.BadRequest, "the body can't be read: %v", err)
	}
	d := &decoding{r: &chat.Request{WantsUsage: true, Names: map[chat.Feature]string{}}}
	d.fields("", bytes.TrimSpace(body), d.top)
	d.finish()
	if d.err != nil {
		return nil, d.err
	}
	d.r.Rest = d.lost
	return d.r, nil
}

func (d *decoding) top(f field) {
	switch f.name {
	case "contents":
		d.elements(f, d.content)
	case "systemInstruction":
		d.fields(f.at, f.raw, func(f field) {
			switch f.name {
			case "parts":
				d.elements(f, d.systemPart)
			case "role": // of no meaning here
			default:
				d.unknown(f)
			}
		})
	case "tools":
		d.elements(f, d.tool)
	case "toolConfig":
		d.fields(f.at, f.raw, d.toolConfig)
	case "generationConfig":
		d.fields(f.at, f.raw, d.config)
	case "serviceTier":
		d.said(chat.FServiceTier, f)
		switch tier := strings.ToLower(d.text(f)); tier {
		case "unspecified", "service_tier_unspecified":
		case "standard":
			d.r.ServiceTier = "default" // OpenAI's word, which the common form speaks
		default:
			d.r.ServiceTier = tier
		}
	case "model":
		d.r.Model = strings.TrimPrefix(d.text(f), "models/")
	case "usageContext", "clientRequestId", "metadata": // lakegate's own
	case "store":
		if d.flag(f) {
			d.unknown(f)
		}
	case "safetySettings", "labels":
		if kind := f.kind; (kind != rawjson.Array && kind != rawjson.ObjectKind) || len(bytes.Trim(f.raw, "[]{} \t\r\n")) > 0 {
			d.unknown(f)
		}
	default:
		d.unknown(f)
	}
}

// said notes the client's name of a feature.
func (d *decoding) said(feature chat.Feature, f field) { d.r.Names[feature] = f.at }

func (d *decoding) systemPart(at string, raw []byte) {
	if p, ok := d.part(at, raw); ok {
		if p.Kind != chat.Text {
			d.fail(at, "must be a text, because it is part of the system instruction")
		}
		d.r.System = append(d.r.System, p)
	}
}

func (d *decoding) content(at string, raw []byte) {
	m := chat.Message{Role: chat.User, Path: at}
	d.fields(at, raw, func(f field) {
		switch f.name {
		case "role":
			switch role := d.text(f); role {
			case "user", "function", "tool", "":
			case "model":
				m.Role = chat.Assistant
			case "system":
				m.Role = chat.System
			default:
				d.fail(f.at, "must be \"user\" or \"model\", not %q", role)
			}
		case "parts":
			d.elements(f, func(at string, raw []byte) {
				if p, ok := d.part(at, raw); ok {
					m.Parts = append(m.Parts, p)
				}
			})
		default:
			d.unknown(f)
		}
	})
	m.Parts = joinThoughts(m.Parts)
	d.r.Messages = append(d.r.Messages, m)
}

// finish puts together what is said in several places.
func (d *decoding) finish() {
	r := d.r
	if d.err == nil && len(r.Messages) == 0 {
		d.fail("contents", "is missing: a request needs at least one content")
	}
	if d.names != nil {
		r.Tools = slices.DeleteFunc(r.Tools, func(t chat.Tool) bool { return !slices.Contains(d.names, t.Name) })
		if len(r.Tools) == 0 {
			d.fail(d.allowed.at, "names no function that is declared in tools")
		}
		if len(d.names) == 1 && r.ToolChoice.Mode == chat.ChooseAny {
			r.ToolChoice = chat.ToolChoice{Mode: chat.ChooseTool, Name: d.names[0]}
		}
	}
	if !r.LogProbs {
		r.TopLogProbs = 0
	}
	d.output()
}

// output reads the shape of the answer from responseMimeType and one of the schemas.
func (d *decoding) output() {
	mime := ""
	if d.mime.raw != nil {
		mime = d.text(d.mime)
	}
	switch {
	case mime == "application/json" && d.schema.raw != nil:
		schema := d.schema.raw
		if d.schema.name == "responseSchema" {
			schema = appendJSONSchema(nil, schema)
		}
		d.r.Output = &chat.Output{Kind: "json_schema", Schema: compact(schema)}
		d.said(chat.FOutput, d.schema)
	case mime == "application/json":
		d.r.Output = &chat.Output{Kind: "json_object"}
		d.said(chat.FOutput, d.mime)
	case d.schema.raw != nil:
		d.fail(d.schema.at, "needs the media type \"application/json\" beside it")
	case mime != "" && mime != "text/plain":
		d.lose(d.mime.at, "other APIs answer with text or JSON only")
	}
}
