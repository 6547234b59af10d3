"""Cohere's Python SDK against a running lakegate, on providers of every format. See common.py."""

import sys

import cohere

from common import KEY, QUESTION, URL, WEATHER, Cases, Wrong, answered, expect, expect_in, refused

OPTIONS = {"additional_headers": {"Databricks-Ai-Gateway-Request-Tags": '{"team": "python", "case": "cohere"}'}, "max_retries": 0}
TAGS = {"team": "python", "case": "cohere"}
client = cohere.ClientV2(api_key=KEY, base_url=URL + "/cohere", timeout=30)
case = Cases("cohere")
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "The weather of a city.", "parameters": WEATHER}}
USER = {"role": "user", "content": QUESTION}


def tokens(usage):
    """What is billed, which is fewer than what the model read: Cohere adds to the prompt."""
    counts = usage.billed_units or usage.tokens
    return int(counts.input_tokens), int(counts.output_tokens)


def line(headers, usage, endpoint, **more):
    return {"request_id": headers["x-request-id"], "row": answered(*tokens(usage), endpoint_name=endpoint, **{**TAGS, **more})}


def text_of(r):
    return "".join(c.text for c in r.message.content or [] if c.type == "text")


def chat(model, messages=None, **more):
    raw = client.with_raw_response.chat(model=model, messages=messages or [USER], request_options=OPTIONS, **more)
    return raw.headers, raw.data


@case.each()
def chats(p):
    headers, r = chat(f"{p}-text", [{"role": "system", "content": "You answer briefly."}, USER])
    expect_in("text", "Paris", text_of(r))
    expect("finish reason", r.finish_reason, "COMPLETE")
    return line(headers, r.usage, f"{p}-text", api_type="cohere/v2/chat")


@case.each()
def stream(p):
    headers, whole = chat(f"{p}-text")
    text, usage = "", None
    with client.with_raw_response.chat_stream(model=f"{p}-text", messages=[USER], request_options=OPTIONS) as raw:
        streamed = raw.headers
        for e in raw.data:
            if e.type == "content-delta":
                text += e.delta.message.content.text or ""
            if e.type == "message-end":
                usage = e.delta.usage
    expect("text", text, text_of(whole))
    return [line(headers, whole.usage, f"{p}-text"), line(streamed, usage, f"{p}-text", request_streaming=True)]


@case.each()
def tools(p):
    headers, r = chat(f"{p}-tools", tools=[TOOL])
    call = r.message.tool_calls[0]
    expect("function", call.function.name, "get_weather")
    expect_in("arguments", "Paris", call.function.arguments)
    expect("finish reason", r.finish_reason, "TOOL_CALL")
    history = [USER, {"role": "assistant", "tool_calls": [call.model_dump() if hasattr(call, "model_dump") else call.dict()]},
               {"role": "tool", "tool_call_id": call.id, "content": "18 degrees"}]
    headers2, second = chat(f"{p}-text", history, tools=[TOOL])
    expect_in("text", "Paris", text_of(second))
    return [line(headers, r.usage, f"{p}-tools"), line(headers2, second.usage, f"{p}-text")]


@case.each("cohere", "openai", "gemini")
def embed(p):
    raw = client.with_raw_response.embed(model=f"{p}-vectors", texts=["one", "two"], input_type="search_document",
                                         embedding_types=["float"], request_options=OPTIONS)
    expect("vectors", len(raw.data.embeddings.float_), 2)
    return {"request_id": raw.headers["x-request-id"], "row": {"status_code": 200, "outcome": "ok", "endpoint_name": f"{p}-vectors"}}


@case
def rerank():
    raw = client.with_raw_response.rerank(model="cohere-rerank", query=QUESTION, documents=["Paris", "Rome"], request_options=OPTIONS)
    expect("first", raw.data.results[0].index, 0)
    return {"request_id": raw.headers["x-request-id"], "row": {"status_code": 200, "outcome": "ok", "endpoint_name": "cohere-rerank", "search_count": 1}}


def error(kind, status, outcome, model, c=client, **more):
    try:
        c.chat(model=model, messages=[USER], request_options=OPTIONS)
    except cohere.core.api_error.ApiError as e:
        expect("kind of error", type(e).__name__, kind)
        expect("status", e.status_code, status)
        return {"request_id": e.headers["x-request-id"], "row": refused(status, outcome, **more)}
    raise Wrong("the call went well")


@case
def wrong_key():
    other = cohere.ClientV2(api_key="lakegate-nobody-has-this-key", base_url=URL + "/cohere")
    return error("UnauthorizedError", 401, "refused", "cohere-text", other, requester=None)


@case
def unknown_endpoint():
    return error("NotFoundError", 404, "refused", "command-99", endpoint_name="command-99")


@case.each("openai", "anthropic", "cohere")
def limit_of_the_provider(p):
    return error("TooManyRequestsError", 429, "upstream_error", f"{p}-limited", endpoint_name=f"{p}-limited")


if __name__ == "__main__":
    sys.exit(case.play())
