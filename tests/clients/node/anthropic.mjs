// Anthropic's Node SDK against a running lakegate, on providers of every format; see client.mjs for
// what is printed.
import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";

const { LAKEGATE_URL: url, LAKEGATE_KEY: key, LAKEGATE_PROVIDERS: providers } = process.env;
const tags = { team: "node", case: "anthropic" };
const make = (apiKey, more = {}) => new Anthropic({
  baseURL: `${url}/anthropic`, apiKey, maxRetries: 0, timeout: 30_000,
  defaultHeaders: { "Databricks-Ai-Gateway-Request-Tags": JSON.stringify(tags) }, ...more,
});
const client = make(key);
const question = { max_tokens: 1024, messages: [{ role: "user", content: "What is the weather in Paris?" }] };
const tool = {
  name: "get_weather", description: "The weather of a city.",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};
const textOf = (m) => m.content.filter((b) => b.type === "text").map((b) => b.text).join("");
const input = (u) => u.input_tokens + (u.cache_read_input_tokens ?? 0) + (u.cache_creation_input_tokens ?? 0);

const print = (name, { id = "", row = {}, error = "", moreRows = 0 }) =>
  console.log(JSON.stringify({ case: `anthropic ${name}`, error, request_id: id, client_request_id: "", row, no_row: false, more_rows: moreRows }));

const line = (id, usage, endpoint, more = {}) => ({
  id,
  row: {
    status_code: 200, outcome: "ok", usage_source: "provider", request_streaming: false, endpoint_name: endpoint, ...tags,
    input_token_count: input(usage), output_token_count: usage.output_tokens, api_type: "anthropic/v1/messages", ...more,
  },
});

const each = {
  async message(p) {
    const { data, response } = await client.messages.create({ model: `${p}-text`, ...question }).withResponse();
    assert.match(textOf(data), /Paris/);
    assert.equal(data.stop_reason, "end_turn");
    return [line(response.headers.get("x-request-id"), data.usage, `${p}-text`)];
  },
  async stream(p) {
    const whole = await client.messages.create({ model: `${p}-text`, ...question });
    const s = client.messages.stream({ model: `${p}-text`, ...question });
    const { response } = await s.withResponse();
    const final = await s.finalMessage();
    assert.equal(textOf(final), textOf(whole));
    return [
      line(whole._request_id, whole.usage, `${p}-text`),
      line(response.headers.get("x-request-id"), final.usage, `${p}-text`, { request_streaming: true }),
    ];
  },
  async tools(p) {
    const s = client.messages.stream({ model: `${p}-tools`, tools: [tool], ...question });
    const { response } = await s.withResponse();
    const final = await s.finalMessage();
    const call = final.content.find((b) => b.type === "tool_use");
    assert.deepEqual([call.name, call.input, final.stop_reason], ["get_weather", { city: "Paris" }, "tool_use"]);
    return [line(response.headers.get("x-request-id"), final.usage, `${p}-tools`, { request_streaming: true })];
  },
  async limit_of_the_provider(p) {
    const e = await client.messages.create({ model: `${p}-limited`, ...question }).then(() => assert.fail("the call went well"), (e) => e);
    assert.ok(e instanceof Anthropic.RateLimitError, `${e.constructor.name}: ${e.message}`);
    return [{ id: e.requestID, row: { status_code: 429, outcome: "upstream_error", input_token_count: null, endpoint_name: `${p}-limited` } }];
  },
};

const once = {
  async wrong_key() {
    const e = await make("lakegate-nobody-has-this-key").messages.create({ model: "anthropic-text", ...question })
      .then(() => assert.fail("the call went well"), (e) => e);
    assert.ok(e instanceof Anthropic.AuthenticationError, `${e.constructor.name}: ${e.message}`);
    return [{ id: e.requestID, row: { status_code: 401, outcome: "refused", requester: null } }];
  },
  async sdk_tries_again() {
    const m = await make(key, { maxRetries: 1 }).messages.create({ model: "anthropic-flaky", ...question });
    return [{ ...line(m._request_id, m.usage, "anthropic-flaky"), moreRows: 1 }];
  },
};

async function play(name, f) {
  try {
    for (const [i, l] of (await f()).entries()) print(name + (i ? ` (${i + 1})` : ""), l);
  } catch (e) { // every fault of a case is its own line
    print(name, { error: `${e.name}: ${e.message}` });
  }
}

for (const p of providers.split(",")) {
  for (const [name, f] of Object.entries(each)) await play(`${name} of ${p}`, () => f(p));
}
for (const [name, f] of Object.entries(once)) await play(name, f);
