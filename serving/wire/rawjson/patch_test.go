package rawjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestPatch(t *testing.T) {
	const in = " { \"a\": 1 ,\n\t\"b\" :\"two\", \"c\":[3, 3],\"d\":null } "
	tests := []struct {
		name string
		edit func(*Patch)
		want string
	}{
		{"nothing", func(*Patch) {}, "{\"a\": 1 ,\n\t\"b\" :\"two\", \"c\":[3, 3],\"d\":null}"},
		{"replace", func(p *Patch) { p.Replace(1, []byte(`"x"`)) }, `{"a": 1,"b" :"x","c":[3, 3],"d":null}`},
		{"remove first", func(p *Patch) { p.Remove(0) }, `{"b" :"two", "c":[3, 3],"d":null}`},
		{"remove last", func(p *Patch) { p.Remove(3) }, "{\"a\": 1 ,\n\t\"b\" :\"two\", \"c\":[3, 3]}"},
		{"remove all", func(p *Patch) { p.Remove(3); p.Remove(0); p.Remove(2); p.Remove(1) }, `{}`},
		{"remove all, add", func(p *Patch) { p.Remove(3); p.Remove(0); p.Remove(2); p.Remove(1); p.Add("e", []byte("5")) }, `{"e":5}`},
		{"add", func(p *Patch) { p.Add("e\"", []byte(`{"f":1}`)) }, "{\"a\": 1 ,\n\t\"b\" :\"two\", \"c\":[3, 3],\"d\":null,\"e\\\"\":{\"f\":1}}"},
		{"twice", func(p *Patch) { p.Replace(2, []byte("1")); p.Replace(2, []byte("2")); p.Remove(0) }, `{"b" :"two","c":2,"d":null}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var o Object
			raw := []byte(in)
			if err := o.Parse(raw, 8); err != nil {
				t.Fatal(err)
			}
			var p Patch
			tt.edit(&p)
			got := p.Append([]byte("before"), &o)
			if string(got) != "before"+tt.want {
				t.Errorf("got  %s\nwant before%s", got, tt.want)
			}
			if string(raw) != in {
				t.Errorf("the original was edited: %s", raw)
			}
			if room := p.Size(&o); len(got)-len("before") > room {
				t.Errorf("Append added %d bytes, Size said %d", len(got)-len("before"), room)
			}
		})
	}
}

// TestPatchAgainstEncodingJSON makes random objects and random patches, and compares the patched
// bytes with the same change made by decoding, token by token and in order.
func TestPatchAgainstEncodingJSON(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 1))
	for round := range 2000 {
		names, values, raw := randomObject(r)
		var o Object
		if err := o.Parse(raw, 64); err != nil {
			t.Fatalf("seed %d round %d: %q: %v", seed, round, raw, err)
		}
		var p Patch
		want := make([]string, 0, len(names)+1)
		for i := range names {
			switch r.IntN(4) {
			case 0:
				p.Remove(i)
				continue
			case 1:
				v := randomValue(r, 2)
				p.Replace(i, []byte(v))
				want = append(want, names[i]+":"+v)
			default:
				want = append(want, names[i]+":"+values[i])
			}
		}
		if r.IntN(2) == 0 {
			p.Add("added", []byte(`{"x":[1]}`))
			want = append(want, `"added":{"x":[1]}`)
		}
		got := p.Append(nil, &o)
		if g, w := tokens(t, got), tokens(t, []byte("{"+strings.Join(want, ",")+"}")); g != w {
			t.Fatalf("seed %d round %d:\nobject %s\ngot    %s\nwant   %s", seed, round, raw, g, w)
		}
	}
}

// tokens writes JSON as its tokens, which keeps the order of members and the digits of numbers.
func tokens(t *testing.T, b []byte) string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var s strings.Builder
	for {
		tok, err := d.Token()
		if err != nil {
			if err.Error() != "EOF" {
				t.Fatalf("%q: %v", b, err)
			}
			return s.String()
		}
		fmt.Fprintf(&s, "%T %v|", tok, tok)
	}
}

func randomObject(r *rand.Rand) (names, values []string, raw []byte) {
	raw = append(raw, space(r)+"{"...)
	for i := range r.IntN(7) {
		if i > 0 {
			raw = append(raw, ',')
		}
		n, v := randomString(r), randomValue(r, 3)
		names, values = append(names, n), append(values, v)
		raw = append(raw, space(r)+n+space(r)+":"+space(r)+v+space(r)...)
	}
	return names, values, append(raw, "}"+space(r)...)
}

func randomValue(r *rand.Rand, depth int) string {
	switch k := r.IntN(8); {
	case k == 0:
		return "null"
	case k == 1:
		return "true"
	case k == 2:
		return fmt.Sprintf("%d.%de%d", r.IntN(1e9), r.IntN(1e9), r.IntN(9))
	case k == 3:
		return "12345678901234567890123"
	case k == 4 && depth > 0:
		parts := make([]string, r.IntN(4))
		for i := range parts {
			parts[i] = space(r) + randomValue(r, depth-1) + space(r)
		}
		return "[" + strings.Join(parts, ",") + "]"
	case k == 5 && depth > 0:
		parts := make([]string, r.IntN(4))
		for i := range parts {
			parts[i] = randomString(r) + ":" + randomValue(r, depth-1)
		}
		return "{" + strings.Join(parts, ",") + "}"
	default:
		return randomString(r)
	}
}

func randomString(r *rand.Rand) string {
	const pieces = `a|model|\"|\\|\u00e9|\ud83d\ude00|😀|ü|{|}|[|]|,|:| |\n|longer text that needs more than eight bytes`
	all := strings.Split(pieces, "|")
	var s strings.Builder
	for range r.IntN(5) {
		s.WriteString(all[r.IntN(len(all))])
	}
	return `"` + s.String() + `"`
}

func space(r *rand.Rand) string { return []string{"", "", "", " ", "\n\t", "\r\n"}[r.IntN(6)] }
