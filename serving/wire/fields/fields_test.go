package fields_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/serving/wire/fields"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// read reads a body whose members are of the kinds that their names say.
func read(body string) (fields.Reader, []string) {
	var r fields.Reader
	var got []string
	see := func(name string, v any) { got = append(got, fmt.Sprintf("%s=%v", name, v)) }
	r.Body([]byte(body), func(name string, k rawjson.Kind, v []byte) {
		switch name {
		case "text":
			see(name, r.Text(name, k, v))
		case "flag":
			see(name, r.Flag(name, k))
		case "number":
			see(name, r.Number(name, k, v))
		case "non_zero":
			see(name, r.NonZero(name, k, v))
		case "whole":
			see(name, r.Whole(name, k, v, 1))
		case "texts":
			see(name, r.Texts(name, v))
		case "object":
			r.Members(name, v, func(n string, k rawjson.Kind, v []byte) { see(name+"."+n, r.Text(name+"."+n, k, v)) })
		default:
			r.Lose(name, "nobody knows it")
		}
	})
	return r, got
}

func TestReader(t *testing.T) {
	r, got := read(`{"text":"a\n","flag":true,"number":1e3,"non_zero":0.0,"whole":2,"texts":["x","y"],"object":{"in":"z","no":null},"other":1,"":2,"none":null}`)
	want := []string{"text=a\n", "flag=true", "number=1e3", "non_zero=", "whole=2", "texts=[x y]", "object.in=z"}
	if r.Err != nil || !slices.Equal(got, want) {
		t.Errorf("read %q (%v), want %q", got, r.Err, want)
	}
	if len(r.Rest) != 2 || r.Rest[0].Field != "other" || r.Rest[1].Field != `""` {
		t.Errorf("lost %v", r.Rest)
	}
}

func TestFaultsNameTheField(t *testing.T) {
	for body, want := range map[string]string{
		`[]`:                      "must be a JSON object",
		`{"text":1}`:              `field "text" must be a string, not a number`,
		`{"flag":"true"}`:         `field "flag" must be true or false`,
		`{"number":"1"}`:          `field "number" must be a number`,
		`{"whole":1.5}`:           `field "whole" must be a whole number, not 1.5`,
		`{"whole":0}`:             `field "whole" must be at least 1, not 0`,
		`{"texts":["a",1,2]}`:     `field "texts[1]" must be a string`,
		`{"texts":"a"}`:           `field "texts" must be an array`,
		`{"object":{"in":[]}}`:    `field "object.in" must be a string`,
		`{"text":1,"flag":"too"}`: `field "text"`,
	} {
		r, _ := read(body)
		if r.Err == nil || !strings.Contains(r.Err.Message, want) {
			t.Errorf("%s: %v, want %q", body, r.Err, want)
		}
	}
}

func TestIsEmpty(t *testing.T) {
	for v, want := range map[string]bool{`[]`: true, `{ }`: true, `[0]`: false, `{"a":1}`: false, `""`: false, `null`: false} {
		if fields.IsEmpty([]byte(v)) != want {
			t.Errorf("IsEmpty(%s) = %v", v, !want)
		}
	}
}
