-- about How each comparison came about: one row per compared request, with the counts and the always-valid p-value up to it.
-- needs system.serving.comparisons
-- column endpoint_name STRING
-- column comparison STRING
-- column baseline STRING
-- column challenger STRING
-- column comparison_time TIMESTAMP
-- column databricks_request_id STRING
-- column winner STRING
-- column comparisons BIGINT
-- column baseline_wins BIGINT
-- column challenger_wins BIGINT
-- column ties BIGINT
-- column no_verdict BIGINT
-- column challenger_win_rate DOUBLE
-- column win_rate_low DOUBLE
-- column win_rate_high DOUBLE
-- column p_always_valid DOUBLE
SELECT endpoint_name, comparison, baseline, challenger, comparison_time, databricks_request_id, winner,
       comparisons, baseline_wins, challenger_wins, ties,
       comparisons - baseline_wins - challenger_wins - ties AS no_verdict,
       challenger_wins / decided AS challenger_win_rate,
       (challenger_wins + 1.920729410347062 - 1.959963984540054 * sqrt(challenger_wins * baseline_wins / decided + 0.960364705173531))
         / (decided + 3.841458820694124) AS win_rate_low,
       (challenger_wins + 1.920729410347062 + 1.959963984540054 * sqrt(challenger_wins * baseline_wins / decided + 0.960364705173531))
         / (decided + 3.841458820694124) AS win_rate_high,
       least(1.0, exp(-max(evidence) OVER (PARTITION BY endpoint_name, comparison, baseline, challenger
         ORDER BY comparison_time, databricks_request_id ROWS UNBOUNDED PRECEDING))) AS p_always_valid
FROM (SELECT *,
             nullif(CAST(baseline_wins + challenger_wins AS DOUBLE), 0) AS decided,
             sum(CASE winner WHEN 'baseline' THEN ln(2.0 * baseline_wins / (baseline_wins + challenger_wins + 1))
                             WHEN 'challenger' THEN ln(2.0 * challenger_wins / (baseline_wins + challenger_wins + 1))
                             ELSE 0.0 END) OVER (PARTITION BY endpoint_name, comparison, baseline, challenger
               ORDER BY comparison_time, databricks_request_id ROWS UNBOUNDED PRECEDING) AS evidence
      FROM (SELECT endpoint_name, comparison, baseline, challenger, comparison_time, databricks_request_id, winner,
                   count(*) OVER counted AS comparisons,
                   CAST(count_if(winner = 'baseline') OVER counted AS BIGINT) AS baseline_wins,
                   CAST(count_if(winner = 'challenger') OVER counted AS BIGINT) AS challenger_wins,
                   CAST(count_if(winner = 'tie') OVER counted AS BIGINT) AS ties
            FROM system.serving.comparisons
            WINDOW counted AS (PARTITION BY endpoint_name, comparison, baseline, challenger
              ORDER BY comparison_time, databricks_request_id ROWS UNBOUNDED PRECEDING)))
