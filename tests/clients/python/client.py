"""OpenAI's Python SDK against a running lakegate, unmodified but for base URL and key.

Each case checks what the SDK returns and prints one JSON line: its name, what went wrong if
anything did, the request's id, and what the gateway's row of it must say. The Go program that
runs this one compares. Directives behind "x-fake:" are for the scripted provider.
"""

import asyncio
import json
import os
import sys

import openai

URL = os.environ["LAKEGATE_URL"]
KEY = os.environ["LAKEGATE_KEY"]
NARROW_KEY = os.environ["LAKEGATE_NARROW_KEY"]

CASES = []


def case(f):
    CASES.append(f)
    return f


class Wrong(Exception):
    """What the SDK returned is not what it should be."""


def expect(what, got, want):
    if got != want:
        raise Wrong(f"{what} is {got!r}, want {want!r}")


class Run:
    """One pass over all cases with one base URL."""

    def __init__(self, base):
        self.base = base
        self.client = openai.OpenAI(base_url=URL + base, api_key=KEY, max_retries=0, timeout=30)
        self.name = ""

    def other(self, key):
        return openai.OpenAI(base_url=URL + self.base, api_key=key, max_retries=0, timeout=30)

    def report(self, request_id="", row=None, error="", client_request_id="", no_row=False, part=""):
        line = {"case": f"{self.base} {self.name}{part}", "error": error, "request_id": request_id or "",
                "client_request_id": client_request_id, "row": row or {}, "no_row": no_row}
        print(json.dumps(line), flush=True)

    def tags(self):
        return {"team": "python", "case": self.name}

    def row(self, usage, **more):
        """The row of an answered call."""
        row = {"status_code": 200, "outcome": "ok", "usage_source": "provider", "request_streaming": False,
               "requester": "sdk@example.com", "sdk": "yes"}
        if usage is not None:
            row["input_token_count"] = usage.prompt_tokens
            row["total_token_count"] = usage.total_tokens
            if getattr(usage, "completion_tokens", None) is not None:
                row["output_token_count"] = usage.completion_tokens
        row.update(more)
        return row

    def play(self):
        for f in CASES:
            self.name = f.__name__
            try:
                f(self)
            except Exception as e:  # every fault of a case is its own line
                self.report(error=f"{type(e).__name__}: {e}")


def ask(text):
    return [{"role": "system", "content": "You answer briefly."}, {"role": "user", "content": text}]


@case
def chat(r):
    raw = r.client.chat.completions.with_raw_response.create(
        model="chat", messages=ask("Hello! x-fake: tokens=9 cached=3 reasoning=4"), metadata=r.tags())
    a = raw.parse()
    expect("content", a.choices[0].message.content, "The gateway keeps a row for every call so")
    expect("finish reason", a.choices[0].finish_reason, "stop")
    expect("served-model-name", raw.headers["served-model-name"], "model")
    expect("id of the SDK", a._request_id, raw.headers["x-request-id"])
    expect("x-databricks-request-id", raw.headers["x-databricks-request-id"], raw.headers["x-request-id"])
    r.report(a._request_id, r.row(
        a.usage, **r.tags(), endpoint_name="chat", requested_model="chat", model=a.model, priced=True,
        cached_input_token_count=3, reasoning_token_count=4))


@case
def tags_in_the_body(r):
    mine = f"mine-{r.base}-python".replace("/", "")
    a = r.client.chat.completions.create(
        model="chat", messages=ask("Hello!"), extra_body={"usage_context": r.tags(), "client_request_id": mine})
    r.report(a._request_id, r.row(a.usage, **r.tags(), client_request_id=mine))


@case
def tags_in_a_header(r):
    a = r.client.chat.completions.create(
        model="chat", messages=ask("Hello!"), extra_headers={"Databricks-Ai-Gateway-Request-Tags": json.dumps(r.tags())})
    r.report(a._request_id, r.row(a.usage, **r.tags()))


