-- about Spend in the columns of FOCUS 1.2: one charge per day, model, tier, endpoint, requester and tags. Calls without a known price are not in it, nor are answers of the response cache.
-- needs system.serving.endpoint_usage
-- column AvailabilityZone STRING
-- column BilledCost DECIMAL(38,9)
-- column BillingAccountId STRING
-- column BillingAccountName STRING
-- column BillingAccountType STRING
-- column BillingCurrency STRING
-- column BillingPeriodEnd TIMESTAMP
-- column BillingPeriodStart TIMESTAMP
-- column CapacityReservationId STRING
-- column CapacityReservationStatus STRING
-- column ChargeCategory STRING
-- column ChargeClass STRING
-- column ChargeDescription STRING
-- column ChargeFrequency STRING
-- column ChargePeriodEnd TIMESTAMP
-- column ChargePeriodStart TIMESTAMP
-- column CommitmentDiscountCategory STRING
-- column CommitmentDiscountId STRING
-- column CommitmentDiscountName STRING
-- column CommitmentDiscountQuantity DECIMAL(38,9)
-- column CommitmentDiscountStatus STRING
-- column CommitmentDiscountType STRING
-- column CommitmentDiscountUnit STRING
-- column ConsumedQuantity DECIMAL(38,0)
-- column ConsumedUnit STRING
-- column ContractedCost DECIMAL(38,9)
-- column ContractedUnitPrice DECIMAL(38,18)
-- column EffectiveCost DECIMAL(38,9)
-- column InvoiceId STRING
-- column InvoiceIssuerName STRING
-- column ListCost DECIMAL(38,9)
-- column ListUnitPrice DECIMAL(38,18)
-- column PricingCategory STRING
-- column PricingCurrency STRING
-- column PricingCurrencyContractedUnitPrice DECIMAL(38,18)
-- column PricingCurrencyEffectiveCost DECIMAL(38,9)
-- column PricingCurrencyListUnitPrice DECIMAL(38,18)
-- column PricingQuantity DECIMAL(38,6)
-- column PricingUnit STRING
-- column ProviderName STRING
-- column PublisherName STRING
-- column RegionId STRING
-- column RegionName STRING
-- column ResourceId STRING
-- column ResourceName STRING
-- column ResourceType STRING
-- column ServiceCategory STRING
-- column ServiceName STRING
-- column ServiceSubcategory STRING
-- column SkuId STRING
-- column SkuMeter STRING
-- column SkuPriceDetails STRING
-- column SkuPriceId STRING
-- column SubAccountId STRING
-- column SubAccountName STRING
-- column SubAccountType STRING
-- column Tags STRING
-- column x_EndpointName STRING
-- column x_InputTokens DECIMAL(38,0)
-- column x_CachedInputTokens DECIMAL(38,0)
-- column x_OutputTokens DECIMAL(38,0)
-- column x_PriceVersion STRING
-- column x_Requester STRING
-- column x_Requests BIGINT
-- column x_Searches DECIMAL(38,0)
-- column x_UsageDate DATE
SELECT CAST(NULL AS STRING) AS AvailabilityZone,
       cost AS BilledCost,
       account_id AS BillingAccountId,
       CAST(NULL AS STRING) AS BillingAccountName,
       'lakegate account' AS BillingAccountType,
       'USD' AS BillingCurrency,
       CAST(add_months(trunc(request_date, 'MONTH'), 1) AS TIMESTAMP) AS BillingPeriodEnd,
       CAST(trunc(request_date, 'MONTH') AS TIMESTAMP) AS BillingPeriodStart,
       CAST(NULL AS STRING) AS CapacityReservationId,
       CAST(NULL AS STRING) AS CapacityReservationStatus,
       'Usage' AS ChargeCategory,
       CAST(NULL AS STRING) AS ChargeClass,
       concat('Calls of ', model, ' through ', endpoint_name) AS ChargeDescription,
       'Usage-Based' AS ChargeFrequency,
       CAST(date_add(request_date, 1) AS TIMESTAMP) AS ChargePeriodEnd,
       CAST(request_date AS TIMESTAMP) AS ChargePeriodStart,
       CAST(NULL AS STRING) AS CommitmentDiscountCategory,
       CAST(NULL AS STRING) AS CommitmentDiscountId,
       CAST(NULL AS STRING) AS CommitmentDiscountName,
       CAST(NULL AS DECIMAL(38,9)) AS CommitmentDiscountQuantity,
       CAST(NULL AS STRING) AS CommitmentDiscountStatus,
       CAST(NULL AS STRING) AS CommitmentDiscountType,
       CAST(NULL AS STRING) AS CommitmentDiscountUnit,
       CAST(quantity AS DECIMAL(38,0)) AS ConsumedQuantity,
       CASE WHEN per = 1 THEN 'Requests' ELSE 'Tokens' END AS ConsumedUnit,
       cost AS ContractedCost,
       CAST(CAST(cost AS DOUBLE) * per / quantity AS DECIMAL(38,18)) AS ContractedUnitPrice,
       cost AS EffectiveCost,
       CAST(NULL AS STRING) AS InvoiceId,
       seller AS InvoiceIssuerName,
       list_cost AS ListCost,
       CAST(CAST(list_cost AS DOUBLE) * per / quantity AS DECIMAL(38,18)) AS ListUnitPrice,
       'Standard' AS PricingCategory,
       'USD' AS PricingCurrency,
       CAST(CAST(cost AS DOUBLE) * per / quantity AS DECIMAL(38,18)) AS PricingCurrencyContractedUnitPrice,
       cost AS PricingCurrencyEffectiveCost,
       CAST(CAST(list_cost AS DOUBLE) * per / quantity AS DECIMAL(38,18)) AS PricingCurrencyListUnitPrice,
       CAST(CASE WHEN per = 1 THEN CAST(quantity AS DECIMAL(26,6)) ELSE CAST(quantity AS DECIMAL(26,6)) * CAST(0.000001 AS DECIMAL(9,6)) END AS DECIMAL(38,6)) AS PricingQuantity,
       CASE WHEN per = 1 THEN 'Requests' ELSE '1000000 Tokens' END AS PricingUnit,
       seller AS ProviderName,
       CASE WHEN model LIKE '%claude%' THEN 'Anthropic'
            WHEN model LIKE '%gemini%' OR model LIKE '%gemma%' THEN 'Google'
            WHEN model LIKE '%gpt-%' THEN 'OpenAI'
            WHEN model LIKE '%llama%' THEN 'Meta'
            WHEN model LIKE '%mistral%' OR model LIKE '%mixtral%' THEN 'Mistral AI'
            WHEN model LIKE '%deepseek%' THEN 'DeepSeek'
            WHEN model LIKE '%grok%' THEN 'xAI'
            ELSE seller END AS PublisherName,
       CAST(NULL AS STRING) AS RegionId,
       CAST(NULL AS STRING) AS RegionName,
       served_entity_id AS ResourceId,
       served_entity_name AS ResourceName,
       'Served entity' AS ResourceType,
       'AI and Machine Learning' AS ServiceCategory,
       concat(seller, ' API') AS ServiceName,
       'Generative AI' AS ServiceSubcategory,
       concat_ws('/', provider, model) AS SkuId,
       CASE WHEN per = 1 THEN 'Requests' ELSE 'Tokens' END AS SkuMeter,
       to_json(named_struct('x_Model', model, 'x_ServiceTier', tier)) AS SkuPriceDetails,
       concat_ws('/', provider, model, tier) AS SkuPriceId,
       workspace_id AS SubAccountId,
       CAST(NULL AS STRING) AS SubAccountName,
       'lakegate workspace' AS SubAccountType,
       tags AS Tags,
       endpoint_name AS x_EndpointName,
       CAST(input_tokens AS DECIMAL(38,0)) AS x_InputTokens,
       CAST(cached_tokens AS DECIMAL(38,0)) AS x_CachedInputTokens,
       CAST(output_tokens AS DECIMAL(38,0)) AS x_OutputTokens,
       price_version AS x_PriceVersion,
       requester AS x_Requester,
       requests AS x_Requests,
       CAST(searches AS DECIMAL(38,0)) AS x_Searches,
       request_date AS x_UsageDate
