package forget

import (
	"bytes"

	"github.com/google/uuid"
)

// needles is what the proof looks for in bytes.
type needles struct {
	words [][]byte
	ids   ids // of erased requests, as text
}

func newNeedles(s Subject, erased ids) *needles {
	n := &needles{ids: erased}
	if s.Requester != "" {
		n.words = append(n.words, []byte(s.Requester))
	}
	if s.TagKey != "" { // as a request's body or a document may have it
		k, v := `"`+s.TagKey+`"`, `"`+s.TagValue+`"`
		n.words = append(n.words, []byte(k+":"+v), []byte(k+": "+v), []byte(s.TagKey+"="+s.TagValue))
	}
	return n
}

// hits counts where b names the subject.
func (n *needles) hits(b []byte) (words, ids int) {
	for _, w := range n.words {
		words += occurrences(b, w)
	}
	return words, n.idsIn(b)
}

// occurrences counts a word in b. Within a longer word it is another one.
func occurrences(b, word []byte) (n int) {
	for at := 0; ; {
		i := bytes.Index(b[at:], word)
		if i < 0 {
			return n
		}
		start, end := at+i, at+i+len(word)
		if (start == 0 || !wordByte(b[start-1]) || !wordByte(word[0])) && (end == len(b) || !wordByte(b[end]) || !wordByte(word[len(word)-1])) {
			n++
		}
		at = start + 1
	}
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

const uuidLen = 36

// idsIn counts ids of the set that are written out in b.
func (n *needles) idsIn(b []byte) (found int) {
	if len(n.ids) == 0 {
		return 0
	}
	for at := 8; at+uuidLen-8 <= len(b); {
		i := bytes.IndexByte(b[at:], '-')
		if i < 0 {
			return found
		}
		at += i
		if start := at - 8; start+uuidLen <= len(b) && b[start+13] == '-' && b[start+18] == '-' && b[start+23] == '-' {
			if id, err := uuid.ParseBytes(b[start : start+uuidLen]); err == nil && n.ids.has(id) {
				found++
			}
		}
		at++
	}
	return found
}

// rawIDs counts ids of the set that stand in b as 16 bytes, as log records have them.
func (n *needles) rawIDs(b []byte) (found int) {
	if len(n.ids) == 0 {
		return 0
	}
	for i := 0; i+16 <= len(b); i++ {
		if b[i+6]>>4 == 7 && b[i+8]>>6 == 2 && n.ids.has([16]byte(b[i:i+16])) {
			found++
		}
	}
	return found
}
