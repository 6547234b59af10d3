package config

import (
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// What is said about keys of Databricks' API that are not fields of ours.
const (
	notYet = "known but not supported yet: this version would ignore it, so remove it"
	ours   = "set by the server, not by the file; remove it"
	model  = "models that Databricks itself serves are not supported; use external_model"
)

// others says what to tell about keys that Databricks knows and we don't take, by the struct
// they would be in.
var others = map[reflect.Type]map[string]string{
	reflect.TypeFor[Endpoint](): {
		"route_optimized": notYet, "budget_policy_id": notYet, "usage_policy_id": notYet,
		"email_notifications": notYet, "telemetry_config": notYet,
		"rate_limits": "deprecated; use ai_gateway.rate_limits",
		"id":          ours, "creator": ours, "creation_timestamp": ours, "last_updated_timestamp": ours, "state": ours,
		"pending_config": ours, "permission_level": ours, "task": ours, "endpoint_url": ours, "data_plane_info": ours,
		"endpoint_type": ours, "creator_display_name": ours, "creator_kind": ours,
	},
	reflect.TypeFor[EndpointConfig](): {
		"served_models":       "deprecated; use served_entities",
		"auto_capture_config": "deprecated; use ai_gateway.inference_table_config",
		"config_version":      ours,
	},
	reflect.TypeFor[ServedEntity](): {
		"entity_name": model, "entity_version": model, "workload_size": model, "workload_type": model,
		"scale_to_zero_enabled": model, "min_provisioned_concurrency": model, "max_provisioned_concurrency": model,
		"min_provisioned_throughput": model, "max_provisioned_throughput": model, "provisioned_model_units": model,
		"burst_scaling_enabled": model, "environment_vars": model, "instance_profile_arn": model,
		"foundation_model": model, "creator": ours, "creation_timestamp": ours, "state": ours,
	},
	reflect.TypeFor[BedrockConfig](): {
		"instance_profile_arn": "instance profiles are Databricks' own; leave it and the keys out, and the AWS SDK finds the role of the pod or machine that lakegate runs on",
	},
	reflect.TypeFor[Route]():     {"served_model_name": "deprecated; use served_entity_name"},
	reflect.TypeFor[AIGateway](): {"guardrails": notYet, "custom_guardrails": notYet},
}

// unknownKey says what is wrong with a key that struct t does not have. It does not look at
// the value, other than to let pass what Databricks knows and the file switches off.
func (d *decoder) unknownKey(key, value *yaml.Node, t reflect.Type, path string) {
	p := join(path, key.Value)
	if t == reflect.TypeFor[ExternalModel]() && isProviderConfig(key.Value) {
		d.places[p] = place{line: key.Line, given: true}
		return // the check of the provider has the better message
	}
	if message, ok := others[t][key.Value]; ok {
		if message == ours || !isOff(value) {
			d.note(key.Line, p, "%s", message)
		}
		return
	}
	// A space missing after the colon makes one key of both, and the value may be a secret.
	if name, _, glued := strings.Cut(key.Value, ":"); glued {
		d.note(key.Line, join(path, name), "is a space missing after the colon?")
		return
	}
	if len(key.Value) > 64 {
		d.note(key.Line, path, "unknown key")
		return
	}
	d.note(key.Line, p, "unknown key%s", d.suggestKey(key.Value, t, path))
	d.faults[len(d.faults)-1].Unknown = key.Value
}

func isProviderConfig(name string) bool {
	for _, k := range providers {
		if k.block == name {
			return true
		}
	}
	return false
}

// isOff reports whether a value asks for nothing: null, false, "" or something empty.
func isOff(n *yaml.Node) bool {
	if n.Kind == yaml.ScalarNode {
		return isNull(n) || n.Value == "" || n.Value == "false"
	}
	return len(n.Content) == 0 && n.Kind != yaml.AliasNode
}
