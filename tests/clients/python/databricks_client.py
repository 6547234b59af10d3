"""Databricks' SDK and MLflow's deployment clients against a running lakegate. See common.py."""

import base64
import os
import sys

os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
os.environ["DATABRICKS_HOST"] = os.environ["LAKEGATE_URL"]
os.environ["DATABRICKS_TOKEN"] = os.environ["LAKEGATE_KEY"]
os.environ["MLFLOW_TRACKING_TOKEN"] = os.environ["LAKEGATE_KEY"]  # what a client of a plain MLflow gateway sends

from databricks.sdk import WorkspaceClient  # noqa: E402
from databricks.sdk.errors import (DatabricksError, InvalidParameterValue, PermissionDenied, ResourceAlreadyExists,  # noqa: E402
                                   ResourceDoesNotExist)
from databricks.sdk.errors import PermissionDenied, ResourceAlreadyExists, ResourceConflict, ResourceDoesNotExist  # noqa: E402
from databricks.sdk.service.serving import (  # noqa: E402
    AiGatewayRateLimit, AiGatewayRateLimitKey, AiGatewayRateLimitRenewalPeriod, ChatMessage, ChatMessageRole, DataframeSplitInput,
    EndpointCoreConfigInput, EndpointTag, ExternalModel, ExternalModelProvider, OpenAiConfig, Route, ServedEntityInput,
    ServingEndpointAccessControlRequest, ServingEndpointPermissionLevel, TrafficConfig)
from mlflow.deployments import get_deploy_client  # noqa: E402

from common import KEY, NARROW_KEY, QUESTION, URL, Cases, Wrong, answered, expect, expect_in  # noqa: E402

case = Cases("databricks")
w = WorkspaceClient(host=URL, token=KEY)
USER = {"role": "user", "content": QUESTION}
count = 0


def mine():
    """An id for a request: these clients don't show the gateway's."""
    global count
    count += 1
    return f"databricks-{count}"


@case.each()
def query(p):
    r = w.serving_endpoints.query(name=f"{p}-text", messages=[ChatMessage(role=ChatMessageRole.USER, content=QUESTION)],
                                  client_request_id=(me := mine()), usage_context={"team": "python", "case": "query"}, max_tokens=100)
    expect_in("text", "Paris", r.choices[0].message.content)
    expect("served model", r.served_model_name, "model")
    return {"client_request_id": me, "row": answered(r.usage.prompt_tokens, r.usage.completion_tokens, endpoint_name=f"{p}-text",
                                                     team="python", case="query", api_type="mlflow/v1/invocations")}


@case.each("openai", "gemini", "cohere")
def query_embeddings(p):
    r = w.serving_endpoints.query(name=f"{p}-vectors", input=["one", "two"], client_request_id=(me := mine()))
    expect("vectors", len(r.data), 2)
    return {"client_request_id": me, "row": {"status_code": 200, "outcome": "ok", "endpoint_name": f"{p}-vectors"}}


@case
def query_a_model_of_ones_own():
    frame = DataframeSplitInput(columns=["a", "b"], data=[[1, 2]], index=[0])
    r = w.serving_endpoints.query(name="own", dataframe_split=frame, client_request_id=(me := mine()))
    expect("predictions", r.predictions, [3.5])
    return {"client_request_id": me, "row": {"status_code": 200, "outcome": "ok", "endpoint_name": "own", "input_token_count": 7, "output_token_count": 3}}


@case
def unknown_endpoint():
    try:
        w.serving_endpoints.query(name="nobody", messages=[ChatMessage(role=ChatMessageRole.USER, content=QUESTION)], client_request_id=(me := mine()))
    except DatabricksError as e:
        expect("code", e.error_code, "ENDPOINT_NOT_FOUND")
        return {"no_row": True, "more_rows": 1}  # refused before the body was read, so the row does not have our id
    raise Wrong(f"the call {me} went well")


@case.each()
def open_ai_client(p):
    c = w.serving_endpoints.get_open_ai_client()
    a = c.chat.completions.create(model=f"{p}-text", messages=[USER])
    expect_in("text", "Paris", a.choices[0].message.content)
    return {"request_id": a._request_id, "row": answered(a.usage.prompt_tokens, a.usage.completion_tokens, endpoint_name=f"{p}-text")}


