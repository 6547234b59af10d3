-- about One row per request, in the shape of Databricks' table of the same name; cost is ours. invocation_metadata.source is NULL for clients' requests, and says what lakegate made its own for: shadow, compare, judge.
-- needs system.serving.endpoint_usage
-- column account_id STRING
-- column workspace_id STRING
-- column request_id STRING
-- column schema_version STRING
-- column endpoint_id STRING
-- column endpoint_name STRING
-- column endpoint_tags MAP<STRING,STRING>
-- column endpoint_metadata STRUCT<creator: STRING, creation_time: TIMESTAMP, last_updated_time: TIMESTAMP, destinations: ARRAY<STRING>, inference_table: STRING>
-- column event_time TIMESTAMP
-- column latency_ms BIGINT
-- column time_to_first_byte_ms BIGINT
-- column destination_type STRING
-- column destination_name STRING
-- column destination_id STRING
-- column destination_model STRING
-- column requester STRING
-- column requester_type STRING
-- column ip_address STRING
-- column url STRING
-- column user_agent STRING
-- column api_type STRING
-- column request_tags MAP<STRING,STRING>
-- column input_tokens BIGINT
-- column output_tokens BIGINT
-- column total_tokens BIGINT
-- column token_details STRUCT<cache_read_input_tokens: BIGINT, cache_creation_input_tokens: BIGINT, output_reasoning_tokens: BIGINT>
-- column response_content_type STRING
-- column status_code INT
-- column routing_information STRUCT<attempts: ARRAY<STRUCT<action: STRING, destination: STRING, status_code: INT, latency_ms: BIGINT, error: STRING>>>
-- column invocation_id STRING
-- column invocation_metadata STRUCT<source: STRING, service_tier: STRING>
-- column service_type STRING
-- column service_id STRING
-- column service_name STRING
-- column service_tags MAP<STRING,STRING>
-- column mcp_metadata STRUCT<json_rpc_method: STRING, tool_name: STRING, server_type: STRING, client_name: STRING>
-- column cost DECIMAL(18,9)
SELECT account_id,
       workspace_id,
       databricks_request_id AS request_id,
       '1' AS schema_version,
       endpoint_id,
       endpoint_name,
       CAST(NULL AS MAP<STRING,STRING>) AS endpoint_tags,
       CAST(NULL AS STRUCT<creator: STRING, creation_time: TIMESTAMP, last_updated_time: TIMESTAMP, destinations: ARRAY<STRING>, inference_table: STRING>) AS endpoint_metadata,
       request_time AS event_time,
       latency_ms,
       time_to_first_token_ms AS time_to_first_byte_ms,
       CASE WHEN served_entity_id IS NOT NULL THEN 'EXTERNAL_MODEL' END AS destination_type,
       served_entity_name AS destination_name,
       served_entity_id AS destination_id,
       model AS destination_model,
       requester,
       requester_type,
       ip_address,
       url,
       user_agent,
       api_type,
       usage_context AS request_tags,
       input_token_count AS input_tokens,
       output_token_count AS output_tokens,
       total_token_count AS total_tokens,
       named_struct('cache_read_input_tokens', cached_input_token_count,
                    'cache_creation_input_tokens', cache_write_token_count,
                    'output_reasoning_tokens', reasoning_token_count) AS token_details,
       CASE WHEN request_streaming AND status_code < 400 THEN 'text/event-stream' ELSE 'application/json' END AS response_content_type,
       status_code,
       named_struct('attempts', transform(attempts, a -> named_struct('action', a.action, 'destination', a.served_entity,
                    'status_code', a.status_code, 'latency_ms', a.latency_ms, 'error', a.error))) AS routing_information,
       databricks_request_id AS invocation_id,
       named_struct('source', purpose, 'service_tier', service_tier) AS invocation_metadata,
       'MODEL_SERVICE' AS service_type,
       CAST(NULL AS STRING) AS service_id,
       CAST(NULL AS STRING) AS service_name,
       CAST(NULL AS MAP<STRING,STRING>) AS service_tags,
       CAST(NULL AS STRUCT<json_rpc_method: STRING, tool_name: STRING, server_type: STRING, client_name: STRING>) AS mcp_metadata,
       cost
FROM system.serving.endpoint_usage