@case
def no_tags(r):
    a = r.client.chat.completions.create(model="chat", messages=ask("Hello!"))
    r.report(a._request_id, r.row(a.usage, team=None, case=None))


LONG = ask("Tell me more. x-fake: tokens=40 chunks=12 gap=2ms")


def stream(r, **more):
    raw = r.client.chat.completions.with_raw_response.create(model="chat", messages=LONG, stream=True, metadata=r.tags(), **more)
    return raw.headers["x-request-id"], raw.parse()


@case
def streaming(r):
    whole = r.client.chat.completions.create(model="chat", messages=LONG, metadata=r.tags())
    r.report(whole._request_id, r.row(whole.usage, **r.tags()), part=" (the same, not streamed)")
    request_id, events = stream(r)
    chunks = list(events)
    expect("text", "".join(c.choices[0].delta.content or "" for c in chunks), whole.choices[0].message.content)
    expect("last finish reason", chunks[-1].choices[0].finish_reason, "stop")
    expect("chunks that show usage nobody asked for", [c for c in chunks if getattr(c, "usage", None)], [])
    r.report(request_id, r.row(whole.usage, **r.tags(), request_streaming=True))


@case
def streaming_with_usage(r):
    request_id, events = stream(r, stream_options={"include_usage": True})
    chunks = list(events)
    expect("choices of the usage chunk", chunks[-1].choices, [])
    expect("completion tokens", chunks[-1].usage.completion_tokens, 40)
    r.report(request_id, r.row(chunks[-1].usage, **r.tags(), request_streaming=True))


@case
def stream_left_by_its_client(r):
    whole = r.client.chat.completions.create(model="chat", messages=LONG, metadata=r.tags())
    r.report(whole._request_id, r.row(whole.usage, **r.tags()), part=" (the same, whole)")
    request_id, events = stream(r)
    for _ in range(3):
        next(events)
    events.close()
    r.report(request_id, r.row(whole.usage, **r.tags(), request_streaming=True, outcome="client_gone"))


TOOL = {"type": "function", "function": {
    "name": "weather", "description": "The weather of a city.", "strict": True,
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
                   "required": ["city", "days"], "additionalProperties": False}}}


@case
def tools(r):
    messages = ask("How is the weather?")
    first = r.client.chat.completions.create(model="chat", messages=messages, tools=[TOOL], metadata=r.tags())
    call = first.choices[0].message.tool_calls[0]
    expect("function", call.function.name, "weather")
    expect("arguments", json.loads(call.function.arguments), {"city": "Berlin", "days": 1})
    expect("finish reason", first.choices[0].finish_reason, "tool_calls")
    r.report(first._request_id, r.row(first.usage, **r.tags()), part=" (call)")
    messages += [first.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "20 degrees"}]
    second = r.client.chat.completions.create(model="chat", messages=messages, tools=[TOOL], metadata=r.tags())
    expect("finish reason", second.choices[0].finish_reason, "stop")
    r.report(second._request_id, r.row(second.usage, **r.tags()), part=" (result)")


@case
def tools_streamed(r):
    raw = r.client.chat.completions.with_raw_response.create(
        model="chat", messages=ask("How is the weather?"), tools=[TOOL], stream=True, metadata=r.tags(),
        stream_options={"include_usage": True})
    arguments, usage = "", None
    for c in raw.parse():
        usage = c.usage or usage
        for choice in c.choices:
            for call in choice.delta.tool_calls or []:
                arguments += call.function.arguments or ""
    expect("arguments", json.loads(arguments), {"city": "Berlin", "days": 1})
    r.report(raw.headers["x-request-id"], r.row(usage, **r.tags(), request_streaming=True))


@case
def json_schema(r):
    schema = {"name": "answer", "schema": {"type": "object", "properties": {"ok": {"type": "boolean"}}}}
    a = r.client.chat.completions.create(
        model="chat", messages=ask("Are you well?"), response_format={"type": "json_schema", "json_schema": schema}, metadata=r.tags())
    expect("content", json.loads(a.choices[0].message.content), {"ok": True})
    r.report(a._request_id, r.row(a.usage, **r.tags()))


