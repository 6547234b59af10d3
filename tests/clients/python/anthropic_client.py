"""Anthropic's Python SDK against a running lakegate, on providers of every format. See common.py."""

import sys

import anthropic

from common import KEY, PNG, QUESTION, URL, WEATHER, Cases, Wrong, answered, expect, expect_in, refused

BASE = URL + "/anthropic"
client = anthropic.Anthropic(base_url=BASE, api_key=KEY, max_retries=0, timeout=30)
case = Cases("anthropic")
TAGS = {"team": "python", "case": "anthropic"}
HEADERS = {"Databricks-Ai-Gateway-Request-Tags": '{"team": "python", "case": "anthropic"}'}
TOOL = {"name": "get_weather", "description": "The weather of a city.", "input_schema": WEATHER}


def ask(**more):
    return {"max_tokens": 1024, "messages": [{"role": "user", "content": QUESTION}], "extra_headers": HEADERS, **more}


def tokens(usage):
    return usage.input_tokens + (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0), usage.output_tokens


def line(request_id, usage, provider, **more):
    return {"request_id": request_id, "row": answered(*tokens(usage), endpoint_name=more.pop("endpoint"), api_type="anthropic/v1/messages", **TAGS, **more)}


def text_of(message):
    return "".join(b.text for b in message.content if b.type == "text")


@case.each()
def message(p):
    raw = client.messages.with_raw_response.create(model=f"{p}-text", system="You answer briefly.", **ask())
    m = raw.parse()
    expect("kind", (m.type, m.role, m.stop_reason), ("message", "assistant", "end_turn"))
    expect_in("text", "Paris", text_of(m))
    expect("request id of the SDK", m._request_id, raw.headers["x-request-id"])
    return line(raw.headers["x-request-id"], m.usage, p, endpoint=f"{p}-text", requested_model=f"{p}-text")


@case.each()
def stream(p):
    whole = client.messages.create(model=f"{p}-text", **ask())
    with client.messages.stream(model=f"{p}-text", **ask()) as s:
        text = "".join(s.text_stream)
        final = s.get_final_message()
        request_id = s.response.headers["x-request-id"]
    expect("text", text, text_of(whole))
    expect("final message", (text_of(final), final.stop_reason), (text_of(whole), "end_turn"))
    return [line(whole._request_id, whole.usage, p, endpoint=f"{p}-text"),
            line(request_id, final.usage, p, endpoint=f"{p}-text", request_streaming=True)]


@case.each()
def tools(p):
    m = client.messages.create(model=f"{p}-tools", tools=[TOOL], **ask())
    call = next(b for b in m.content if b.type == "tool_use")
    expect("call", (call.name, call.input, m.stop_reason), ("get_weather", {"city": "Paris"}, "tool_use"))
    messages = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": m.content},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "18 degrees"}]}]
    second = client.messages.create(model=f"{p}-text", tools=[TOOL], **ask(messages=messages))
    expect_in("text", "Paris", text_of(second))
    return [line(m._request_id, m.usage, p, endpoint=f"{p}-tools"), line(second._request_id, second.usage, p, endpoint=f"{p}-text")]


@case.each()
def tools_streamed(p):
    with client.messages.stream(model=f"{p}-tools", tools=[TOOL], **ask()) as s:
        m = s.get_final_message()
        request_id = s.response.headers["x-request-id"]
    call = next(b for b in m.content if b.type == "tool_use")
    expect("call", (call.name, call.input, m.stop_reason), ("get_weather", {"city": "Paris"}, "tool_use"))
    return line(request_id, m.usage, p, endpoint=f"{p}-tools", request_streaming=True)


@case.each("openai", "anthropic", "gemini", "bedrock")
def vision(p):
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    m = client.messages.create(model=f"{p}-text", **ask(messages=[{"role": "user", "content": [image, {"type": "text", "text": "What is it?"}]}]))
    return line(m._request_id, m.usage, p, endpoint=f"{p}-text")


@case.each("anthropic", "gemini", "bedrock")
def thinking(p):
    more = {} if p != "anthropic" else {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    m = client.messages.create(model=f"{p}-reasoning", **ask(max_tokens=4096, **more))
    if not any(b.type == "thinking" and b.thinking for b in m.content):
        raise Wrong("no thought came through")
    return line(m._request_id, m.usage, p, endpoint=f"{p}-reasoning")


@case
def cache():
    system = [{"type": "text", "text": "A long text.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    m = client.messages.create(model="anthropic-cache", system=system, **ask())
    return line(m._request_id, m.usage, "anthropic", endpoint="anthropic-cache", cached_input_token_count=m.usage.cache_read_input_tokens)


@case
def stream_left_by_its_client():
    whole = client.messages.create(model="anthropic-slow", **ask())
    with client.messages.create(model="anthropic-slow", stream=True, **ask()) as events:
        request_id = events.response.headers["x-request-id"]
        next(iter(events))
    return [line(whole._request_id, whole.usage, "anthropic", endpoint="anthropic-slow"),
            line(request_id, whole.usage, "anthropic", endpoint="anthropic-slow", request_streaming=True, outcome="client_gone")]


@case
def models():
    ids = [m.id for m in client.models.list()]
    if "anthropic-text" not in ids:
        raise Wrong(f"models are {ids}")
    return {"no_row": True}


def error(kind, status, outcome, model, c=client, **more):
    try:
        c.messages.create(model=model, **ask(**more.pop("ask", {})))
    except anthropic.APIStatusError as e:
        expect("kind of error", type(e).__name__, kind.__name__)
        expect("status", e.status_code, status)
        if not (e.body or {}).get("error", {}).get("message") or e.body.get("type") != "error":
            raise Wrong(f"the error's body is {e.body!r}") from e
        return {"request_id": e.request_id, "row": refused(status, outcome, **more)}
    raise Wrong("the call went well")


@case
def wrong_key():
    other = anthropic.Anthropic(base_url=BASE, api_key="lakegate-nobody-has-this-key", max_retries=0)
    return error(anthropic.AuthenticationError, 401, "refused", "anthropic-text", other, requester=None)


@case
def unknown_endpoint():
    return error(anthropic.NotFoundError, 404, "refused", "claude-99", endpoint_name="claude-99")


@case.each("openai", "anthropic", "gemini", "bedrock", "cohere")
def limit_of_the_provider(p):
    return error(anthropic.RateLimitError, 429, "upstream_error", f"{p}-limited", endpoint_name=f"{p}-limited")


@case.each("openai")
def what_the_provider_cannot_do(p):
    return error(anthropic.BadRequestError, 400, "refused", f"{p}-text", ask={"extra_body": {"top_k": 5}}, endpoint_name=f"{p}-text")


@case
def sdk_tries_again():
    c = anthropic.Anthropic(base_url=BASE, api_key=KEY, max_retries=1, timeout=30)
    m = c.messages.create(model="anthropic-flaky", **ask())
    expect_in("text", "Paris", text_of(m))
    return {**line(m._request_id, m.usage, "anthropic", endpoint="anthropic-flaky"), "more_rows": 1}


@case
def count_tokens():
    raw = client.messages.with_raw_response.count_tokens(model="anthropic-text", messages=[{"role": "user", "content": QUESTION}])
    expect("tokens", raw.parse().input_tokens, 14)
    return {"request_id": raw.headers["x-request-id"], "row": {"status_code": 200, "outcome": "ok", "output_token_count": None}}


if __name__ == "__main__":
    sys.exit(case.play())
