package views_test

import (
	"strings"
	"testing"

	"github.com/lakegate/lakegate/sql/views"
)

func TestAll(t *testing.T) {
	var names []string
	for _, v := range views.All() {
		names = append(names, v.Schema.Name.String())
		if v.Schema.Comment == "" || len(v.Schema.Columns) == 0 || !strings.HasPrefix(v.SQL, "SELECT") {
			t.Errorf("view %s is not whole", v.Schema.Name)
		}
	}
	want := "system.ai_gateway.external_model_spend system.ai_gateway.usage system.billing.focus system.billing.list_prices system.billing.usage system.serving.comparison_results system.serving.comparison_results_over_time system.serving.unpriced_models"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The columns of FOCUS 1.2, all of them, in its order: by name. Ours begin with x_.
const focus = `AvailabilityZone BilledCost BillingAccountId BillingAccountName BillingAccountType BillingCurrency BillingPeriodEnd BillingPeriodStart
	CapacityReservationId CapacityReservationStatus ChargeCategory ChargeClass ChargeDescription ChargeFrequency ChargePeriodEnd ChargePeriodStart
	CommitmentDiscountCategory CommitmentDiscountId CommitmentDiscountName CommitmentDiscountQuantity CommitmentDiscountStatus
	CommitmentDiscountType CommitmentDiscountUnit ConsumedQuantity ConsumedUnit ContractedCost ContractedUnitPrice EffectiveCost InvoiceId
	InvoiceIssuerName ListCost ListUnitPrice PricingCategory PricingCurrency PricingCurrencyContractedUnitPrice PricingCurrencyEffectiveCost
	PricingCurrencyListUnitPrice PricingQuantity PricingUnit ProviderName PublisherName RegionId RegionName ResourceId ResourceName ResourceType
	ServiceCategory ServiceName ServiceSubcategory SkuId SkuMeter SkuPriceDetails SkuPriceId SubAccountId SubAccountName SubAccountType Tags`

func TestFocusHasEveryColumn(t *testing.T) {
	v, _ := views.Lookup("system.billing.focus")
	var theirs []string
	for _, c := range v.Schema.Columns {
		if !strings.HasPrefix(c.Name, "x_") {
			theirs = append(theirs, c.Name)
		}
	}
	if got, want := strings.Join(theirs, " "), strings.Join(strings.Fields(focus), " "); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestLookup(t *testing.T) {
	v, ok := views.Lookup("SYSTEM.ai_gateway.Usage")
	if !ok || len(v.Needs) != 1 || v.Needs[0] != "system.serving.endpoint_usage" {
		t.Errorf("got %v %v", v, ok)
	}
	if _, ok := views.Lookup("system.serving.endpoint_usage"); ok {
		t.Error("a table is taken for a view")
	}
}
