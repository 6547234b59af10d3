package config

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestWhereTheLakeIs(t *testing.T) {
	for _, tt := range []struct{ url, bucket, prefix, folder string }{
		{"", "", "", filepath.Join("data", "lake")},
		{"/mnt/lake", "", "", "/mnt/lake"},
		{"s3://b", "b", "", ""},
		{"s3://b/", "b", "", ""},
		{"s3://b/x/y/", "b", "x/y", ""},
	} {
		c := Config{Data: "data", Lake: Lake{URL: tt.url}}
		bucket, prefix, ok := c.Lake.Bucket()
		if ok != (tt.bucket != "") || ok && (bucket != tt.bucket || prefix != tt.prefix) || c.LakeFolder() != tt.folder {
			t.Errorf("%q: %q %q %v, folder %q", tt.url, bucket, prefix, ok, c.LakeFolder())
		}
	}
}

// Who works on the tables alone needs no key of a provider, but the lake's own.
func TestTheLakeAloneNeedsOnlyItsOwnSecrets(t *testing.T) {
	const text = `lake:
  url: s3://bucket/lake
  s3: {access_key_id: AKIA, secret_access_key: "%"}
secrets:
  s3: {lake: "${S3_SECRET}"}
  openai: {key: "${OPENAI_KEY}"}
keys: [{name: me, token: "${TOKEN}", principal: me, endpoints: []}, {name: you, token: "${TOKEN_2}", principal: you, endpoints: []}]
endpoints:
  - name: chat
    config:
      served_entities:
        - external_model: {name: gpt-4o, provider: openai, task: llm/v1/chat, openai_config: {openai_api_key: "{{secrets/openai/key}}"}}
`
	for secret, fault := range map[string]string{
		"{{secrets/s3/lake}}": "lake.s3.secret_access_key: environment variable S3_SECRET is not set",
		"${S3_SECRET}":        "lake.s3.secret_access_key: environment variable S3_SECRET is not set",
	} {
		path := filepath.Join(t.TempDir(), "lakegate.yaml")
		write(t, path, strings.Replace(text, "%", secret, 1))
		set := map[string]string{"S3_SECRET": hidden}
		c, err := LoadLake(path, Sources{Env: func(name string) (string, bool) { v, ok := set[name]; return v, ok }})
		if err != nil || c.Lake.S3.SecretAccessKey.Reveal() != hidden {
			t.Errorf("%s: %v", secret, err)
		}
		_, err = LoadLake(path, Sources{Env: func(string) (string, bool) { return "", false }})
		if err == nil || !strings.Contains(err.Error(), fault) || strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%s: got %v, want only %s", secret, err, fault)
		}
		if _, err := Load(path, func(name string) (string, bool) { v, ok := set[name]; return v, ok }); err == nil || !strings.Contains(err.Error(), "OPENAI_KEY is not set") {
			t.Errorf("Load takes a file whose variables are not set: %v", err)
		}
	}
}
