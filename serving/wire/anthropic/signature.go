package anthropic

import (
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
)

// signer is what this format's signatures are signed by.
const signer = "anthropic"

// Signatures of other providers travel through clients of this format in its own signature field,
// behind the name of who signed and a colon, which Anthropic's own don't have. So they find back
// to their provider when the client sends the answer back, and no other takes them for its own.

// packSignature returns what a client gets to see.
func packSignature(signature, by string) string {
	if signature == "" || by == "" || by == signer {
		return signature
	}
	return by + ":" + signature
}

// signedPart says who signed a thought that came from a client.
func signedPart(p chat.Part) chat.Part {
	by, signature, foreign := strings.Cut(p.Signature, ":")
	switch {
	case foreign:
		p.SignedBy, p.Signature = by, signature
	case p.Signature != "":
		p.SignedBy = signer
	}
	return p
}

// carriesSignature reports whether a thought is nothing but the signature of the call that follows
// it, for which this format has no field.
func carriesSignature(p *chat.Part) bool {
	return p.Kind == chat.Thinking && p.Text == "" && !p.Redacted && p.SignedBy != signer && p.Signature != ""
}
