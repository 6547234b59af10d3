-- about Models whose calls used something and have no known cost, by day. Give them a price and run `lakegate prices reprice`.
-- needs system.serving.endpoint_usage
-- column usage_date DATE
-- column provider STRING
-- column model STRING
-- column service_tier STRING
-- column requests BIGINT
-- column input_tokens BIGINT
-- column output_tokens BIGINT
-- column searches BIGINT
-- column first_seen TIMESTAMP
-- column last_seen TIMESTAMP
SELECT request_date AS usage_date,
       provider,
       model,
       service_tier,
       count(*) AS requests,
       CAST(sum(input_token_count) AS BIGINT) AS input_tokens,
       CAST(sum(output_token_count) AS BIGINT) AS output_tokens,
       CAST(sum(search_count) AS BIGINT) AS searches,
       min(request_time) AS first_seen,
       max(request_time) AS last_seen
FROM system.serving.endpoint_usage
WHERE cost IS NULL
  AND model IS NOT NULL
  AND (input_token_count IS NOT NULL OR output_token_count IS NOT NULL OR total_token_count IS NOT NULL OR search_count > 0)
GROUP BY request_date, provider, model, service_tier
