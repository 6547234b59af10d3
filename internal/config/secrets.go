package config

import (
	"fmt"
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

// SecretStore says where the encrypted store is; see Config.SecretFiles.
type SecretStore struct {
	In      StorePlace `yaml:"in,omitempty"` // "" is InFolder
	File    string     `yaml:"file"`         // of a local store
	KeyFile string     `yaml:"key_file"`
}

// StorePlace is who has the encrypted store.
type StorePlace string

// The places. A local store is one gateway's; what is in the lake, all its gateways share.
const (
	InFolder StorePlace = "folder"
	InLake   StorePlace = "lake"
)

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

// SecretFiles returns where the local store and its key are; of a store in the lake, where this gateway
// has a copy.
func (c *Config) SecretFiles() (store, key string) {
	store, key = c.Secrets.Store.File, c.Secrets.Store.KeyFile
	if c.Secrets.Store.In == InLake {
		store = filepath.Join(c.Data, "secrets.lake.age")
	} else if store == "" {
		store = filepath.Join(c.Data, "secrets.age")
	}
	if key == "" {
		key = filepath.Join(c.Data, "secrets.key")
	}
	return store, key
}

// SecretsTaken reports whether this gateway has a store for secrets that come through the API of endpoints:
// one that every gateway with these endpoints reads. If not, it says why, and what to do.
func (c *Config) SecretsTaken() error {
	const change = "put it where the gateway finds secrets, with `lakegate secrets put` or by an environment variable, and give the reference {{secrets/scope/key}}"
	if from, ok := c.Secrets.Scopes[secret.Given]; ok && from.From != FromStore {
		return fmt.Errorf("scope %s is from: %s in the gateway's configuration file; leave it to the store, or %s", secret.Given, from.From, change)
	}
	if c.Secrets.Store.In != InLake && !c.lakeInData() {
		return fmt.Errorf("the lake may have other gateways, and the store of secrets is this one's alone: have the configuration file say secrets: {store: {in: lake}}, or %s", change)
	}
	return nil
}

// lakeInData reports whether the lake is in the data folder, which one gateway has at a time.
func (c *Config) lakeInData() bool {
	rel, err := filepath.Rel(c.Data, c.LakeFolder())
	return c.LakeFolder() != "" && err == nil && filepath.IsLocal(rel)
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
