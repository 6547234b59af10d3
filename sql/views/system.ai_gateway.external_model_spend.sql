-- about Spend per day, model, endpoint, requester and tags, in US dollars. Calls without a known price are not in it.
-- needs system.serving.endpoint_usage
-- column account_id STRING
-- column workspace_id STRING
-- column usage_date DATE
-- column usage_quantity DECIMAL(38,9)
-- column usage_unit STRING
-- column usage_metadata STRUCT<model: STRING, provider: STRING, endpoint_name: STRING>
-- column identity_metadata STRUCT<run_by: STRING>
-- column custom_tags MAP<STRING,STRING>
SELECT account_id,
       workspace_id,
       request_date AS usage_date,
       CAST(SUM(cost) AS DECIMAL(38,9)) AS usage_quantity,
       'USD' AS usage_unit,
       named_struct('model', model, 'provider', provider, 'endpoint_name', endpoint_name) AS usage_metadata,
       named_struct('run_by', requester) AS identity_metadata,
       any_value(usage_context) AS custom_tags
FROM system.serving.endpoint_usage
WHERE cost IS NOT NULL
GROUP BY account_id, workspace_id, request_date, model, provider, endpoint_name, requester, to_json(usage_context)
