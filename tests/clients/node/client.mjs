// OpenAI's Node SDK against a running lakegate, unmodified but for base URL and key.
//
// Each case checks what the SDK returns and prints one JSON line: its name, what went wrong if
// anything did, the request's id, and what the gateway's row of it must say. The Go program that
// runs this one compares. Directives behind "x-fake:" are for the scripted provider.
import assert from "node:assert/strict";
import OpenAI from "openai";

const { LAKEGATE_URL: url, LAKEGATE_KEY: key, LAKEGATE_NARROW_KEY: narrowKey } = process.env;

const ask = (text) => [{ role: "system", content: "You answer briefly." }, { role: "user", content: text }];

class Run {
  constructor(base) {
    this.base = base;
    this.client = this.with(key);
  }
  with(apiKey, more = {}) {
    return new OpenAI({ baseURL: url + this.base, apiKey, maxRetries: 0, timeout: 30_000, ...more });
  }
  tags() {
    return { team: "node", case: this.name };
  }
  report({ id = "", row = {}, error = "", part = "", noRow = false }) {
    console.log(JSON.stringify({ case: `${this.base} ${this.name}${part}`, error, request_id: id, client_request_id: "", row, no_row: noRow }));
  }
  // row is that of an answered call.
  row(usage, more = {}) {
    const row = {
      status_code: 200, outcome: "ok", usage_source: "provider", request_streaming: false, requester: "sdk@example.com", sdk: "yes",
      input_token_count: usage.prompt_tokens, total_token_count: usage.total_tokens,
    };
    if (usage.completion_tokens !== undefined) row.output_token_count = usage.completion_tokens;
    return { ...row, ...more };
  }
  async play() {
    for (const [name, f] of Object.entries(cases)) {
      this.name = name;
      try {
        await f(this);
      } catch (e) { // every fault of a case is its own line
        this.report({ error: `${e.name}: ${e.message}` });
      }
    }
  }
}

const long = ask("Tell me more. x-fake: tokens=40 chunks=12 gap=2ms");

async function stream(r, more = {}) {
  const { data, response } = await r.client.chat.completions
    .create({ model: "chat", messages: long, stream: true, metadata: r.tags(), ...more }).withResponse();
  return { id: response.headers.get("x-request-id"), events: data };
}

const tool = {
  type: "function",
  function: {
    name: "weather", description: "The weather of a city.", strict: true,
    parameters: {
      type: "object", properties: { city: { type: "string" }, days: { type: "integer" } }, required: ["city", "days"], additionalProperties: false,
    },
  },
};

// refused makes a call that must fail in the SDK's own way.
async function refused(r, kind, status, outcome, call, more = {}) {
  const e = await call.then(() => assert.fail("the call went well"), (e) => e);
  assert.ok(e instanceof kind, `${e.constructor.name}: ${e.message}, want ${kind.name}`);
  assert.equal(e.status, status);
  assert.ok(e.error?.message, "the error has no message");
  r.report({ id: e.requestID, row: { status_code: status, outcome, input_token_count: null, usage_source: "none", ...more } });
  return e;
}

const chatOf = (r, text, model = "chat", client = r.client) => client.chat.completions.create({ model, messages: ask(text), metadata: r.tags() });

