-- about Databricks' list prices. Empty here; queries that join it run.
-- column price_start_time TIMESTAMP
-- column price_end_time TIMESTAMP
-- column account_id STRING
-- column sku_name STRING
-- column cloud STRING
-- column currency_code STRING
-- column usage_unit STRING
-- column pricing STRUCT<default: DECIMAL(38,18), promotional: STRUCT<default: DECIMAL(38,18)>, effective_list: STRUCT<default: DECIMAL(38,18)>>
SELECT CAST(NULL AS TIMESTAMP) AS price_start_time,
       CAST(NULL AS TIMESTAMP) AS price_end_time,
       CAST(NULL AS STRING) AS account_id,
       CAST(NULL AS STRING) AS sku_name,
       CAST(NULL AS STRING) AS cloud,
       CAST(NULL AS STRING) AS currency_code,
       CAST(NULL AS STRING) AS usage_unit,
       CAST(NULL AS STRUCT<default: DECIMAL(38,18), promotional: STRUCT<default: DECIMAL(38,18)>, effective_list: STRUCT<default: DECIMAL(38,18)>>) AS pricing
WHERE false
