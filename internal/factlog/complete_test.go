package factlog

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/wal"
)

// fill sets every field of a value to something that is not zero.
func fill(t *testing.T, v reflect.Value) {
	switch v.Interface().(type) {
	case inference.ID:
		v.Set(reflect.ValueOf(inference.NewID()))
		return
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(1795200000, 123456789).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0))
		fill(t, v.Index(1))
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"k": "v"}))
	case reflect.String:
		v.SetString(v.Type().String() + " text")
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(-7)
	case reflect.Uint8:
		v.SetUint('x')
	case reflect.Float64:
		v.SetFloat(0.25)
	case reflect.Bool:
		v.SetBool(true)
	default:
		t.Fatalf("the test cannot fill a %v: teach it and the codec", v.Type())
	}
}

// Whoever adds a field to a fact adds it to the codec, or this fails.
func TestEveryFieldComesBack(t *testing.T) {
	var e Encoder
	var d Decoder
	var rec inference.Record
	fill(t, reflect.ValueOf(&rec).Elem())
	f, _, err := d.Fact(Complete, joined(e.Record(&rec, true, wal.Pos{})))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&rec, f.Record); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	var change inference.EntityChange
	fill(t, reflect.ValueOf(&change).Elem())
	if f, _, err = d.Fact(Entity, joined(e.Entity(&change))); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&change, f.Entity); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	var loss inference.Loss
	fill(t, reflect.ValueOf(&loss).Elem())
	if f, _, err = d.Fact(Loss, joined(e.Loss(&loss))); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&loss, f.Loss); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	var comparison inference.Comparison
	fill(t, reflect.ValueOf(&comparison).Elem())
	if f, _, err = d.Fact(Comparison, joined(e.Comparison(&comparison))); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&comparison, f.Comparison); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	var audit inference.Audit
	fill(t, reflect.ValueOf(&audit).Elem())
	if f, _, err = d.Fact(Audit, joined(e.Audit(&audit))); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&audit, f.Audit); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}
