package main

import (
	"strings"
	"testing"

	"github.com/lakegate/lakegate/serving/control"
)

func TestChangesOfAnEndpointAreReadable(t *testing.T) {
	long := strings.Repeat("be kind. ", 20)
	changes := []control.Difference{
		{Path: "config.served_entities[gpt].external_model.name", From: []byte(`"gpt-4o"`), To: []byte(`"gpt-5"`)},
		{Path: "config.served_entities[gpt].external_model.task", To: []byte(`"llm/v1/chat"`)},
		{Path: "config.traffic_config.routes[gpt].traffic_percentage", From: []byte(`90`), To: []byte(`50`)},
		{Path: "description", From: []byte(`"a\u003cb\u001b[31m"`)},
		{Path: "lakegate.text", From: []byte(`"` + long + `Say yes. ` + long + `"`), To: []byte(`"` + long + `Say no. ` + long + `"`)},
		{Path: "lakegate.whole", To: []byte(`"` + long + `"`)},
	}
	for _, x := range []struct {
		show howMuch
		want string
	}{
		{howMuch{}, `~ config.served_entities[gpt]
    ~ external_model.name  "gpt-4o" -> "gpt-5"
    + external_model.task  "llm/v1/chat"
~ config.traffic_config.routes[gpt].traffic_percentage  90 -> 50
- description                                           "a<b\x1b[31m"
~ lakegate.text                                         … kind. be kind. Say yes. be kind. be kind. … -> … kind. be kind. Say no. be kind. be kind. …
+ lakegate.whole                                        "` + long[:158] + `…
`},
		{howMuch{lines: 2}, `~ config.served_entities[gpt]
    ~ external_model.name  "gpt-4o" -> "gpt-5"
    + external_model.task  "llm/v1/chat"
and 4 more (--all shows them)
`},
	} {
		var out strings.Builder
		writeChanges(&out, false, "", changes, x.show)
		if out.String() != x.want {
			t.Errorf("%+v: got\n%s\nwant\n%s", x.show, out.String(), x.want)
		}
	}
	var out strings.Builder
	writeChanges(&out, true, "", changes[:1], howMuch{whole: true})
	if want := "\x1b[33m~\x1b[0m config.served_entities[gpt].external_model.name  \x1b[31m\"gpt-4o\"\x1b[0m -> \x1b[32m\"gpt-5\"\x1b[0m\n"; out.String() != want {
		t.Errorf("in colours: %q\nwant %q", out.String(), want)
	}
}