const cases = {
  async chat(r) {
    const { data, response, request_id } = await r.client.chat.completions
      .create({ model: "chat", messages: ask("Hello! x-fake: tokens=9 cached=3 reasoning=4"), metadata: r.tags() }).withResponse();
    assert.equal(data.choices[0].message.content, "The gateway keeps a row for every call so");
    assert.equal(data._request_id, request_id);
    assert.equal(response.headers.get("x-databricks-request-id"), request_id);
    r.report({
      id: request_id,
      row: r.row(data.usage, {
        ...r.tags(), endpoint_name: "chat", requested_model: "chat", model: data.model, priced: true, cached_input_token_count: 3, reasoning_token_count: 4,
      }),
    });
  },
  async tags_in_a_header(r) {
    const a = await r.client.chat.completions.create(
      { model: "chat", messages: ask("Hello!") }, { headers: { "Databricks-Ai-Gateway-Request-Tags": JSON.stringify(r.tags()) } });
    r.report({ id: a._request_id, row: r.row(a.usage, r.tags()) });
  },
  async tags_in_the_body(r) {
    const a = await r.client.chat.completions.create({ model: "chat", messages: ask("Hello!"), usage_context: r.tags(), client_request_id: "node-1" });
    r.report({ id: a._request_id, row: r.row(a.usage, { ...r.tags(), client_request_id: "node-1" }) });
  },
  async streaming(r) {
    const whole = await r.client.chat.completions.create({ model: "chat", messages: long, metadata: r.tags() });
    r.report({ id: whole._request_id, row: r.row(whole.usage, r.tags()), part: " (the same, not streamed)" });
    const { id, events } = await stream(r);
    let text = "";
    for await (const c of events) {
      text += c.choices[0].delta.content ?? "";
      assert.ok(!c.usage, "usage nobody asked for");
    }
    assert.equal(text, whole.choices[0].message.content);
    r.report({ id, row: r.row(whole.usage, { ...r.tags(), request_streaming: true }) });
  },
  async streaming_with_usage(r) {
    const { id, events } = await stream(r, { stream_options: { include_usage: true } });
    let last;
    for await (const c of events) last = c;
    assert.deepEqual(last.choices, []);
    assert.equal(last.usage.completion_tokens, 40);
    r.report({ id, row: r.row(last.usage, { ...r.tags(), request_streaming: true }) });
  },
  async stream_left_by_its_client(r) {
    const whole = await r.client.chat.completions.create({ model: "chat", messages: long, metadata: r.tags() });
    r.report({ id: whole._request_id, row: r.row(whole.usage, r.tags()), part: " (the same, whole)" });
    const { id, events } = await stream(r);
    let n = 0;
    for await (const _ of events) if (++n === 3) break; // leaving the loop aborts the request
    r.report({ id, row: r.row(whole.usage, { ...r.tags(), request_streaming: true, outcome: "client_gone" }) });
  },
  async tools(r) {
    const messages = ask("How is the weather?");
    const first = await r.client.chat.completions.create({ model: "chat", messages, tools: [tool], metadata: r.tags() });
    const call = first.choices[0].message.tool_calls[0];
    assert.equal(call.function.name, "weather");
    assert.deepEqual(JSON.parse(call.function.arguments), { city: "Berlin", days: 1 });
    r.report({ id: first._request_id, row: r.row(first.usage, r.tags()), part: " (call)" });
    messages.push(first.choices[0].message, { role: "tool", tool_call_id: call.id, content: "20 degrees" });
    const second = await r.client.chat.completions.create({ model: "chat", messages, tools: [tool], metadata: r.tags() });
    assert.equal(second.choices[0].finish_reason, "stop");
    r.report({ id: second._request_id, row: r.row(second.usage, r.tags()), part: " (result)" });
  },
  async tools_streamed(r) {
    const { data, response } = await r.client.chat.completions.create({
      model: "chat", messages: ask("How is the weather?"), tools: [tool], stream: true, metadata: r.tags(), stream_options: { include_usage: true },
    }).withResponse();
    let text = "", usage;
    for await (const c of data) {
      usage = c.usage ?? usage;
      for (const call of c.choices[0]?.delta.tool_calls ?? []) text += call.function.arguments ?? "";
    }
    assert.deepEqual(JSON.parse(text), { city: "Berlin", days: 1 });
    r.report({ id: response.headers.get("x-request-id"), row: r.row(usage, { ...r.tags(), request_streaming: true }) });
  },
  async completions(r) {
    const a = await r.client.completions.create({ model: "text", prompt: "Say x-fake: tokens=3", usage_context: r.tags() });
    assert.equal(a.choices[0].text, "The gateway keeps");
    r.report({ id: a._request_id, row: r.row(a.usage, { ...r.tags(), endpoint_name: "text" }) });
  },
  async embeddings(r) {
    const a = await r.client.embeddings.create({ model: "vectors", input: ["one", "two"], dimensions: 16, usage_context: r.tags() });
    assert.deepEqual(a.data.map((d) => d.embedding.length), [16, 16]);
    assert.ok(Math.abs(a.data[0].embedding.reduce((s, x) => s + x * x, 0) - 1) < 1e-3, "the vector was not decoded");
    r.report({ id: a._request_id, row: r.row(a.usage, { ...r.tags(), endpoint_name: "vectors" }) });
  },
  async many_at_once(r) {
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => chatOf(r, `x-fake: tokens=${i + 1} latency=20ms`)));
    all.forEach((a, i) => {
      assert.equal(a.usage.completion_tokens, i + 1);
      r.report({ id: a._request_id, row: r.row(a.usage, r.tags()), part: ` (${i})` });
    });
  },
  async wrong_key(r) {
    await refused(r, OpenAI.AuthenticationError, 401, "refused", chatOf(r, "Hello!", "chat", r.with("lakegate-nobody-has-this-key")), { requester: null });
  },
  async endpoint_of_others(r) {
    await refused(r, OpenAI.PermissionDeniedError, 403, "refused", chatOf(r, "Hello!", "stranger", r.with(narrowKey)), { requester: "narrow@example.com" });
  },
  async unknown_endpoint(r) {
    const e = await refused(r, OpenAI.NotFoundError, 404, "refused", chatOf(r, "Hello!", "gpt-99"), { endpoint_name: "gpt-99" });
    assert.equal(e.code, "model_not_found");
  },
  async limit_of_the_gateway(r) {
    for (let i = 0; i < 2; i++) {
      try {
        const a = await chatOf(r, "Hello!", "limited");
        r.report({ id: a._request_id, row: r.row(a.usage, r.tags()), part: " (below it)" });
      } catch (e) {
        assert.ok(e instanceof OpenAI.RateLimitError, `${e.constructor.name}: ${e.message}`);
        assert.ok(Number(e.headers.get("retry-after")) >= 1);
        r.report({ id: e.requestID, row: { status_code: 429, outcome: "refused", input_token_count: null, endpoint_name: "limited" } });
        return;
      }
    }
    assert.fail("a limit of one call a minute let two through");
  },
  async limit_of_the_provider(r) {
    const e = await refused(r, OpenAI.RateLimitError, 429, "upstream_error", chatOf(r, "x-fake: status=429 retry-after=3"), r.tags());
    assert.equal(e.headers.get("retry-after"), "3");
  },
  async bad_request(r) {
    await refused(r, OpenAI.BadRequestError, 400, "upstream_error", chatOf(r, "x-fake: no-such-directive"), r.tags());
  },
  async provider_fails(r) {
    await refused(r, OpenAI.InternalServerError, 500, "upstream_error", chatOf(r, "x-fake: status=500"), r.tags());
  },
  async provider_answers_html(r) {
    await refused(r, OpenAI.InternalServerError, 502, "upstream_error", chatOf(r, "x-fake: body=html status=502"), r.tags());
  },
  async broken_stream(r) {
    const { data, response } = await r.client.chat.completions
      .create({ model: "chat", messages: ask("x-fake: chunks=9 break=4"), stream: true, metadata: r.tags() }).withResponse();
    let seen = 0, broke = false;
    try {
      for await (const _ of data) seen++;
    } catch {
      broke = true;
    }
    assert.ok(broke, "a broken stream ended like a whole one");
    assert.ok(seen >= 3, `only ${seen} chunks of 4 were passed on`);
    r.report({
      id: response.headers.get("x-request-id"),
      row: { status_code: 200, outcome: "upstream_broken", request_streaming: true, input_token_count: null, usage_source: "none", ...r.tags() },
    });
  },
};

for (const base of ["/v1", "/serving-endpoints"]) await new Run(base).play();

const r = new Run("/v1");
r.name = "models";
try {
  const names = [];
  for await (const m of r.client.models.list()) names.push(m.id);
  assert.deepEqual(names.sort(), process.env.LAKEGATE_ENDPOINTS.split(",").sort());
  r.report({ noRow: true });
} catch (e) {
  r.report({ error: `${e.name}: ${e.message}` });
}
