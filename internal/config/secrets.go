package config

import (
	"path/filepath"
	"time"

	"github.com/lakegate/lakegate/internal/secret"
)

// Secrets says where the secrets are that {{secrets/scope/key}} refers to. A scope is written out in the
// file, or is one of Scopes, or else is in the local store.
type Secrets struct {
	Store  SecretStore            `yaml:"store,omitempty"`
	Scopes map[string]SecretScope `yaml:"scopes,omitempty"`
	// Inline is scope to key to value, written out in the file; nil after Parse.
	Inline map[string]map[string]secret.String `yaml:",inline"`
}

// SecretStore says where the encrypted local store is; see Config.SecretFiles.
type SecretStore struct {
	File    string `yaml:"file"`
	KeyFile string `yaml:"key_file"`
}

// SecretSource is where the secrets of a scope are.
type SecretSource string

// The sources.
const (
	FromEnv   SecretSource = "env"
	FromFiles SecretSource = "files"
	FromStore SecretSource = "store"
	FromAWS   SecretSource = "aws"
)

// SecretScope says where the secrets of one scope are. Parse fills in what is left out.
type SecretScope struct {
	From     SecretSource  `yaml:"from"`
	Prefix   string        `yaml:"prefix"`   // env: of the variables' names
	Folder   string        `yaml:"folder"`   // files: one file per key
	Name     string        `yaml:"name"`     // aws: the secret's name or ARN, a JSON object of keys; with {key} in it, one secret per key
	Region   string        `yaml:"region"`   // aws: "" for what the AWS SDK finds
	Endpoint string        `yaml:"endpoint"` // aws: "" for AWS's own
	Refresh  time.Duration `yaml:"refresh"`  // aws: how often it is looked whether the secret has changed
}

// SecretFiles returns where the local store and its key are.
func (c *Config) SecretFiles() (store, key string) {
	store, key = c.Secrets.Store.File, c.Secrets.Store.KeyFile
	if store == "" {
		store = filepath.Join(c.Data, "secrets.age")
	}
	if key == "" {
		key = filepath.Join(c.Data, "secrets.key")
	}
	return store, key
}

// Vault finds secrets that are not written out in the file: the value of a key of a scope, and where it
// was found, which is no secret. s is where the scope's secrets are; From is "" for a scope that the file
// does not name. An error says in one line what is wrong and what to do, without the value.
type Vault func(c *Config, s SecretScope, scope, key string) (value secret.String, where string, err error)

// Reference is one {{secrets/scope/key}} of a file.
type Reference struct {
	Line       int
	Path       string // of the key that has it
	Scope, Key string
	Where      string // it was found, or "" when it was not
	Problem    string // what is wrong with it, "" when it resolves
}