@case.each()
def mlflow_to_databricks(p):
    r = get_deploy_client("databricks").predict(endpoint=f"{p}-text", inputs={"messages": [USER], "client_request_id": (me := mine())})
    expect_in("text", "Paris", r["choices"][0]["message"]["content"])
    return {"client_request_id": me, "row": answered(r["usage"]["prompt_tokens"], r["usage"]["completion_tokens"], endpoint_name=f"{p}-text")}


@case.each()
def mlflow_to_databricks_streamed(p):
    chunks = list(get_deploy_client("databricks").predict_stream(
        endpoint=f"{p}-text", inputs={"messages": [USER], "client_request_id": (me := mine())}))
    text = "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"])
    expect_in("text", "Paris", text)
    return {"client_request_id": me, "row": {"status_code": 200, "outcome": "ok", "request_streaming": True, "usage_source": "provider"}}


@case.each()
def mlflow_to_a_gateway(p):
    r = get_deploy_client(URL).predict(endpoint=f"{p}-text", inputs={"messages": [USER], "client_request_id": (me := mine())})
    expect_in("text", "Paris", r["choices"][0]["message"]["content"])
    return {"client_request_id": me, "row": answered(r["usage"]["prompt_tokens"], r["usage"]["completion_tokens"], endpoint_name=f"{p}-text")}


@case
def mlflow_lists_endpoints():
    databricks = [e["name"] for e in get_deploy_client("databricks").list_endpoints()]
    gateway = [e.name for e in get_deploy_client(URL).list_endpoints()]
    if "openai-text" not in databricks or "openai-text" not in gateway:
        raise Wrong(f"endpoints are {databricks} and {gateway}")
    return {"no_row": True}


@case
def mlflow_gets_an_endpoint():
    e = get_deploy_client(URL).get_endpoint("openai-text")
    expect("endpoint", (e.name, e.endpoint_type), ("openai-text", "llm/v1/chat"))
    return {"no_row": True}


@case
def list_of_endpoints():
    names = [e.name for e in w.serving_endpoints.list()]
    if "anthropic-text" not in names:
        raise Wrong(f"endpoints are {names}")
    expect("provider", w.serving_endpoints.get("bedrock-text").config.served_entities[0].external_model.provider.value, "amazon-bedrock")
    return {"no_row": True}


@case
def secrets():
    w.secrets.create_scope("sdk", initial_manage_principal="users")
    w.secrets.put_secret("sdk", "text", string_value="value-of-the-sdk")
    w.secrets.put_secret("sdk", "bytes", bytes_value=base64.b64encode(b"value-of-the-sdk").decode())
    expect("scopes", [(s.name, s.backend_type.value) for s in w.secrets.list_scopes()], [("sdk", "DATABRICKS")])
    keys = list(w.secrets.list_secrets("sdk"))
    expect("keys", [k.key for k in keys], ["bytes", "text"])
    expect("dated", all(k.last_updated_timestamp > 1.7e12 for k in keys), True)
    w.secrets.delete_secret("sdk", "bytes")
    expect("keys", [k.key for k in w.secrets.list_secrets("sdk")], ["text"])
    for kind, wrong in {
        ResourceAlreadyExists: lambda: w.secrets.create_scope("sdk"),
        ResourceDoesNotExist: lambda: w.secrets.delete_secret("sdk", "bytes"),
        PermissionDenied: lambda: w.secrets.get_secret("sdk", "text"),
        InvalidParameterValue: lambda: w.secrets.put_secret("sdk", "a/b", string_value="x"),
    }.items():
        try:
            wrong()
        except kind:
            continue
        raise Wrong(f"no {kind.__name__}")
    w.secrets.delete_scope("sdk")
    expect("scopes", list(w.secrets.list_scopes()), [])
    return {"no_row": True}


def raises(kind, f):
    try:
        f()
    except kind:
        return
    raise Wrong(f"it went well, want {kind.__name__}")


def audited(name):
    """What system.access.audit says of an endpoint, in order."""
    r = w.statement_execution.execute_statement(warehouse_id="lakegate", wait_timeout="30s", statement=f"""
        SELECT action_name, user_identity.email, response.status_code FROM system.access.audit
        WHERE request_params['name'] = '{name}' ORDER BY event_time""")
    return [tuple(row) for row in r.result.data_array or []]


ME, NARROW = "sdk@example.com", "narrow@example.com"
ADDRESS = os.environ["LAKEGATE_RECORDED"] + "/openai/v1"


