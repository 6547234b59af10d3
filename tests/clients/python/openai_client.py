"""OpenAI's Python SDK against a running lakegate: chat, Responses and embeddings on providers of every format. See common.py."""

import io
import json
import sys

import openai

from common import KEY, PNG, QUESTION, URL, WEATHER, Cases, Wrong, answered, expect, expect_in, refused

case = Cases("openai")
TAGS = {"team": "python", "case": "openai"}
HEADERS = {"Databricks-Ai-Gateway-Request-Tags": json.dumps(TAGS)}
client = openai.OpenAI(base_url=URL + "/v1", api_key=KEY, max_retries=0, timeout=30, default_headers=HEADERS)
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "The weather of a city.", "parameters": WEATHER}}
FLAT = {"type": "function", "name": "get_weather", "description": "The weather of a city.", "parameters": WEATHER, "strict": False}
USER = {"role": "user", "content": QUESTION}


def line(request_id, usage, endpoint, **more):
    counts = (usage.prompt_tokens, usage.completion_tokens) if hasattr(usage, "prompt_tokens") else (usage.input_tokens, usage.output_tokens)
    return {"request_id": request_id, "row": answered(*counts, endpoint_name=endpoint, **{**TAGS, **more})}


@case.each()
def chat(p):
    a = client.chat.completions.create(model=f"{p}-text", messages=[{"role": "system", "content": "You answer briefly."}, USER])
    expect_in("text", "Paris", a.choices[0].message.content)
    expect("finish reason", a.choices[0].finish_reason, "stop")
    return line(a._request_id, a.usage, f"{p}-text", api_type="openai/v1/chat/completions")


@case.each()
def stream(p):
    whole = client.chat.completions.create(model=f"{p}-text", messages=[USER])
    raw = client.chat.completions.with_raw_response.create(
        model=f"{p}-text", messages=[USER], stream=True, stream_options={"include_usage": True})
    text, usage = "", None
    for c in raw.parse():
        usage = c.usage or usage
        text += "".join(x.delta.content or "" for x in c.choices)
    expect("text", text, whole.choices[0].message.content)
    return [line(whole._request_id, whole.usage, f"{p}-text"),
            line(raw.headers["x-request-id"], usage, f"{p}-text", request_streaming=True)]


@case.each()
def tools(p):
    a = client.chat.completions.create(model=f"{p}-tools", messages=[USER], tools=[TOOL])
    call = a.choices[0].message.tool_calls[0]
    expect("call", (call.function.name, json.loads(call.function.arguments)), ("get_weather", {"city": "Paris"}))
    expect("finish reason", a.choices[0].finish_reason, "tool_calls")
    messages = [USER, a.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "18 degrees"}]
    second = client.chat.completions.create(model=f"{p}-text", messages=messages, tools=[TOOL])
    expect_in("text", "Paris", second.choices[0].message.content)
    return [line(a._request_id, a.usage, f"{p}-tools"), line(second._request_id, second.usage, f"{p}-text")]


@case.each()
def tools_streamed(p):
    with client.chat.completions.stream(model=f"{p}-tools", messages=[USER], tools=[TOOL], stream_options={"include_usage": True}) as s:
        request_id = s._response.headers["x-request-id"]
        final = s.get_final_completion()
    call = final.choices[0].message.tool_calls[0]
    expect("call", (call.function.name, json.loads(call.function.arguments)), ("get_weather", {"city": "Paris"}))
    return line(request_id, final.usage, f"{p}-tools", request_streaming=True)


@case.each("openai", "anthropic", "gemini", "bedrock", "responses")
def vision(p):
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    a = client.chat.completions.create(model=f"{p}-text", messages=[{"role": "user", "content": [{"type": "text", "text": "What is it?"}, picture]}])
    return line(a._request_id, a.usage, f"{p}-text")


@case.each("openai", "anthropic", "gemini", "responses")
def json_schema(p):
    shape = {"type": "json_schema", "json_schema": {"name": "weather", "schema": {**WEATHER, "additionalProperties": False}}}
    a = client.chat.completions.create(model=f"{p}-json_schema", messages=[USER], response_format=shape)
    expect_in("text", "Paris", a.choices[0].message.content)
    return line(a._request_id, a.usage, f"{p}-json_schema")


@case.each()
def responses(p):
    a = client.responses.create(model=f"{p}-text", instructions="You answer briefly.", input=QUESTION)
    expect_in("text", "Paris", a.output_text)
    expect("status", a.status, "completed")
    return line(a._request_id, a.usage, f"{p}-text", api_type="openai/v1/responses")


@case.each()
def responses_streamed(p):
    whole = client.responses.create(model=f"{p}-text", input=QUESTION)
    with client.responses.stream(model=f"{p}-text", input=QUESTION) as s:
        request_id = s._response.headers["x-request-id"]
        text = "".join(e.delta for e in s if e.type == "response.output_text.delta")
        final = s.get_final_response()
    expect("text", (text, final.output_text), (whole.output_text, whole.output_text))
    return [line(whole._request_id, whole.usage, f"{p}-text"), line(request_id, final.usage, f"{p}-text", request_streaming=True)]


