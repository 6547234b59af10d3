package gemini

import (
	"encoding/base64"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
)

// Signatures of other providers' thoughts travel through Google's clients, which send thoughts
// back as they got them, so that their provider knows them again. Google's are base64; so are these:
//
//	base64("lakegate:" signer ":" "redacted:"? signature)
const foreignMark = "lakegate:"

// thoughtSignature returns what a client of Google's API is given as the signature of a part, ""
// for none.
func thoughtSignature(signature, by string, redacted bool) string {
	if by == signedByGemini || signature == "" {
		return signature
	}
	if redacted {
		signature = "redacted:" + signature
	}
	return base64.StdEncoding.EncodeToString([]byte(foreignMark + by + ":" + signature))
}

// sign sets the signature of a part as a client of Google's API sent it.
func sign(p *chat.Part, signature string) {
	if signature == "" {
		return
	}
	p.Signature, p.SignedBy = signature, signedByGemini
	raw, err := base64.StdEncoding.DecodeString(standardBase64(signature))
	if err != nil {
		return
	}
	foreign, ok := strings.CutPrefix(string(raw), foreignMark)
	if !ok {
		return
	}
	p.SignedBy, p.Signature, _ = strings.Cut(foreign, ":")
	p.Signature, p.Redacted = strings.CutPrefix(p.Signature, "redacted:")
}

// joinThoughts puts pieces of a thought together, which clients that streamed it send one by one,
// the signature with the last.
func joinThoughts(parts []chat.Part) []chat.Part {
	all := parts[:0]
	for _, p := range parts {
		if n := len(all); n > 0 && p.Kind == chat.Thinking && all[n-1].Kind == chat.Thinking && all[n-1].Signature == "" {
			p.Text, p.Path = all[n-1].Text+p.Text, all[n-1].Path
			all[n-1] = p
			continue
		}
		all = append(all, p)
	}
	return all
}
