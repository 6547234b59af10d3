package cohere

// cohereOnly is why a field is lost.
const cohereOnly = "only Cohere's API has it"