@case
def endpoint_from_creation_to_deletion():
    name = "shared-sdk"
    entity = ServedEntityInput(name="model", external_model=ExternalModel(
        name="text", provider=ExternalModelProvider.OPENAI, task="llm/v1/chat",
        openai_config=OpenAiConfig(openai_api_key="{{secrets/provider/key}}", openai_api_base=ADDRESS)))
    api = w.serving_endpoints
    e = api.create_and_wait(name=name, config=EndpointCoreConfigInput(name=name, served_entities=[entity]), tags=[EndpointTag("team", "sdk")])
    try:
        expect("creator", (e.creator, e.permission_level.value), (ME, "CAN_MANAGE"))
        raises(ResourceAlreadyExists, lambda: api.create(name=name, config=EndpointCoreConfigInput(name=name, served_entities=[entity])))
        raises(ResourceConflict, lambda: api.delete("openai-text"))

        sent = [ServedEntityInput.from_dict(x.as_dict()) for x in api.get(name).config.served_entities]  # read, change, send back
        sent.append(ServedEntityInput.from_dict({**entity.as_dict(), "name": "spare"}))
        e = api.update_config_and_wait(name, served_entities=sent, traffic_config=TrafficConfig(routes=[
            Route(served_entity_name="model", traffic_percentage=100), Route(served_entity_name="spare", traffic_percentage=0)]))
        expect("entities", [x.name for x in e.config.served_entities], ["model", "spare"])
        g = api.put_ai_gateway(name, rate_limits=[AiGatewayRateLimit(
            calls=100, key=AiGatewayRateLimitKey.USER, renewal_period=AiGatewayRateLimitRenewalPeriod.MINUTE)])
        expect("calls", g.rate_limits[0].calls, 100)
        expect("tags", [t.key for t in api.patch(name, add_tags=[EndpointTag("stage", "test")], delete_tags=["team"]).tags], ["stage"])

        narrow = WorkspaceClient(host=URL, token=NARROW_KEY).serving_endpoints
        ask = {"name": name, "messages": [ChatMessage(role=ChatMessageRole.USER, content=QUESTION)]}
        raises(ResourceDoesNotExist, lambda: narrow.get(name))
        raises(PermissionDenied, lambda: narrow.query(**ask))
        grant = ServingEndpointAccessControlRequest(group_name="narrow", permission_level=ServingEndpointPermissionLevel.CAN_QUERY)
        expect("grants", len(api.update_permissions(e.id, access_control_list=[grant]).access_control_list), 3)
        expect("levels", len(api.get_permission_levels(e.id).permission_levels), 3)
        r = narrow.query(**ask, client_request_id=(me := mine()))
        expect_in("text", "Paris", r.choices[0].message.content)
        raises(PermissionDenied, lambda: narrow.delete(name))
        expect_in("metrics", "request_count_total", api.export_metrics(name).contents.read().decode())
    finally:
        api.delete(name)
    raises(ResourceDoesNotExist, lambda: api.get(name))
    expect("audit", audited(name), [
        ("createServingEndpoint", ME, "200"), ("createServingEndpoint", ME, "409"), ("updateServingEndpointConfig", ME, "200"),
        ("putServingEndpointAiGateway", ME, "200"), ("patchServingEndpointTags", ME, "200"), ("changeServingEndpointAcl", ME, "200"),
        ("deleteServingEndpoint", NARROW, "403"), ("deleteServingEndpoint", ME, "200")])
    row = answered(r.usage.prompt_tokens, r.usage.completion_tokens, endpoint_name=name)
    return {"client_request_id": me, "row": {**row, "requester": NARROW}, "more_rows": 1}  # the refused query