@case.each()
def responses_tools(p):
    a = client.responses.create(model=f"{p}-tools", input=QUESTION, tools=[FLAT])
    call = next(o for o in a.output if o.type == "function_call")
    expect("call", (call.name, json.loads(call.arguments)), ("get_weather", {"city": "Paris"}))
    history = [USER, {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments},
               {"type": "function_call_output", "call_id": call.call_id, "output": "18 degrees"}]
    second = client.responses.create(model=f"{p}-text", input=history, tools=[FLAT])
    expect_in("text", "Paris", second.output_text)
    return [line(a._request_id, a.usage, f"{p}-tools"), line(second._request_id, second.usage, f"{p}-text")]


@case
def stored_response():
    a = client.responses.create(model="responses-text", input=QUESTION)
    again = client.responses.with_raw_response.retrieve(a.id)
    expect("id", again.parse().id, a.id)
    return [line(a._request_id, a.usage, "responses-text"),
            {"request_id": again.headers["x-request-id"], "row": {"status_code": 200, "outcome": "ok", "api_type": "openai/v1/responses.retrieve"}}]


@case.each("openai", "gemini", "cohere")
def embeddings(p):
    a = client.embeddings.create(model=f"{p}-vectors", input=["one", "two"])
    expect("vectors", len(a.data), 2)
    if not all(isinstance(x, float) for d in a.data for x in d.embedding):
        raise Wrong("the vectors are not numbers")
    return {"request_id": a._request_id, "row": {"status_code": 200, "outcome": "ok", "endpoint_name": f"{p}-vectors", **TAGS}}


@case
def images():
    raw = client.images.with_raw_response.generate(model="images", prompt="A lake.")
    expect("images", len(raw.parse().data), 1)
    return {"request_id": raw.headers["x-request-id"], "row": {"status_code": 200, "outcome": "ok", "endpoint_name": "images",
                                                                "output_image_token_count": 196}}


@case
def speech():
    raw = client.audio.speech.with_raw_response.create(model="speech", voice="alloy", input="Hello")
    expect("sound", raw.content[:3], b"ID3")
    return {"request_id": raw.headers["x-request-id"], "row": {"status_code": 200, "outcome": "ok", "endpoint_name": "speech", "usage_source": "none"}}


@case
def transcription():
    sound = ("hello.mp3", io.BytesIO(b"ID3" + bytes(range(256))), "audio/mpeg")
    raw = client.audio.transcriptions.with_raw_response.create(model="transcription", file=sound)
    expect("text", raw.parse().text, "Hello from Paris.")
    return {"request_id": raw.headers["x-request-id"], "row": answered(14, 5, endpoint_name="transcription", input_audio_token_count=14)}


@case
def moderation():
    raw = client.moderations.with_raw_response.create(model="moderation", input="Hello")
    expect("flagged", raw.parse().results[0].flagged, False)
    return {"request_id": raw.headers["x-request-id"], "row": {"status_code": 200, "outcome": "ok", "endpoint_name": "moderation"}}


def error(kind, status, outcome, call, **more):
    try:
        call()
    except openai.APIStatusError as e:
        expect("kind of error", type(e).__name__, kind.__name__)
        expect("status", e.status_code, status)
        if not (e.body or {}).get("message"):
            raise Wrong(f"the error's body is {e.body!r}") from e
        return {"request_id": e.request_id, "row": refused(status, outcome, **more)}
    raise Wrong("the call went well")


@case.each("openai", "anthropic", "gemini", "bedrock", "cohere", "responses")
def limit_of_the_provider(p):
    return error(openai.RateLimitError, 429, "upstream_error", lambda: client.chat.completions.create(model=f"{p}-limited", messages=[USER]),
                 endpoint_name=f"{p}-limited")


@case.each("anthropic", "bedrock")
def what_the_provider_cannot_do(p):
    call = lambda: client.chat.completions.create(model=f"{p}-text", messages=[USER], seed=7)  # noqa: E731
    got = error(openai.BadRequestError, 400, "refused", call, endpoint_name=f"{p}-text")
    try:
        call()
    except openai.BadRequestError as e:
        expect("field at fault", e.param, "seed")
        return [got, {"request_id": e.request_id, "row": {"status_code": 400}}]


@case
def what_is_dropped():
    raw = client.chat.completions.with_raw_response.create(model="dropping", messages=[USER], seed=7)
    expect("what was dropped", raw.headers["x-lakegate-dropped"], "seed")
    return line(raw.headers["x-request-id"], raw.parse().usage, "dropping")


@case.each("anthropic", "gemini", "cohere")
def broken_stream(p):
    raw = client.chat.completions.with_raw_response.create(model=f"{p}-broken", messages=[USER], stream=True)
    try:
        list(raw.parse())
    except Exception:  # the SDK names it in one of several ways
        return {"request_id": raw.headers["x-request-id"], "row": {"status_code": 200, "outcome": "upstream_broken", "request_streaming": True}}
    raise Wrong("a broken stream ended like a whole one")


if __name__ == "__main__":
    sys.exit(case.play())
