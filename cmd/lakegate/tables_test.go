package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tablesOf runs every command that looks at tables on a demo's folder.
func tablesOf(t *testing.T, data string) {
	var list []tableLine
	out, _, err := run(t, "", "tables", "list", "--data", data, "--json")
	if err != nil || json.Unmarshal([]byte(out), &list) != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	rows := map[string]int64{}
	for _, x := range list {
		rows[x.Table] = x.Rows
		empty := x.Table == "system.serving.losses" || x.Table == "system.serving.cost_corrections" || x.Table == "system.access.audit" // nothing is lost, corrected or changed
		if (x.Bytes == 0) != empty || (x.Files == 0) != empty || x.Changed.IsZero() || x.Error != "" {
			t.Errorf("list: %+v", x)
		}
	}
	if rows["system.serving.endpoint_usage"] != 2160 || len(list) < 3 {
		t.Errorf("list: %v", rows)
	}
	for _, tt := range []struct{ args, want, fault string }{
		{"list", "2,160", ""},
		{"history endpoint_usage", "CREATE TABLE", ""},
		{"history system.serving.endpoint_usage --limit 1 --json", `"operation": "WRITE"`, ""},
		{"history endpoint_usag", "", "did you mean system.serving.endpoint_usage?"},
		{"history payload", "", "did you mean"},
		{"history", "", "which table?"},
		{"describe endpoint_usage", "protocol         reader 1, writer 2", ""},
		{"describe usage --json", "", "did you mean system.serving.endpoint_usage?"},
		{"describe endpoint_usage --json", `"rows": 2160`, ""},
		{"compact endpoint_usage --full --dry-run", "would merge", ""},
		{"compact endpoint_usage --day yesterday", "", "want a day such as"},
		{"compact", "", "which table?"},
		{"compact endpoint_usage --all", "", "not both"},
		{"compact endpoint_usage --full --json", `"files_after": 1`, ""},
		{"compact --all", "nothing to merge", ""},
		{"vacuum --all --dry-run", "system.serving.endpoint_usage", ""},
		{"vacuum endpoint_usage --json", `"deleted"`, ""},
		{"retain --all", "nothing is past its retention", ""},
		{"retain endpoint_usage --days 10 --dry-run", "would delete", ""},
		{"retain endpoint_usage --days 0", "", "want 1 or more"},
		{"restore endpoint_usage 0", "version 0 had 0 rows", ""},
		{"restore endpoint_usage 99 --yes", "", "no such version"},
		{"restore endpoint_usage new", "", "want a number"},
		{"restore endpoint_usage 1 --yes", "is again what it was at version 1", ""},
		{"list", "2,000", ""}, // the requests are gone, the history is back
		{"restore endpoint_usage 3 --yes", "is again what it was at version 3", ""},
		{"forget", "", "--requester"},
		{"forget --tag team", "", "want key=value"},
		{"forget --request-id 1", "", "is no UUID"},
		{"forget --tag team=search --dry-run", "dry run", ""},
		{"forget --tag team=search --mode anonymize --json", `"clean": true`, ""},
		{"forget --tag team=search", "forgotten: request", ""}, // there is nobody left
		{"gateways", "stopped, all landed", ""},
		{"gateways --remove zzz", "", "no gateway has a log id"},
	} {
		out, _, err := run(t, "", append([]string{"tables"}, append(strings.Fields(tt.args), "--data", data)...)...)
		if tt.fault != "" {
			if err == nil || !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("tables %s: want an error with %q, got %v", tt.args, tt.fault, err)
			}
			continue
		}
		if err != nil || !strings.Contains(out, tt.want) {
			t.Errorf("tables %s: %v, no %q in\n%s", tt.args, err, tt.want, out)
		}
	}
}

func TestWhichLake(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, tt := range []struct{ args, want string }{
		{"tables list", "say which lake"},
		{"tables list --data nowhere", "there is no lake in the folder"},
		{"tables list --config nowhere.yaml", "nowhere.yaml"},
	} {
		_, _, err := run(t, "", strings.Fields(tt.args)...)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: want an error with %q, got %v", tt.args, tt.want, err)
		}
	}
	// A file in the folder is taken without being named, and a folder lake may be elsewhere.
	if err := os.MkdirAll(filepath.Join("far", "lake"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(defaultConfigFile, []byte("data: near\nlake: {url: far/lake}\nkeys: [{name: k, token: \"${NOT_SET}\", principal: p, endpoints: []}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _, err := run(t, "", "tables", "list"); err != nil || !strings.Contains(out, "no tables yet") {
		t.Errorf("%v\n%s", err, out)
	}
	// With both flags the folder is used instead of the file's.
	if err := os.WriteFile("other.yaml", []byte("data: near\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := run(t, "", "tables", "list", "--config", "other.yaml", "--data", "apart"); err == nil || !strings.Contains(err.Error(), filepath.Join("apart", "lake")) {
		t.Errorf("--data beside --config: %v", err)
	}
}
