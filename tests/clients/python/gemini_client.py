"""Google's Gen AI SDK for Python against a running lakegate, on providers of every format. See common.py."""

import base64
import sys

from google import genai
from google.genai import errors, types

from common import KEY, PNG, QUESTION, URL, Cases, Wrong, answered, expect, expect_in, refused

HEADERS = {"Databricks-Ai-Gateway-Request-Tags": '{"team": "python", "case": "gemini"}'}
TAGS = {"team": "python", "case": "gemini"}


def make(key):
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=URL + "/gemini", headers=HEADERS, timeout=30_000))


client = make(KEY)
case = Cases("google-genai")
TOOL = types.Tool(function_declarations=[types.FunctionDeclaration(
    name="get_weather", description="The weather of a city.",
    parameters=types.Schema(type="OBJECT", properties={"city": types.Schema(type="STRING")}, required=["city"]))])


def tokens(u):
    return (u.prompt_token_count or 0) + (u.tool_use_prompt_token_count or 0), (u.candidates_token_count or 0) + (u.thoughts_token_count or 0)


def id_of(response):
    headers = {k.lower(): v for k, v in response.sdk_http_response.headers.items()}
    return headers["x-request-id"]


def line(response, usage, endpoint, **more):
    return {"request_id": id_of(response), "row": answered(*tokens(usage), endpoint_name=endpoint, **{**TAGS, **more})}


@case.each()
def generate(p):
    config = types.GenerateContentConfig(system_instruction="You answer briefly.")
    r = client.models.generate_content(model=f"{p}-text", contents=QUESTION, config=config)
    expect_in("text", "Paris", r.text)
    expect("finish reason", r.candidates[0].finish_reason.value, "STOP")
    return line(r, r.usage_metadata, f"{p}-text", api_type="gemini/v1beta/generateContent")


@case.each()
def stream(p):
    whole = client.models.generate_content(model=f"{p}-text", contents=QUESTION)
    chunks = list(client.models.generate_content_stream(model=f"{p}-text", contents=QUESTION))
    expect("text", "".join(c.text or "" for c in chunks), whole.text)
    usage = [c.usage_metadata for c in chunks if c.usage_metadata][-1]
    return [line(whole, whole.usage_metadata, f"{p}-text"), line(chunks[0], usage, f"{p}-text", request_streaming=True)]


@case.each()
def tools(p):
    config = types.GenerateContentConfig(tools=[TOOL])
    r = client.models.generate_content(model=f"{p}-tools", contents=QUESTION, config=config)
    call = r.function_calls[0]
    expect("call", (call.name, call.args), ("get_weather", {"city": "Paris"}))
    history = [types.Content(role="user", parts=[types.Part(text=QUESTION)]), r.candidates[0].content,
               types.Content(role="user", parts=[types.Part(function_response=types.FunctionResponse(
                   id=call.id, name="get_weather", response={"result": "18 degrees"}))])]
    second = client.models.generate_content(model=f"{p}-text", contents=history, config=config)
    expect_in("text", "Paris", second.text)
    return [line(r, r.usage_metadata, f"{p}-tools"), line(second, second.usage_metadata, f"{p}-text")]


@case.each()
def tools_streamed(p):
    chunks = list(client.models.generate_content_stream(model=f"{p}-tools", contents=QUESTION, config=types.GenerateContentConfig(tools=[TOOL])))
    calls = [c for chunk in chunks for c in chunk.function_calls or []]
    expect("calls", [(c.name, c.args) for c in calls], [("get_weather", {"city": "Paris"})])
    usage = [c.usage_metadata for c in chunks if c.usage_metadata][-1]
    return line(chunks[0], usage, f"{p}-tools", request_streaming=True)


@case.each("openai", "anthropic", "gemini", "bedrock")
def vision(p):
    r = client.models.generate_content(model=f"{p}-text", contents=[types.Part.from_bytes(data=base64.b64decode(PNG), mime_type="image/png"), "What is it?"])
    return line(r, r.usage_metadata, f"{p}-text")


@case.each("openai", "anthropic", "gemini", "responses")
def json_schema(p):
    config = types.GenerateContentConfig(response_mime_type="application/json", response_json_schema={
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
    r = client.models.generate_content(model=f"{p}-json_schema", contents=QUESTION, config=config)
    expect_in("text", "Paris", r.text)
    return line(r, r.usage_metadata, f"{p}-json_schema")


@case
def embed():
    r = client.models.embed_content(model="gemini-vectors", contents=["one", "two"])
    expect("vectors", len(r.embeddings), 2)
    return {"request_id": id_of(r), "row": {"status_code": 200, "outcome": "ok", "endpoint_name": "gemini-vectors"}}


def error(status, word, outcome, model, c=client, **more):
    try:
        c.models.generate_content(model=model, contents=QUESTION, config=more.pop("config", None))
    except errors.APIError as e:
        expect("status", (e.code, e.status), (status, word))
        if not e.message:
            raise Wrong("the error has no message") from e
        headers = {k.lower(): v for k, v in e.response.headers.items()}
        return {"request_id": headers["x-request-id"], "row": refused(status, outcome, **more)}
    raise Wrong("the call went well")


@case
def wrong_key():
    return error(401, "UNAUTHENTICATED", "refused", "gemini-text", make("lakegate-nobody-has-this-key"), requester=None)


@case
def unknown_endpoint():
    return error(404, "NOT_FOUND", "refused", "gemini-99", endpoint_name="gemini-99")


@case.each("openai", "anthropic", "gemini", "bedrock", "cohere")
def limit_of_the_provider(p):
    return error(429, "RESOURCE_EXHAUSTED", "upstream_error", f"{p}-limited", endpoint_name=f"{p}-limited")


@case.each("anthropic")
def what_the_provider_cannot_do(p):
    return error(400, "INVALID_ARGUMENT", "refused", f"{p}-text", config=types.GenerateContentConfig(seed=7), endpoint_name=f"{p}-text")


if __name__ == "__main__":
    sys.exit(case.play())
