package serving

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/auth"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// endpointJSON is an endpoint in the shape of Databricks' serving-endpoints API. Keys of providers
// are not in it, and their addresses only for administrators.
type endpointJSON struct {
	ID                   string     `json:"id"`
	Name                 string     `json:"name"`
	Description          string     `json:"description,omitempty"`
	Creator              string     `json:"creator,omitempty"`
	CreationTimestamp    int64      `json:"creation_timestamp,omitempty"`
	LastUpdatedTimestamp int64      `json:"last_updated_timestamp,omitempty"`
	State                stateJSON  `json:"state"`
	Config               configJSON `json:"config"`
	Tags                 []tagJSON  `json:"tags,omitempty"`
	Task                 string     `json:"task,omitempty"`
	EndpointType         string     `json:"endpoint_type"`
	AIGateway            any        `json:"ai_gateway,omitempty"` // aiGatewayJSON, or what was sent
	PermissionLevel      string     `json:"permission_level,omitempty"`
	RouteOptimized       bool       `json:"route_optimized"`
}

type stateJSON struct {
	Ready        string `json:"ready"`
	ConfigUpdate string `json:"config_update"`
}

type configJSON struct {
	ServedEntities []entityJSON `json:"served_entities"`
	TrafficConfig  trafficJSON  `json:"traffic_config"`
	ConfigVersion  int32        `json:"config_version"`
}

type entityJSON struct {
	ID            string            `json:"id"`
	Name          string            `json:"name"`
	ExternalModel externalModelJSON `json:"external_model"`
	State         deploymentJSON    `json:"state"`
}

// externalModelJSON also has the provider's block, under the block's own name.
type externalModelJSON struct {
	Name     string `json:"name"`
	Provider string `json:"provider"`
	Task     string `json:"task"`

	block    string
	settings map[string]any
}

// MarshalJSON implements json.Marshaler.
func (m externalModelJSON) MarshalJSON() ([]byte, error) {
	type plain externalModelJSON // without this method
	b, err := json.Marshal(plain(m))
	if err != nil || m.block == "" || m.settings == nil {
		return b, err
	}
	block, err := json.Marshal(map[string]any{m.block: m.settings})
	if err != nil {
		return nil, err
	}
	return append(append(b[:len(b)-1], ','), block[1:]...), nil
}

type deploymentJSON struct {
	Deployment string `json:"deployment"`
}

type trafficJSON struct {
	Routes []routeJSON `json:"routes"`
}

type routeJSON struct {
	ServedEntityName  string `json:"served_entity_name"`
	ServedModelName   string `json:"served_model_name"`
	TrafficPercentage int    `json:"traffic_percentage"`
}

type tagJSON struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type enabledJSON struct {
	Enabled bool `json:"enabled"`
}

type aiGatewayJSON struct {
	UsageTracking  enabledJSON         `json:"usage_tracking_config"`
	Fallback       enabledJSON         `json:"fallback_config"`
	InferenceTable *inferenceTableJSON `json:"inference_table_config,omitempty"`
	RateLimits     []rateLimitJSON     `json:"rate_limits,omitempty"`
}

type inferenceTableJSON struct {
	Enabled         bool   `json:"enabled"`
	CatalogName     string `json:"catalog_name"`
	SchemaName      string `json:"schema_name"`
	TableNamePrefix string `json:"table_name_prefix"`
}

type rateLimitJSON struct {
	Calls         *int64 `json:"calls,omitempty"`
	Tokens        *int64 `json:"tokens,omitempty"`
	Key           string `json:"key"`
	Principal     string `json:"principal,omitempty"`
	RenewalPeriod string `json:"renewal_period"`
}

// shown returns what may be told of a provider's settings.
func shown(x *endpoint.Entity, admin bool) map[string]any {
	if admin {
		return x.Settings
	}
	settings := maps.Clone(x.Settings)
	maps.DeleteFunc(settings, func(name string, _ any) bool {
		return strings.HasSuffix(name, "_base") || strings.HasSuffix(name, "_url") || strings.HasSuffix(name, "_authority")
	})
	return settings
}

// sent is what of an endpoint made through the API is shown as it was sent: clients such as Terraform take
// what they did not send for a change.
type sent struct {
	Config struct {
		Entities []struct {
			Model map[string]any `json:"external_model"`
		} `json:"served_entities"`
	} `json:"config"`
	AIGateway json.RawMessage `json:"ai_gateway"`
}

