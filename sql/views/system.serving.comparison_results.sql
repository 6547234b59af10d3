-- about What each comparison has shown so far: who won how often, and whether that can be chance.
-- needs system.serving.comparisons
-- column endpoint_name STRING
-- column comparison STRING
-- column baseline STRING
-- column challenger STRING
-- column since TIMESTAMP
-- column until TIMESTAMP
-- column comparisons BIGINT
-- column baseline_wins BIGINT
-- column challenger_wins BIGINT
-- column ties BIGINT
-- column no_verdict BIGINT
-- column challenger_win_rate DOUBLE
-- column win_rate_low DOUBLE
-- column win_rate_high DOUBLE
-- column p_value DOUBLE
-- column p_always_valid DOUBLE
-- column verdict STRING
-- column first_shown_win_rate DOUBLE
-- column first_shown_p_value DOUBLE
-- column baseline_latency_ms DOUBLE
-- column challenger_latency_ms DOUBLE
-- column baseline_cost DOUBLE
-- column challenger_cost DOUBLE
-- column experiment_cost DOUBLE
SELECT endpoint_name, comparison, baseline, challenger, since, until,
       comparisons, baseline_wins, challenger_wins, ties,
       comparisons - decided - ties AS no_verdict,
       challenger_wins / nullif(decided, 0) AS challenger_win_rate,
       (challenger_wins + 1.920729410347062 - 1.959963984540054 * sqrt(challenger_wins * baseline_wins / nullif(decided, 0) + 0.960364705173531))
         / (decided + 3.841458820694124) AS win_rate_low,
       (challenger_wins + 1.920729410347062 + 1.959963984540054 * sqrt(challenger_wins * baseline_wins / nullif(decided, 0) + 0.960364705173531))
         / (decided + 3.841458820694124) AS win_rate_high,
       least(1.0, 2 * aggregate(transform(sequence(0, least(baseline_wins, challenger_wins)),
         i -> exp(lgamma(decided + 1) - lgamma(i + 1) - lgamma(decided - i + 1) - decided * ln(2.0))), CAST(0 AS DOUBLE), (a, x) -> a + x)) AS p_value,
       least(1.0, exp(-evidence)) AS p_always_valid,
       CASE WHEN decided = 0 THEN 'no verdict yet'
            WHEN exp(-evidence) > 0.05 THEN 'no difference shown yet'
            WHEN challenger_wins > baseline_wins THEN 'challenger is better'
            ELSE 'baseline is better' END AS verdict,
       first_wins / nullif(decided, 0) AS first_shown_win_rate,
       least(1.0, 2 * aggregate(transform(sequence(0, least(first_wins, decided - first_wins)),
         i -> exp(lgamma(decided + 1) - lgamma(i + 1) - lgamma(decided - i + 1) - decided * ln(2.0))), CAST(0 AS DOUBLE), (a, x) -> a + x)) AS first_shown_p_value,
       baseline_latency_ms, challenger_latency_ms, baseline_cost, challenger_cost, experiment_cost
FROM (SELECT endpoint_name, comparison, baseline, challenger,
             min(comparison_time) AS since, max(comparison_time) AS until, count(*) AS comparisons,
             CAST(count_if(winner = 'baseline') AS BIGINT) AS baseline_wins, CAST(count_if(winner = 'challenger') AS BIGINT) AS challenger_wins, CAST(count_if(winner = 'tie') AS BIGINT) AS ties,
             CAST(count_if(winner IN ('baseline', 'challenger')) AS BIGINT) AS decided, CAST(count_if(winner = first_shown) AS BIGINT) AS first_wins,
             max(evidence) AS evidence,
             median(baseline_latency_ms) AS baseline_latency_ms, median(challenger_latency_ms) AS challenger_latency_ms,
             avg(baseline_cost_nanos) / 1e9 AS baseline_cost, avg(challenger_cost_nanos) / 1e9 AS challenger_cost,
             sum(coalesce(judge_cost_nanos, 0) + CASE answered WHEN 'baseline' THEN coalesce(challenger_cost_nanos, 0)
                                                               WHEN 'challenger' THEN coalesce(baseline_cost_nanos, 0) ELSE 0 END) / 1e9 AS experiment_cost
      FROM (SELECT *,
                   sum(CASE winner WHEN 'baseline' THEN ln(2.0 * b / (b + c + 1)) WHEN 'challenger' THEN ln(2.0 * c / (b + c + 1)) ELSE 0.0 END)
                     OVER (PARTITION BY endpoint_name, comparison, baseline, challenger
                       ORDER BY comparison_time, databricks_request_id ROWS UNBOUNDED PRECEDING) AS evidence
            FROM (SELECT *, count_if(winner = 'baseline') OVER counted AS b, count_if(winner = 'challenger') OVER counted AS c
                  FROM system.serving.comparisons
                  WINDOW counted AS (PARTITION BY endpoint_name, comparison, baseline, challenger
                    ORDER BY comparison_time, databricks_request_id ROWS UNBOUNDED PRECEDING)))
      GROUP BY endpoint_name, comparison, baseline, challenger)
