-- about Databricks' billable usage. lakegate bills nothing, so it is empty; queries that join it run.
-- column record_id STRING
-- column account_id STRING
-- column workspace_id STRING
-- column sku_name STRING
-- column cloud STRING
-- column usage_start_time TIMESTAMP
-- column usage_end_time TIMESTAMP
-- column usage_date DATE
-- column custom_tags MAP<STRING,STRING>
-- column usage_unit STRING
-- column usage_quantity DECIMAL(38,18)
-- column usage_metadata STRUCT<endpoint_name: STRING, endpoint_id: STRING, ai_gateway_endpoint_name: STRING, ai_gateway_endpoint_id: STRING, ai_gateway_destination_model: STRING>
-- column identity_metadata STRUCT<run_as: STRING, owned_by: STRING, created_by: STRING, run_by: STRING>
-- column record_type STRING
-- column ingestion_date DATE
-- column billing_origin_product STRING
-- column product_features STRUCT<serving_type: STRING>
-- column usage_type STRING
SELECT CAST(NULL AS STRING) AS record_id,
       CAST(NULL AS STRING) AS account_id,
       CAST(NULL AS STRING) AS workspace_id,
       CAST(NULL AS STRING) AS sku_name,
       CAST(NULL AS STRING) AS cloud,
       CAST(NULL AS TIMESTAMP) AS usage_start_time,
       CAST(NULL AS TIMESTAMP) AS usage_end_time,
       CAST(NULL AS DATE) AS usage_date,
       CAST(NULL AS MAP<STRING,STRING>) AS custom_tags,
       CAST(NULL AS STRING) AS usage_unit,
       CAST(NULL AS DECIMAL(38,18)) AS usage_quantity,
       CAST(NULL AS STRUCT<endpoint_name: STRING, endpoint_id: STRING, ai_gateway_endpoint_name: STRING, ai_gateway_endpoint_id: STRING, ai_gateway_destination_model: STRING>) AS usage_metadata,
       CAST(NULL AS STRUCT<run_as: STRING, owned_by: STRING, created_by: STRING, run_by: STRING>) AS identity_metadata,
       CAST(NULL AS STRING) AS record_type,
       CAST(NULL AS DATE) AS ingestion_date,
       CAST(NULL AS STRING) AS billing_origin_product,
       CAST(NULL AS STRUCT<serving_type: STRING>) AS product_features,
       CAST(NULL AS STRING) AS usage_type
WHERE false