@case
def image(r):
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    a = r.client.chat.completions.create(
        model="chat", messages=[{"role": "user", "content": [{"type": "text", "text": "What is it?"}, picture]}], metadata=r.tags())
    if a.usage.prompt_tokens < 85:
        raise Wrong("the provider did not get the image")
    r.report(a._request_id, r.row(a.usage, **r.tags()))


@case
def parameters_nobody_knows(r):
    a = r.client.chat.completions.create(
        model="chat", messages=ask("x-fake: tokens=5"), seed=7, temperature=0.1, logit_bias={"50256": -100}, n=2,
        extra_body={"a_field_of_tomorrow": {"deep": [1, 2, 3]}}, metadata=r.tags())
    expect("choices", len(a.choices), 2)
    expect("completion tokens", a.usage.completion_tokens, 10)
    r.report(a._request_id, r.row(a.usage, **r.tags()))


@case
def completions(r):
    a = r.client.completions.create(model="text", prompt="Say x-fake: tokens=3", extra_body={"usage_context": r.tags()})
    expect("text", a.choices[0].text, "The gateway keeps")
    r.report(a._request_id, r.row(a.usage, **r.tags(), endpoint_name="text"))


@case
def embeddings(r):
    a = r.client.embeddings.create(model="vectors", input=["one", "two"], dimensions=16, extra_body={"usage_context": r.tags()})
    expect("vectors", [len(d.embedding) for d in a.data], [16, 16])
    if abs(sum(x * x for x in a.data[0].embedding) - 1) > 1e-3:
        raise Wrong("the vector was not decoded")
    raw = r.client.embeddings.with_raw_response.create(
        model="vectors", input="one", dimensions=16, encoding_format="float", extra_body={"usage_context": r.tags()})
    expect("the same text's vector", [round(x, 5) for x in raw.parse().data[0].embedding], [round(x, 5) for x in a.data[0].embedding])
    r.report(raw.headers["x-request-id"], r.row(raw.parse().usage, **r.tags(), endpoint_name="vectors"))
    r.report(a._request_id, r.row(a.usage, **r.tags(), endpoint_name="vectors"), part=" (many)")


@case
def many_at_once(r):
    async def all_of_them():
        async with openai.AsyncOpenAI(base_url=URL + r.base, api_key=KEY, max_retries=0) as c:
            return await asyncio.gather(*(c.chat.completions.create(
                model="chat", messages=ask(f"x-fake: tokens={i + 1} latency=20ms"), metadata=r.tags()) for i in range(20)))
    for i, a in enumerate(asyncio.run(all_of_them())):
        expect("completion tokens", a.usage.completion_tokens, i + 1)
        r.report(a._request_id, r.row(a.usage, **r.tags()), part=f" ({i})")


def refused(r, kind, status, call, outcome, **more):
    """Makes a call that must fail in the SDK's own way."""
    try:
        call()
    except openai.APIStatusError as e:
        expect("kind of error", type(e).__name__, kind.__name__)
        expect("status", e.status_code, status)
        if not (e.body or {}).get("message"):
            raise Wrong(f"the error has no message: {e.body!r}") from e
        r.report(e.request_id, {"status_code": status, "outcome": outcome, "input_token_count": None, "usage_source": "none", **more})
        return e
    raise Wrong("the call went well")


def chat_of(r, text, model="chat", client=None):
    return lambda: (client or r.client).chat.completions.create(model=model, messages=ask(text), metadata=r.tags())


@case
def wrong_key(r):
    refused(r, openai.AuthenticationError, 401, chat_of(r, "Hello!", client=r.other("lakegate-nobody-has-this-key")), "refused", requester=None)