FROM (SELECT c.*, CASE WHEN tokens > 0 THEN tokens ELSE requests END AS quantity, CASE WHEN tokens > 0 THEN 1000000 ELSE 1 END AS per
FROM (SELECT account_id, workspace_id, request_date, provider, model, endpoint_name, served_entity_id, served_entity_name, requester, price_version,
             CASE WHEN service_tier IS NULL OR lower(service_tier) IN ('default', 'standard', 'auto', 'on_demand') THEN 'default' ELSE lower(service_tier) END AS tier,
             to_json(usage_context) AS tags,
             CASE provider WHEN 'openai' THEN 'OpenAI' WHEN 'anthropic' THEN 'Anthropic' WHEN 'cohere' THEN 'Cohere'
                           WHEN 'amazon-bedrock' THEN 'AWS' WHEN 'google-cloud-vertex-ai' THEN 'Google Cloud' WHEN 'google-gemini' THEN 'Google'
                           WHEN 'databricks-model-serving' THEN 'Databricks' WHEN 'ai21labs' THEN 'AI21 Labs' WHEN 'mistral' THEN 'Mistral AI'
                           WHEN 'groq' THEN 'Groq' WHEN 'cerebras' THEN 'Cerebras' WHEN 'deepinfra' THEN 'DeepInfra' WHEN 'xai' THEN 'xAI'
                           WHEN 'deepseek' THEN 'DeepSeek' WHEN 'together' THEN 'Together AI' WHEN 'fireworks' THEN 'Fireworks AI'
                           WHEN 'perplexity' THEN 'Perplexity' WHEN 'openrouter' THEN 'OpenRouter' ELSE coalesce(provider, 'unknown') END AS seller,
             count(*) AS requests,
             sum(total_token_count) AS tokens,
             sum(input_token_count) AS input_tokens,
             sum(cached_input_token_count) AS cached_tokens,
             sum(output_token_count) AS output_tokens,
             sum(search_count) AS searches,
             CAST(sum(cost) AS DECIMAL(38,9)) AS cost,
             CAST(sum(CAST(coalesce(list_cost_nanos, cost_nanos) AS DECIMAL(20,0)) * CAST(0.000000001 AS DECIMAL(9,9))) AS DECIMAL(38,9)) AS list_cost
      FROM system.serving.endpoint_usage
      WHERE cost IS NOT NULL AND NOT coalesce(cache_hit, false)
      GROUP BY account_id, workspace_id, request_date, provider, model, endpoint_name, served_entity_id, served_entity_name, requester, price_version,
               CASE WHEN service_tier IS NULL OR lower(service_tier) IN ('default', 'standard', 'auto', 'on_demand') THEN 'default' ELSE lower(service_tier) END, to_json(usage_context)) c) charges
