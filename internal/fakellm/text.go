package fakellm

import (
	"strings"
	"unicode/utf8"
)

const sentence = "The gateway keeps a row for every call so that each team can see what it asked, " +
	"which model answered, how long it took and what it cost in the end. "

// longText repeats the sentence; wordEnd[n] is where its nth word ends.
var longText, wordEnd = func() (string, []int) {
	text := strings.Repeat(sentence, 160)
	ends := []int{0}
	for i := 1; i < len(text); i++ {
		if text[i] == ' ' && text[i-1] != ' ' {
			ends = append(ends, i)
		}
	}
	return text, ends
}()

// words returns n words. Up to a few thousand it allocates nothing.
func words(n int) string {
	if n < len(wordEnd) {
		return longText[:wordEnd[n]]
	}
	var b strings.Builder
	for whole := len(wordEnd) - 1; n > 0; n -= whole {
		b.WriteString(longText[:wordEnd[min(n, whole)]])
		b.WriteByte(' ')
	}
	return strings.TrimSuffix(b.String(), " ")
}

// textOf returns n bytes of text.
func textOf(n int) string {
	return strings.Repeat(longText, n/len(longText)+1)[:n]
}

// piece returns the ith of n pieces of text, cut between characters.
func piece(text string, i, n int) string {
	return text[cut(text, i, n):cut(text, i+1, n)]
}

func cut(text string, i, n int) int {
	at := len(text) * i / n
	for at < len(text) && !utf8.RuneStart(text[at]) {
		at++
	}
	return at
}
