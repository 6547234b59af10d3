package responses

import (
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
)

// A reasoning item has one place for what proves a thought, encrypted_content. OpenAI's own
// proofs are there as they are. Those of other providers are marked with who signed them and
// what, so that they find their way back:
//
//	lakegate.<signer>.<what>.<signature>
//
// what is thought, redacted (the signature is all there is of the thought), or call: the signature
// belongs to the function call after the item, which has no place for one itself.
const carrierMark = "lakegate."

const (
	openAI      = "openai" // as Part.SignedBy has it
	carriesCall = "call"
	redacted    = "redacted"
	thought     = "thought"
)

func pack(signer, what, signature string) string {
	switch {
	case signature == "":
		return ""
	case signer == openAI:
		return signature
	default:
		return carrierMark + signer + "." + what + "." + signature
	}
}

func unpack(encrypted string) (signer, what, signature string) {
	rest, ok := strings.CutPrefix(encrypted, carrierMark)
	if parts := strings.SplitN(rest, ".", 3); ok && len(parts) == 3 {
		return parts[0], parts[1], parts[2]
	}
	if encrypted == "" {
		return "", "", ""
	}
	return openAI, thought, encrypted
}

// packPart returns the encrypted_content of a thought.
func packPart(p *chat.Part) string {
	what := thought
	if p.Redacted {
		what = redacted
	}
	return pack(p.SignedBy, what, p.Signature)
}

// unpackPart gives a thought the signature it came with.
func unpackPart(p *chat.Part, encrypted string) {
	what := ""
	p.SignedBy, what, p.Signature = unpack(encrypted)
	p.Redacted = p.Signature != "" && (what == redacted || p.Text == "")
}
