"""A prompt template called by the SDKs of OpenAI, Anthropic, Google, Databricks and MLflow. See common.py.

The endpoint is called "prompt". Its provider answers with as many words as the variable "words" says.
"""

import os
import sys

os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
os.environ["DATABRICKS_HOST"] = os.environ["LAKEGATE_URL"]
os.environ["DATABRICKS_TOKEN"] = os.environ["LAKEGATE_KEY"]
os.environ["MLFLOW_TRACKING_TOKEN"] = os.environ["LAKEGATE_KEY"]

import anthropic  # noqa: E402
import openai  # noqa: E402
from databricks.sdk import WorkspaceClient  # noqa: E402
from databricks.sdk.errors import InvalidParameterValue  # noqa: E402
from databricks.sdk.service.serving import ChatMessage, ChatMessageRole, DataframeSplitInput  # noqa: E402
from google import genai  # noqa: E402
from google.genai import types  # noqa: E402
from mlflow.deployments import get_deploy_client  # noqa: E402

from common import KEY, URL, Cases, Wrong, answered, expect, expect_in, refused  # noqa: E402

case = Cases("prompts")
client = openai.OpenAI(base_url=URL + "/v1", api_key=KEY, max_retries=0, timeout=30)
w = WorkspaceClient(host=URL, token=KEY)
VERSION = "x-lakegate-prompt-version"
count = 0


def mine():
    """An id for a request, of clients that don't show the gateway's."""
    global count
    count += 1
    return f"prompts-{count}"


def row(usage, version=2, **more):
    return answered(usage.prompt_tokens, usage.completion_tokens, endpoint_name="prompt", prompt_version=version, **more)


@case
def openai_chat():
    raw = client.chat.completions.with_raw_response.create(model="prompt", messages=[], extra_body={"variables": {"words": 7, "text": 'a "b"'}})
    a = raw.parse()
    expect("words", a.usage.completion_tokens, 7)
    expect("version", raw.headers[VERSION], "2")
    return {"request_id": a._request_id, "row": row(a.usage)}


@case
def openai_chat_goes_on():
    a = client.chat.completions.create(model="prompt", messages=[{"role": "assistant", "content": "Well?"}, {"role": "user", "content": "On. x-fake: tokens=3"}],
                                       extra_body={"variables": {"words": "7"}})
    expect("words", a.usage.completion_tokens, 3)
    return {"request_id": a._request_id, "row": row(a.usage)}


@case
def openai_chat_streamed():
    raw = client.chat.completions.with_raw_response.create(
        model="prompt", messages=[], stream=True, stream_options={"include_usage": True}, extra_body={"variables": {"words": 12}})
    chunks = list(raw.parse())
    usage = chunks[-1].usage
    expect("words", usage.completion_tokens, 12)
    return {"request_id": raw.headers["x-request-id"], "row": row(usage, request_streaming=True)}


@case
def openai_chat_of_an_older_version():
    a = client.chat.completions.create(model="prompt", messages=[], extra_body={"version": 1})
    expect("words", a.usage.completion_tokens, 5)
    return {"request_id": a._request_id, "row": row(a.usage, version=1)}


@case
def openai_chat_without_variables():
    try:
        client.chat.completions.create(model="prompt", messages=[], extra_body={"variables": {"word": 1}})
    except openai.BadRequestError as e:
        expect("param", e.param, "variables")
        expect_in("message", 'needs variable "words", and has no variable "word"', e.message)
        return {"request_id": e.request_id, "row": refused(400, "refused", prompt_version=2)}
    raise Wrong("no BadRequestError")


@case
def openai_responses():
    a = client.responses.create(prompt={"id": "prompt", "variables": {"words": "9", "text": {"type": "input_text", "text": "Hi!"}}})
    expect("words", a.usage.output_tokens, 9)
    expect("status", a.status, "completed")
    return {"request_id": a._request_id, "row": answered(a.usage.input_tokens, 9, prompt_version=2, requested_model=None)}


