package gemini

import (
	"encoding/json"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// config reads a member of generationConfig.
func (d *decoding) config(f field) {
	r := d.r
	if feature, ok := configFeatures[f.name]; ok {
		d.said(feature, f)
	}
	switch f.name {
	case "temperature":
		r.Temperature = d.number(f)
	case "topP":
		r.TopP = d.number(f)
	case "topK": // of 64 is how Google's models are, which Gemini CLI says in every call
		if r.TopK = d.number(f); r.TopK == "64" {
			r.TopK = ""
		}
	case "maxOutputTokens":
		r.MaxTokens = d.integer(f)
	case "stopSequences":
		r.Stop = d.texts(f)
	case "candidateCount":
		r.N = *d.integer(f)
	case "seed":
		r.Seed = d.integer(f)
	case "presencePenalty":
		r.PresencePenalty = notZero(d.number(f))
	case "frequencyPenalty":
		r.FrequencyPenalty = notZero(d.number(f))
	case "responseLogprobs":
		r.LogProbs = d.flag(f)
	case "logprobs":
		r.TopLogProbs = *d.integer(f)
	case "responseMimeType":
		d.mime = f
	case "responseSchema", "responseJsonSchema":
		d.schema = f
	case "responseFormat":
		d.elements(f, d.format)
	case "thinkingConfig":
		d.thinking(f)
	case "responseModalities":
		if m := d.texts(f); len(m) > 0 && (len(m) > 1 || !strings.EqualFold(m[0], "text")) {
			d.lose(f.at, "other APIs answer with text only")
		}
	default:
		d.unknown(f)
	}
}

// format reads an element of responseFormat, the newer way to say responseMimeType and a schema.
func (d *decoding) format(at string, raw []byte) {
	d.fields(at, raw, func(f field) {
		if f.name != "text" {
			d.unknown(f)
			return
		}
		d.fields(f.at, f.raw, func(f field) {
			switch f.name {
			case "mimeType":
				d.mime = f
			case "schema":
				d.schema = f
			default:
				d.unknown(f)
			}
		})
	})
}

var configFeatures = map[string]chat.Feature{
	"temperature": chat.FTemperature, "topP": chat.FTopP, "topK": chat.FTopK, "maxOutputTokens": chat.FMaxTokens,
	"stopSequences": chat.FStop, "candidateCount": chat.FN, "seed": chat.FSeed, "presencePenalty": chat.FPresencePenalty,
	"frequencyPenalty": chat.FFrequencyPenalty, "responseLogprobs": chat.FLogProbs, "thinkingConfig": chat.FReasoning,
}

// notZero makes a penalty of 0 one that was not said.
func notZero(n json.Number) json.Number {
	if f, err := n.Float64(); err == nil && f == 0 {
		return ""
	}
	return n
}

// thinking reads a thinkingConfig. A budget of 0 switches thinking off, -1 leaves it to the model.
func (d *decoding) thinking(f field) {
	t, own := &chat.Reasoning{}, false
	d.fields(f.at, f.raw, func(f field) {
		switch f.name {
		case "includeThoughts":
			t.Show = d.flag(f)
		case "thinkingBudget":
			switch n := d.integer(f); {
			case *n == 0:
				t.Off = true
			case *n > 0:
				t.Budget = n
			default:
				own = true
			}
		case "thinkingLevel":
			if level := strings.ToLower(d.text(f)); level != "thinking_level_unspecified" {
				t.Effort = level
			}
		default:
			d.unknown(f)
		}
	})
	if *t != (chat.Reasoning{}) {
		t.Adaptive = own
		d.r.Reasoning = t
	}
}

// tool reads one Tool: declarations of functions, or a tool of Google's own.
func (d *decoding) tool(at string, raw []byte) {
	d.fields(at, raw, func(f field) {
		if f.name != "functionDeclarations" {
			d.lose(f.at, "it is a tool of Google's own")
			return
		}
		d.said(chat.FTools, f)
		d.elements(f, d.function)
	})
}

func (d *decoding) function(at string, raw []byte) {
	t := chat.Tool{Path: at}
	d.fields(at, raw, func(f field) {
		switch f.name {
		case "name":
			t.Name = d.text(f)
		case "description":
			t.Description = d.text(f)
		case "parameters", "parametersJsonSchema":
			if f.kind != rawjson.ObjectKind {
				d.fail(f.at, "must be an object, not %s", f.kind)
			}
			t.Schema = compact(f.raw)
			if f.name == "parameters" {
				t.Schema = appendJSONSchema(nil, t.Schema)
			}
		case "behavior":
			if b := d.text(f); b != "BLOCKING" && b != "UNSPECIFIED" {
				d.unknown(f)
			}
		default:
			d.unknown(f)
		}
	})
	if t.Name == "" {
		d.fail(at+".name", "is missing: a function needs a name")
	}
	d.r.Tools = append(d.r.Tools, t)
}

func (d *decoding) toolConfig(f field) {
	if f.name != "functionCallingConfig" {
		d.unknown(f)
		return
	}
	d.said(chat.FToolChoice, f)
	d.fields(f.at, f.raw, func(f field) {
		switch f.name {
		case "mode":
			switch mode := strings.ToUpper(d.text(f)); mode {
			case "MODE_UNSPECIFIED", "":
			case "AUTO":
				d.r.ToolChoice.Mode = chat.ChooseAuto
			case "ANY":
				d.r.ToolChoice.Mode = chat.ChooseAny
			case "NONE":
				d.r.ToolChoice.Mode = chat.ChooseNone
			case "VALIDATED":
				d.r.ToolChoice.Mode = chat.ChooseAuto
				d.lose(f.at, "other APIs can't check calls and leave them to the model at once")
			default:
				d.fail(f.at, "must be AUTO, ANY, NONE or VALIDATED, not %q", mode)
			}
		case "allowedFunctionNames":
			if names := d.texts(f); len(names) > 0 {
				d.allowed, d.names = f, names
			}
		case "streamFunctionCallArguments":
			if d.flag(f) {
				d.unknown(f)
			}
		default:
			d.unknown(f)
		}
	})
}