func sentOf(e *endpoint.Endpoint) *sent {
	s := &sent{}
	if e.Origin == nil || json.Unmarshal(e.Origin.Spec, s) != nil { // it was read before
		return nil
	}
	return s
}

// blocks returns the members of each provider's block, by served entity: who may change an endpoint reads
// it, changes something, and sends all of it back. Secrets are references there; those that came with a
// request are left out, and come back by themselves.
func (s *sent) blocks(e *endpoint.Endpoint) map[string]map[string]any {
	blocks := map[string]map[string]any{}
	for i, x := range s.Config.Entities {
		if i < len(e.Entities) {
			block, _ := x.Model[e.Entities[i].Block].(map[string]any)
			hideGiven(block)
			blocks[e.Entities[i].Name] = block
		}
	}
	return blocks
}

// hideGiven takes out references to secrets that came with a request: Databricks' clients that sent a
// ..._plaintext field don't expect another one back.
func hideGiven(block map[string]any) {
	maps.DeleteFunc(block, func(_ string, v any) bool {
		if o, ok := v.(map[string]any); ok {
			hideGiven(o)
		}
		text, _ := v.(string)
		return strings.HasPrefix(text, "{{secrets/"+secret.Given+"/")
	})
}

func describe(e *endpoint.Endpoint, key *auth.Key) endpointJSON {
	was := sentOf(e)
	var blocks map[string]map[string]any
	if was != nil && e.Allows(&key.Principal, key.Admin, endpoint.CanManage) {
		blocks = was.blocks(e)
	}
	d := endpointJSON{
		ID: e.ID, Name: e.Name, Description: e.Description, Task: e.Task, EndpointType: "EXTERNAL_MODEL",
		State:  stateJSON{Ready: "READY", ConfigUpdate: "NOT_UPDATING"},
		Config: configJSON{ConfigVersion: e.ConfigVersion},
	}
	switch {
	case was == nil:
		d.AIGateway = gatewayOf(e)
	case len(was.AIGateway) > 0:
		d.AIGateway = was.AIGateway
	}
	if !e.Created.IsZero() {
		d.CreationTimestamp = e.Created.UnixMilli()
		d.LastUpdatedTimestamp = d.CreationTimestamp
	}
	if o := e.Origin; o != nil {
		d.Creator, d.CreationTimestamp, d.LastUpdatedTimestamp = o.CreatedBy, o.Created.UnixMilli(), o.Changed.UnixMilli()
	}
	for i, x := range e.Entities {
		settings, sent := blocks[x.Name]
		if !sent {
			if settings = shown(x, key.Admin); len(settings) == 0 {
				settings = nil // nothing to tell, and no block
			}
		}
		d.Config.ServedEntities = append(d.Config.ServedEntities, entityJSON{
			ID: x.ID, Name: x.Name, State: deploymentJSON{"DEPLOYMENT_READY"},
			ExternalModel: externalModelJSON{
				Name: x.Model, Provider: x.Provider, Task: x.Task, block: x.Block, settings: settings,
			},
		})
		d.Config.TrafficConfig.Routes = append(d.Config.TrafficConfig.Routes, routeJSON{x.Name, x.Name, e.Weights[i]})
	}
	for k, v := range e.Tags {
		d.Tags = append(d.Tags, tagJSON{k, v})
	}
	slices.SortFunc(d.Tags, func(a, b tagJSON) int { return strings.Compare(a.Key, b.Key) })
	return d
}

// gatewayOf is the ai_gateway block of an endpoint of the file, with what the file leaves out.
func gatewayOf(e *endpoint.Endpoint) aiGatewayJSON {
	g := aiGatewayJSON{UsageTracking: enabledJSON{e.UsageTracking}, Fallback: enabledJSON{e.Fallback}}
	if p := e.Payload; p != nil {
		g.InferenceTable = &inferenceTableJSON{
			Enabled: true, CatalogName: p.Table.Catalog, SchemaName: p.Table.Schema,
			TableNamePrefix: strings.TrimSuffix(p.Table.Table, "_payload"),
		}
	}
	for _, r := range e.RateLimits {
		period := "minute"
		if r.Period == time.Hour {
			period = "hour"
		}
		g.RateLimits = append(g.RateLimits, rateLimitJSON{r.Calls, r.Tokens, string(r.Key), r.Principal, period})
	}
	return g
}