@case
def openai_responses_of_an_older_version():
    with client.responses.stream(model="prompt", prompt={"id": "prompt", "version": "1"}, input="More. x-fake: tokens=6") as events:
        a = events.until_done().get_final_response()
        request_id = events._response.headers["x-request-id"]
    expect("words", a.usage.output_tokens, 6)
    return {"request_id": request_id, "row": answered(a.usage.input_tokens, 6, prompt_version=1, request_streaming=True)}


@case
def anthropic_messages():
    c = anthropic.Anthropic(base_url=URL + "/anthropic", api_key=KEY, max_retries=0, timeout=30)
    a = c.messages.create(model="prompt", max_tokens=100, system="Be kind.", messages=[], extra_body={"variables": {"words": "6"}})
    expect("words", a.usage.output_tokens, 6)
    return {"request_id": a._request_id, "row": answered(a.usage.input_tokens, 6, prompt_version=2)}


@case
def google_genai():
    options = types.HttpOptions(base_url=URL + "/gemini", timeout=30_000, extra_body={"variables": {"words": 8}})
    c = genai.Client(api_key=KEY, http_options=options)
    a = c.models.generate_content(
        model="prompt", contents="And? x-fake: tokens=8", config=types.GenerateContentConfig(system_instruction="Be kind."))
    u = a.usage_metadata
    expect("words", u.candidates_token_count, 8)
    return {"request_id": a.sdk_http_response.headers["x-request-id"], "row": answered(u.prompt_token_count, 8, prompt_version=2)}


@case
def databricks_sdk():
    lines = []
    for input in (
        {"inputs": {"words": 4}},
        {"inputs": [{"words": 4}]},
        {"instances": [{"words": 4}]},
        {"dataframe_records": [{"words": 4, "text": "a"}]},
        {"dataframe_split": DataframeSplitInput(columns=["words", "text"], data=[[4, "a"]])},
    ):
        r = w.serving_endpoints.query(name="prompt", client_request_id=(me := mine()), **input)
        expect(f"words by {list(input)}", r.usage.completion_tokens, 4)
        lines.append({"client_request_id": me, "row": row(r.usage, api_type="mlflow/v1/invocations")})
    return lines


@case
def databricks_sdk_with_messages():
    r = w.serving_endpoints.query(name="prompt", client_request_id=(me := mine()), extra_params={"a": "b"},
                                  inputs={"words": "4"}, messages=[ChatMessage(role=ChatMessageRole.USER, content="x-fake: tokens=2")])
    expect("words", r.usage.completion_tokens, 2)
    return {"client_request_id": me, "row": row(r.usage)}


@case
def databricks_sdk_without_variables():
    try:
        w.serving_endpoints.query(name="prompt", client_request_id=(me := mine()), dataframe_records=[{"words": 1}, {"words": 2}])
    except InvalidParameterValue as e:
        expect_in("message", "must have one row", str(e))
        return {"client_request_id": me, "row": refused(400, "refused", prompt_version=None)}
    raise Wrong("no InvalidParameterValue")


@case
def mlflow_deployments():
    lines = []
    for c in get_deploy_client("databricks"), get_deploy_client(URL):
        for body in {"inputs": {"words": 4}}, {"variables": {"words": 4}}:
            r = c.predict(endpoint="prompt", inputs={**body, "client_request_id": (me := mine())})
            expect("words", r["usage"]["completion_tokens"], 4)
            lines.append({"client_request_id": me, "row": answered(r["usage"]["prompt_tokens"], 4, prompt_version=2)})
    return lines


@case
def mlflow_deployments_streamed():
    c = get_deploy_client("databricks")
    chunks = list(c.predict_stream(endpoint="prompt", inputs={"variables": {"words": 11}, "client_request_id": (me := mine())}))
    expect("text", len("".join(x["choices"][0]["delta"].get("content") or "" for x in chunks if x["choices"]).split()), 11)
    return {"client_request_id": me, "row": {"prompt_version": 2, "output_token_count": 11, "request_streaming": True}}


if __name__ == "__main__":
    sys.exit(case.play())