@case
def mlflow_endpoint_from_creation_to_deletion():
    name = "shared-mlflow"
    config = {"served_entities": [{"name": "model", "external_model": {
        "name": "text", "provider": "openai", "task": "llm/v1/chat",
        "openai_config": {"openai_api_key": "{{secrets/provider/key}}", "openai_api_base": ADDRESS}}}]}
    c = get_deploy_client("databricks")
    expect("name", c.create_endpoint(config={"name": name, "config": config})["name"], name)
    try:
        expect("state", c.update_endpoint_config(name, config)["state"], {"ready": "READY", "config_update": "NOT_UPDATING"})
        c.update_endpoint_tags(name, {"add_tags": [{"key": "team", "value": "mlflow"}]})
        c.update_endpoint_rate_limits(name, {"rate_limits": [{"calls": 100, "key": "endpoint", "renewal_period": "minute"}]})
        c.update_endpoint_ai_gateway(name, {"usage_tracking_config": {"enabled": True}})
        e = c.get_endpoint(name)
        expect("endpoint", (e["tags"], e["ai_gateway"].get("rate_limits")), ([{"key": "team", "value": "mlflow"}], None))
        r = c.predict(endpoint=name, inputs={"messages": [USER], "client_request_id": (me := mine())})
        expect_in("text", "Paris", r["choices"][0]["message"]["content"])
    finally:
        c.delete_endpoint(name)
    expect("audit", audited(name), [(a, ME, "200") for a in (
        "createServingEndpoint", "updateServingEndpointConfig", "patchServingEndpointTags", "putServingEndpointRateLimits",
        "putServingEndpointAiGateway", "deleteServingEndpoint")])
    return {"client_request_id": me, "row": answered(r["usage"]["prompt_tokens"], r["usage"]["completion_tokens"], endpoint_name=name)}


SCRIPTED, PROVIDER_KEY = os.environ["LAKEGATE_SCRIPTED"] + "/v1", os.environ["LAKEGATE_PROVIDER_KEY"]


def never_shown(what, *answers):
    if PROVIDER_KEY in repr(answers):
        raise Wrong(f"{what} shows the provider's key")


def kept():
    """How many secrets that came with endpoints the gateway keeps."""
    try:
        return len(list(w.secrets.list_secrets("lakegate-endpoints")))
    except ResourceDoesNotExist:
        return 0


@case
def endpoint_with_a_key_in_the_request():
    name, before = "shared-plain-sdk", kept()

    def config(key):
        return [ServedEntityInput(name="model", external_model=ExternalModel(
            name="gpt-4o-mini", provider=ExternalModelProvider.OPENAI, task="llm/v1/chat",
            openai_config=OpenAiConfig(openai_api_key_plaintext=key, openai_api_base=SCRIPTED)))]
    api = w.serving_endpoints
    made = api.create_and_wait(name=name, config=EndpointCoreConfigInput(name=name, served_entities=config(PROVIDER_KEY)))
    try:
        read = api.get(name)
        shown = read.config.served_entities[0].external_model.openai_config
        expect("key", (shown.openai_api_key, shown.openai_api_key_plaintext), (None, None))
        sent = [ServedEntityInput.from_dict(x.as_dict()) for x in read.config.served_entities]  # read, send back: the key stays
        never_shown("an answer", made.as_dict(), read.as_dict(), api.update_config_and_wait(name, served_entities=sent).as_dict())
        r = api.query(name=name, messages=[ChatMessage(role=ChatMessageRole.USER, content=QUESTION)], client_request_id=(me := mine()))
        expect("kept", kept(), before + 1)
        api.update_config_and_wait(name, served_entities=config("sk-another"))
        raises(DatabricksError, lambda: api.query(name=name, messages=[ChatMessage(role=ChatMessageRole.USER, content=QUESTION)]))
        expect("kept", kept(), before + 1)
    finally:
        api.delete(name)
    expect("kept", kept(), before)
    never_shown("the audit", w.statement_execution.execute_statement(
        warehouse_id="lakegate", wait_timeout="30s", statement="SELECT * FROM system.access.audit").as_dict())
    return {"client_request_id": me, "row": answered(r.usage.prompt_tokens, r.usage.completion_tokens, endpoint_name=name), "more_rows": 1}


@case
def mlflow_endpoint_with_a_key_in_the_request():
    name, before = "shared-plain-mlflow", kept()
    c = get_deploy_client("databricks")
    made = c.create_endpoint(config={"name": name, "config": {"served_entities": [{"name": "model", "external_model": {
        "name": "gpt-4o-mini", "provider": "openai", "task": "llm/v1/chat",
        "openai_config": {"openai_api_key_plaintext": PROVIDER_KEY, "openai_api_base": SCRIPTED}}}]}})
    try:
        never_shown("an answer", dict(made), dict(c.get_endpoint(name)), c.list_endpoints())
        r = c.predict(endpoint=name, inputs={"messages": [USER], "client_request_id": (me := mine())})
    finally:
        c.delete_endpoint(name)
    expect("kept", kept(), before)
    return {"client_request_id": me, "row": answered(r["usage"]["prompt_tokens"], r["usage"]["completion_tokens"], endpoint_name=name)}


if __name__ == "__main__":
    sys.exit(case.play())
