package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lakegate/lakegate/internal/launch"
)

// gatewayConfig is a gateway in front of the provider. The flush interval is short so that the
// work a phase causes is done, and measured, soon after it.
const gatewayConfig = `listen: %[1]s
data: %[2]s
log: {durability: %[3]s}
flush: {interval: 2s}
sql: {workers: 1}
keys:
  - {name: bench, token: %[4]q, principal: bench@example.com, endpoints: ["*"], admin: true, tags: {team: bench}}
endpoints:
  - name: %[5]s
    config:
      served_entities:
        - name: gpt
          external_model:
            name: gpt-4o-mini
            provider: openai
            task: llm/v1/chat
            openai_config: {openai_api_key_plaintext: sk-provider, openai_api_base: "%[6]s/v1"}
    ai_gateway:
%[7]s
  - name: %[8]s
    config:
      served_entities:
        - name: claude
          external_model:
            name: claude-sonnet-4-5
            provider: anthropic
            task: llm/v1/chat
            anthropic_config: {anthropic_api_key_plaintext: sk-provider, anthropic_api_base: "%[6]s"}
    ai_gateway:
%[9]s`

const telemetryOff = `      usage_tracking_config: {enabled: false}
`

const telemetryOn = `      usage_tracking_config: {enabled: true}
      inference_table_config: {enabled: true, catalog_name: main, schema_name: ai, table_name_prefix: bench}
`

var payloadTables = []string{"main.ai.bench_payload", "main.ai.bench_claude_payload"}

func (l *lab) startGateways(ctx context.Context) error {
	for _, g := range []struct{ name, what, durability, block string }{
		{off, "usage tracking and payload logging off", "relaxed", telemetryOff},
		{relaxed, "every request and its whole payload in the log before the answer ends", "relaxed", telemetryOn},
		{strict, "the same, and on disk", "strict", telemetryOn},
	} {
		if err := l.startGateway(ctx, g.name, g.what, g.durability, g.block); err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
	}
	return nil
}

func configText(addr, data, durability, upstream, block string) []byte {
	return fmt.Appendf(nil, gatewayConfig, addr, data, durability, token, endpoint, upstream, block, claude, strings.ReplaceAll(block, "table_name_prefix: bench", "table_name_prefix: bench_claude"))
}

func (l *lab) startGateway(ctx context.Context, name, what, durability, block string) error {
	addr, err := launch.Addr()
	if err != nil {
		return err
	}
	data := filepath.Join(l.dir, strings.ReplaceAll(name, " ", "-"))
	file := data + ".yaml"
	if err := os.WriteFile(file, configText(addr, data, durability, l.upstream, block), 0o600); err != nil {
		return err
	}
	p, err := l.start(ctx, addr, "/readyz", l.o.lakegate, "serve", "--config", file)
	if err != nil {
		return err
	}
	t := &target{
		Name: name, What: what, url: "http://" + addr + "/v1/chat/completions", process: p, data: data,
		header: map[string]string{"Authorization": "Bearer " + token},
	}
	if name != off {
		t.sql = &launch.SQL{URL: "http://" + addr, Token: token}
	}
	return l.add(t)
}
