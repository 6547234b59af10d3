WITH calls AS (
  SELECT
    CASE WHEN request_time < TIMESTAMP '2026-10-25T23:00:00Z' THEN CASE WHEN request_time < TIMESTAMP '2026-10-24T22:00:00Z' THEN '2026-10-24' ELSE '2026-10-25' END ELSE CASE WHEN request_time < TIMESTAMP '2026-10-26T23:00:00Z' THEN '2026-10-26' ELSE '2026-10-27' END END AS g1,
    COALESCE(NULLIF(usage_context['day'], ''), NULLIF(key_tags['day'], '')) AS g2,
    CASE WHEN cost_nanos IS NOT NULL THEN CASE WHEN COALESCE(NULLIF(usage_context['day'], ''), NULLIF(key_tags['day'], '')) IS NULL THEN 'untagged' ELSE 'allocated' END
      WHEN input_token_count IS NOT NULL AND (output_token_count IS NOT NULL OR task = 'llm/v1/embeddings') THEN 'no_price'
      WHEN outcome = 'refused' OR outcome = 'upstream_error' AND status_code >= 400 THEN 'no_charge'
      ELSE 'no_usage' END AS line,
    price_version, outcome, generated, purpose, input_token_count, output_token_count, cached_input_token_count, cost_nanos, request_time
  FROM system.serving.endpoint_usage
  WHERE request_date >= DATE '2026-10-23' AND request_date <= DATE '2026-10-27' AND request_time >= TIMESTAMP '2026-10-23T22:00:00Z' AND request_time < TIMESTAMP '2026-10-27T23:00:00Z'
)
SELECT g1, g2, line, price_version,
  COALESCE(SUM(CASE WHEN purpose IS NULL THEN 1 ELSE 0 END), 0) AS requests,
  COALESCE(SUM(CASE WHEN outcome = 'ok' OR purpose IS NOT NULL THEN 0 ELSE 1 END), 0) AS failed,
  COALESCE(SUM(CASE WHEN generated AND purpose IS NULL THEN 1 ELSE 0 END), 0) AS generated,
  COALESCE(SUM(input_token_count), 0) AS input_tokens,
  COALESCE(SUM(output_token_count), 0) AS output_tokens,
  COALESCE(SUM(cached_input_token_count), 0) AS cached_tokens,
  COALESCE(SUM(cost_nanos), 0) AS cost_nanos,
  NULL AS cost_dollars,
  MAX(request_time) AS newest
FROM calls
GROUP BY g1, g2, line, price_version
UNION ALL
SELECT NULL, NULL, 'total', NULL,
  COALESCE(SUM(CASE WHEN purpose IS NULL THEN 1 ELSE 0 END), 0),
  COALESCE(SUM(CASE WHEN outcome = 'ok' OR purpose IS NOT NULL THEN 0 ELSE 1 END), 0),
  COALESCE(SUM(CASE WHEN generated AND purpose IS NULL THEN 1 ELSE 0 END), 0),
  COALESCE(SUM(input_token_count), 0),
  COALESCE(SUM(output_token_count), 0),
  COALESCE(SUM(cached_input_token_count), 0),
  COALESCE(SUM(cost_nanos), 0),
  SUM(cost),
  MAX(request_time)
FROM system.serving.endpoint_usage
WHERE request_date >= DATE '2026-10-23' AND request_date <= DATE '2026-10-27' AND request_time >= TIMESTAMP '2026-10-23T22:00:00Z' AND request_time < TIMESTAMP '2026-10-27T23:00:00Z'
