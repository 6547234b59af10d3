package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/serving/credential"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// root is the top of the repository.
var root = filepath.Join("..", "..")

func TestTheExampleIsValid(t *testing.T) {
	vars := map[string]string{
		"OPENAI_API_KEY": "sk-" + hidden, "LAKEGATE_KEY": "lg-0123456789abcdefghijklmnopqrstuvwxyz",
	}
	c, err := Load(filepath.Join(root, "lakegate.example.yaml"), func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	})
	must(t, err)
	catalog, err := c.Catalog(endpoint.Memory{}, time.Now(), credential.NewSet(nil))
	must(t, err)
	chat, ok := catalog.Lookup("chat")
	if !ok || chat.Payload == nil || chat.Payload.Table.String() != "main.ai.chat_payload" || !chat.Strict || len(chat.Entities) != 2 {
		t.Errorf("endpoint chat = %+v, %v", chat, ok)
	}
	keys, err := c.AuthKeys()
	must(t, err)
	key, ok := keys.Lookup(vars["LAKEGATE_KEY"])
	if !ok || !key.MayCall("embed") || key.MayRead("system.serving.endpoint_usage") {
		t.Errorf("key = %+v, %v", key, ok)
	}
}

// docs/configuration.md has a row for each key of the file and none for others, and says the
// defaults that hold.
func TestEveryKeyIsDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "configuration.md"))
	must(t, err)
	rows := map[string]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, " | ")
		key, ok := strings.CutPrefix(cells[0], "| `")
		if !ok || len(cells) != 4 {
			continue
		}
		key = strings.TrimSuffix(strings.Replace(key, "….", "endpoints[].config.served_entities[].", 1), "`")
		for _, key := range eachPreset(key) {
			if _, twice := rows[key]; twice {
				t.Errorf("%s is described twice", key)
			}
			rows[key] = cells[2]
		}
	}
	defaults := reflect.ValueOf(DefaultConfig())
	for _, leaf := range leaves(defaults, "") {
		cell, ok := rows[leaf.path]
		if !ok {
			t.Errorf("%s is not described", leaf.path)
		}
		delete(rows, leaf.path)
		if leaf.value != "" && cell != "`"+leaf.value+"`" {
			t.Errorf("%s: the default is %s, described as %s", leaf.path, leaf.value, cell)
		}
	}
	for path := range rows {
		t.Errorf("%s is described, and is no key", path)
	}
}

// eachPreset returns the keys that a row with NAME_config stands for: those of all providers that
// want a key and nothing else.
func eachPreset(row string) []string {
	if !strings.Contains(row, "NAME_config") {
		return []string{row}
	}
	var keys []string
	for _, k := range providers {
		if k.base != "" {
			keys = append(keys, strings.ReplaceAll(row, "NAME", strings.TrimSuffix(k.block, "_config")))
		}
	}
	return keys
}

// Every provider is in the table of providers, with where it is called.
func TestProvidersAreDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "configuration.md"))
	must(t, err)
	for _, name := range Providers() {
		k := providers[name]
		row := fmt.Sprintf("| `%s` | `%s` | ", name, k.block)
		if k.base != "" {
			row += "`" + k.base + "` |"
		}
		if !strings.Contains(string(text), row) {
			t.Errorf("docs/configuration.md does not say: %s", row)
		}
	}
}

// Every example of docs/providers.md works.
func TestExamplesOfProvidersWork(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "providers.md"))
	must(t, err)
	parts, seen := strings.Split(string(text), "```yaml\n"), map[string]bool{}
	for i, part := range parts[1:] {
		example, _, _ := strings.Cut(part, "```")
		if !strings.HasPrefix(example, "endpoints:") {
			example = "endpoints:\n  - name: chat\n    config:\n      served_entities:\n        - " + strings.ReplaceAll(strings.TrimSpace(example), "\n", "\n          ") + "\n"
		}
		c, err := Parse([]byte(example), func(name string) (string, bool) {
			if name == "GOOGLE_SERVICE_ACCOUNT" {
				return serviceAccount(), true
			}
			return hidden, true
		})
		if err != nil {
			t.Errorf("example %d: %v\n%s", i+1, err, example)
			continue
		}
		seen[c.Endpoints[0].Config.ServedEntities[0].ExternalModel.Provider] = true
	}
	for _, name := range Providers() {
		if !seen[name] && !strings.Contains(string(text), "| `"+name+"` |") {
			t.Errorf("there is no example of %s", name)
		}
	}
}

// leaf is a key that holds a value rather than other keys.
type leaf struct {
	path  string
	value string // its default as a file would say it; "" where there is none
}

func leaves(v reflect.Value, path string) []leaf {
	var out []leaf
	switch t := v.Type(); {
	case t == secretType || isWord(t):
		return []leaf{{path, ""}}
	case t.Kind() == reflect.Pointer:
		return leaves(reflect.Zero(t.Elem()), path)
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct && t.Elem() != secretType:
		return leaves(reflect.Zero(t.Elem()), path+"[]")
	case t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Struct && t.Elem() != secretType:
		return leaves(reflect.Zero(t.Elem()), path+".NAME")
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			if !t.Field(i).IsExported() {
				continue
			}
			at := path
			if !inline(t.Field(i)) && !isRest(t.Field(i)) {
				at = join(path, keyOf(t.Field(i), path))
			}
			out = append(out, leaves(v.Field(i), at)...)
		}
		return out
	case v.IsZero() || t.Kind() == reflect.Map || t.Kind() == reflect.Slice:
		return []leaf{{path, ""}}
	default:
		return []leaf{{path, short(v.Interface())}}
	}
}

// The values that are no part of DefaultConfig, because they are an endpoint's.
func TestDefaultsOfEndpointsAreDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "configuration.md"))
	must(t, err)
	for _, row := range []string{
		fmt.Sprintf("`endpoints[].lakegate.timeout` | duration, 1ms to 24h | `%s` |", short(endpoint.DefaultTimeout)),
		fmt.Sprintf("openai_api_base` | URL | `%s` |", OpenAIBase),
		fmt.Sprintf("At least %d characters, %d of them different.", minToken, minDistinct),
		fmt.Sprintf("at most %d MiB", maxFile/MiB),
		fmt.Sprintf("1 to %d of them", maxEntities),
	} {
		if !strings.Contains(string(text), row) {
			t.Errorf("docs/configuration.md does not say: %s", row)
		}
	}
}
