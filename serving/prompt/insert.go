package prompt

import (
	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// chat inserts into messages, as OpenAI and Cohere have them.
func (r *renderer) chat() *apierr.Error {
	i, k, v := r.find("messages")
	own, err := array("messages", k, v)
	if err != nil {
		return err
	}
	r.open()
	r.plain(r.system)
	r.plain(r.turns)
	r.set("messages", i, r.close(own))
	return nil
}

// responses inserts into input, which may be a text.
func (r *renderer) responses() *apierr.Error {
	i, k, v := r.find("input")
	own := v
	if k != rawjson.String {
		var err *apierr.Error
		if own, err = array("input", k, v); err != nil {
			return err
		}
	}
	r.open()
	r.plain(r.system)
	r.plain(r.turns)
	if k == rawjson.String {
		r.comma()
		r.memory = append(append(append(r.memory, `{"role":"user","content":`...), own...), '}')
		own = nil
	}
	r.set("input", i, r.close(own))
	return nil
}

// anthropic inserts into messages and system. The latter is a text, or a list of blocks where the client has
// one of its own.
func (r *renderer) anthropic() *apierr.Error {
	i, k, v := r.find("messages")
	own, err := array("messages", k, v)
	if err != nil {
		return err
	}
	r.open()
	r.plain(r.turns)
	r.set("messages", i, r.close(own))
	if len(r.system) == 0 {
		return nil
	}
	i, k, v = r.find("system")
	own = v
	if k != rawjson.String {
		if own, err = array("system", k, v); err != nil {
			return err
		}
	}
	r.open()
	r.parts(r.system, `{"type":"text","text":`)
	if k == rawjson.String {
		if len(own) > len(`""`) { // Anthropic's API refuses an empty block
			r.comma()
			r.memory = append(append(append(r.memory, `{"type":"text","text":`...), own...), '}')
		}
		own = nil
	}
	r.set("system", i, r.close(own))
	return nil
}

// gemini inserts into contents and systemInstruction.
func (r *renderer) gemini() *apierr.Error {
	i, k, v := r.find("contents")
	own, err := array("contents", k, v)
	if err != nil {
		return err
	}
	r.open()
	for j := range r.turns {
		before := `{"role":"user","parts":[{"text":`
		if r.turns[j].role == Assistant {
			before = `{"role":"model","parts":[{"text":`
		}
		r.comma()
		r.memory = append(r.memory, before...)
		r.memory = append(r.turns[j].text.append(r.memory, r.values), "}]}"...)
	}
	r.set("contents", i, r.close(own))
	if len(r.system) == 0 {
		return nil
	}
	i, k, v = r.find("systemInstruction", "system_instruction")
	if own, err = instructionParts(k, v); err != nil {
		return err
	}
	r.open()
	start := r.list
	r.memory = append(r.memory[:start], `{"parts":[`...)
	r.list = len(r.memory) - 1
	r.parts(r.system, `{"text":`)
	r.close(own)
	r.memory = append(r.memory, '}')
	r.set("systemInstruction", i, r.memory[start:len(r.memory):len(r.memory)])
	return nil
}

// instructionParts returns the parts of a client's own instruction, a list.
func instructionParts(k rawjson.Kind, v []byte) (parts []byte, err *apierr.Error) {
	const field = "systemInstruction"
	if k == rawjson.Null || k == rawjson.Invalid {
		return nil, nil
	}
	if k != rawjson.ObjectKind {
		return nil, invalid(field, "field %q must be an object with parts, not %s", field, k)
	}
	rawjson.Members(v, func(name []byte, k rawjson.Kind, v []byte) bool {
		if string(name) == "parts" {
			parts, err = array(field+".parts", k, v)
		}
		return err == nil
	})
	return parts, err
}
