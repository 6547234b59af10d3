package console

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// rest calls Databricks' API with a key.
func (f *fixture) rest(key, method, path, body string) answer {
	f.t.Helper()
	return f.call(method, "/api/2.0/lakeview/dashboards"+path, body, "Authorization", "Bearer "+key)
}

func (f *fixture) create(name string) lakeviewDashboard {
	f.t.Helper()
	body, _ := json.Marshal(map[string]string{"display_name": name, "parent_path": "/Users/ann", "warehouse_id": "w1", "serialized_dashboard": small})
	return f.decode(f.rest("ann-key", "POST", "", string(body)))
}

func (f *fixture) decode(a answer) lakeviewDashboard {
	f.t.Helper()
	f.want(a, 200)
	var d lakeviewDashboard
	if err := json.Unmarshal([]byte(a.body), &d); err != nil {
		f.t.Fatal(err)
	}
	return d
}

func TestLakeviewLifeCycle(t *testing.T) {
	f := newFixture(t)
	d := f.create("Mine")
	if d.Serialized != small || d.State != "ACTIVE" || d.Path != "/Users/ann/Mine.lvdash.json" || d.Warehouse != "w1" || d.Created != "2026-11-20T12:00:00.000Z" {
		t.Fatalf("created %+v", d)
	}
	got := f.decode(f.rest("bob-key", "GET", "/"+d.ID, ""))
	if got != d {
		t.Fatalf("got %+v, created %+v", got, d)
	}
	patched := f.decode(f.rest("ann-key", "PATCH", "/"+d.ID, `{"display_name":"New","etag":"`+d.Etag+`"}`))
	if patched.Name != "New" || patched.Serialized != small || patched.Etag == d.Etag {
		t.Fatalf("patched %+v", patched)
	}
	f.want(f.rest("ann-key", "PATCH", "/"+d.ID, `{"display_name":"Old","etag":"`+d.Etag+`"}`), 409, "RESOURCE_CONFLICT")
	f.want(f.rest("bob-key", "PATCH", "/"+d.ID, `{"display_name":"Old"}`), 403, "PERMISSION_DENIED")
	f.want(f.rest("ann-key", "PATCH", "/ai_gateway", `{"display_name":"x"}`), 403, "bundled")

	f.want(f.rest("ann-key", "GET", "/"+d.ID+"/published", ""), 404)
	f.want(f.rest("ann-key", "POST", "/"+d.ID+"/published", `{"embed_credentials":true}`), 501, "as their viewer")
	f.want(f.rest("ann-key", "POST", "/"+d.ID+"/published", `{"warehouse_id":"w2"}`), 200, `"warehouse_id":"w2"`, `"embed_credentials":false`)
	f.want(f.rest("ann-key", "GET", "/"+d.ID+"/published", ""), 200, `"display_name":"New"`)
	f.want(f.rest("ann-key", "DELETE", "/"+d.ID+"/published", ""), 200)
	f.want(f.rest("ann-key", "GET", "/"+d.ID+"/published", ""), 404)

	f.want(f.rest("ann-key", "DELETE", "/"+d.ID, ""), 200, "{}")
	f.want(f.rest("ann-key", "GET", "/"+d.ID, ""), 200, `"lifecycle_state":"TRASHED"`)
	if a := f.rest("ann-key", "GET", "", ""); strings.Contains(a.body, d.ID) {
		t.Error("a trashed dashboard is listed")
	}
	f.want(f.rest("ann-key", "GET", "?show_trashed=true", ""), 200, d.ID)
}

func TestLakeviewPaging(t *testing.T) {
	f := newFixture(t)
	want := map[string]bool{"ai_gateway": true, "routing": true}
	for i := range 7 {
		want[f.create(fmt.Sprint("D", i)).ID] = true
	}
	token, pages := "", 0
	for {
		a := f.rest("ann-key", "GET", "?page_size=3&page_token="+token, "")
		f.want(a, 200)
		var l lakeviewList
		if err := json.Unmarshal([]byte(a.body), &l); err != nil {
			t.Fatal(err)
		}
		for _, d := range l.Dashboards {
			if !want[d.ID] || d.Serialized != "" {
				t.Fatalf("%s came twice or with its file", d.ID)
			}
			delete(want, d.ID)
		}
		pages++
		if token = l.Next; token == "" {
			break
		}
	}
	if len(want) != 0 || pages != 3 {
		t.Fatalf("%d pages, missing %v", pages, want)
	}
	f.want(f.rest("ann-key", "GET", "?page_size=0", ""), 400, "page_size")
	f.want(f.rest("ann-key", "GET", "?page_size=many", ""), 400, "page_size")
	f.want(f.rest("ann-key", "GET", "?page_token=%25", ""), 400, "page_token")
}

func TestLakeviewRefusals(t *testing.T) {
	f := newFixture(t)
	f.want(f.call("GET", "/api/2.0/lakeview/dashboards", ""), 401, "UNAUTHENTICATED")
	f.want(f.call("GET", "/api/2.0/lakeview/dashboards", "", "Authorization", "Basic x"), 401)
	f.want(f.rest("wrong", "GET", "", ""), 401)
	f.want(f.call("GET", "/api/2.0/lakeview/dashboards", "", "Cookie", f.signIn("ann-key")), 401)
	f.want(f.rest("ann-key", "POST", "", `{`), 400, "BAD_REQUEST")
	f.want(f.rest("ann-key", "POST", "", `{"serialized_dashboard":"{}"}`), 400, "display_name")
	f.want(f.rest("ann-key", "POST", "", `{"display_name":"a/b"}`), 400, "without a slash", "INVALID_PARAMETER_VALUE")
	f.want(f.rest("ann-key", "POST", "", `{"display_name":"x","serialized_dashboard":{}}`), 400, "serialized_dashboard")
	f.want(f.rest("ann-key", "POST", "", `{"display_name":"x","serialized_dashboard":"{\"pages\":1}"}`), 400, "pages: expected a list, found a number")
	f.want(f.rest("ann-key", "GET", "/0123456789abcdef0123456789abcdef", ""), 404, "RESOURCE_DOES_NOT_EXIST")
	empty := f.decode(f.rest("ann-key", "POST", "", `{"display_name":"Empty"}`))
	if empty.Serialized != `{"datasets":[],"pages":[]}` {
		t.Errorf("an empty dashboard is %q", empty.Serialized)
	}
}

func TestDatasetNamespaceOverride(t *testing.T) {
	f := newFixture(t)
	body, _ := json.Marshal(map[string]string{"display_name": "N", "serialized_dashboard": small})
	d := f.decode(f.rest("ann-key", "POST", "?dataset_catalog=main&dataset_schema=shop", string(body)))
	f.want(f.ui(f.signIn("ann-key"), "POST", "/dashboards/"+d.ID+"/query", `{"widget":"w"}`), 200)
	if q := f.runner.asked[0]; q.Catalog != "main" || q.Schema != "shop" {
		t.Errorf("it ran in %q.%q", q.Catalog, q.Schema)
	}
}
