package chat

import "testing"

func TestHints(t *testing.T) {
	r := Request{Names: map[Feature]string{FUser: "metadata.user_id"}}
	for field, want := range map[string]bool{
		"metadata.user_id": true, "user": false, "verbosity": true, "tools[0].function.strict": true, "messages[0].content[1].cache_control": true,
		"messages[0].content[1].image_url.detail": true, "prompt_cache_key": true, "seed": false, "store": false,
	} {
		if r.Hint(Loss{Field: field}) != want {
			t.Errorf("%s is a hint: %v, want %v", field, !want, want)
		}
	}
}