@case
def endpoint_of_others(r):
    narrow = r.other(NARROW_KEY)
    refused(r, openai.PermissionDeniedError, 403, chat_of(r, "Hello!", model="stranger", client=narrow), "refused", requester="narrow@example.com")


@case
def unknown_endpoint(r):
    e = refused(r, openai.NotFoundError, 404, chat_of(r, "Hello!", model="gpt-99"), "refused", endpoint_name="gpt-99")
    expect("code", e.code, "model_not_found")


@case
def limit_of_the_gateway(r):
    for _ in range(2):
        try:
            a = r.client.chat.completions.create(model="limited", messages=ask("Hello!"), metadata=r.tags())
        except openai.RateLimitError as e:
            if int(e.response.headers["retry-after"]) < 1:
                raise Wrong("Retry-After is not a whole number of seconds") from e
            r.report(e.request_id, {"status_code": 429, "outcome": "refused", "input_token_count": None, "endpoint_name": "limited"})
            return
        r.report(a._request_id, r.row(a.usage, **r.tags()), part=" (below it)")
    raise Wrong("a limit of one call a minute let two through")


@case
def limit_of_the_provider(r):
    e = refused(r, openai.RateLimitError, 429, chat_of(r, "x-fake: status=429 retry-after=3"), "upstream_error", **r.tags())
    expect("Retry-After", e.response.headers.get("retry-after"), "3")


@case
def bad_request(r):
    refused(r, openai.BadRequestError, 400, chat_of(r, "x-fake: no-such-directive"), "upstream_error", **r.tags())


@case
def provider_fails(r):
    refused(r, openai.InternalServerError, 500, chat_of(r, "x-fake: status=500"), "upstream_error", **r.tags())


@case
def provider_answers_html(r):
    refused(r, openai.InternalServerError, 502, chat_of(r, "x-fake: body=html status=502"), "upstream_error", **r.tags())


@case
def provider_answers_half(r):
    refused(r, openai.InternalServerError, 502, chat_of(r, "x-fake: body=half"), "upstream_error", **r.tags())


@case
def sdk_tries_again(r):
    """The SDK's own retries: each try is a request of its own, and a row."""
    tries = []

    def remember(response):
        tries.append(response.headers["x-request-id"])

    http = openai.DefaultHttpxClient(event_hooks={"response": [remember]})
    client = openai.OpenAI(base_url=URL + r.base, api_key=KEY, max_retries=1, timeout=30, http_client=http)
    refused(r, openai.InternalServerError, 503, chat_of(r, "x-fake: status=503", client=client), "upstream_error", **r.tags())
    expect("tries", len(tries), 2)
    r.report(tries[0], {"status_code": 503, "outcome": "upstream_error", **r.tags()}, part=" (first)")


@case
def broken_stream(r):
    raw = r.client.chat.completions.with_raw_response.create(
        model="chat", messages=ask("x-fake: chunks=9 break=4"), stream=True, metadata=r.tags())
    seen = 0
    try:
        for _ in raw.parse():
            seen += 1
    except Exception:  # the SDK names it in one of several ways
        pass
    else:
        raise Wrong("a broken stream ended like a whole one")
    if seen < 3:
        raise Wrong(f"only {seen} chunks of 4 were passed on")
    r.report(raw.headers["x-request-id"], {
        "status_code": 200, "outcome": "upstream_broken", "request_streaming": True, "input_token_count": None, "usage_source": "none", **r.tags()})


def main():
    for base in ("/v1", "/serving-endpoints"):
        Run(base).play()
    r = Run("/v1")
    r.name = "models"
    try:
        names = sorted(m.id for m in r.client.models.list())
        expect("models", names, sorted(os.environ["LAKEGATE_ENDPOINTS"].split(",")))
        narrow = [m.id for m in r.other(NARROW_KEY).models.list()]
        expect("models of a narrow key", narrow, ["chat"])
        r.report(no_row=True)
    except Exception as e:
        r.report(error=f"{type(e).__name__}: {e}")


if __name__ == "__main__":
    sys.exit(main())
