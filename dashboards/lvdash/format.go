package lvdash

import "strings"

// Format is how a value is written.
type Format struct {
	Kind     string `json:"kind"`               // number, currency, percent, date, datetime
	Currency string `json:"currency,omitempty"` // ISO code
	Compact  bool   `json:"compact,omitempty"`  // 79.3K instead of 79,335
	Places   *int   `json:"places,omitempty"`   // most digits after the point
	Exact    bool   `json:"exact,omitempty"`    // always that many
	NoGroups bool   `json:"noGroups,omitempty"` // no thousands separators
	Scaled   bool   `json:"scaled,omitempty"`   // a percent that is 0 to 100 already
	Suffix   string `json:"suffix,omitempty"`
	Pattern  string `json:"pattern,omitempty"` // of a date, in moment.js letters
	Date     string `json:"date,omitempty"`    // locale-short-month, ...
}

// format reads a v2/v3 format; nil when there is none or it means "as it is".
func format(c cursor) *Format {
	if !c.exists() {
		return nil
	}
	f := &Format{Currency: c.at("currencyCode").str(), Suffix: c.at("suffix").str()}
	switch t := c.at("type").str(); t {
	case "number", "number-plain", "":
		f.Kind = "number"
	case "number-currency":
		f.Kind = "currency"
	case "number-percent":
		f.Kind = "percent"
	case "date":
		f.Kind, f.Date = "date", c.at("date").str()
	case "date-time":
		f.Kind, f.Date = "datetime", c.at("date").str()
	case "numeral.js":
		return numeral(c.at("format").str())
	case "moment.js", "moment":
		return &Format{Kind: "datetime", Pattern: c.at("format").str()}
	default:
		return nil
	}
	f.Compact = c.at("abbreviation").str() == "compact"
	f.NoGroups = c.at("hideGroupSeparator").truth()
	f.Scaled = c.at("scalePercentBy100").exists() && !c.at("scalePercentBy100").truth()
	if p := c.at("decimalPlaces"); p.exists() && p.v.kind == object {
		if n := p.at("places").float(); n != nil {
			places := min(max(int(*n), 0), 12)
			f.Places, f.Exact = &places, p.at("type").str() == "exact"
		}
	}
	return f
}

// oldFormat reads numberFormat and dateTimeFormat of table v1.
func oldFormat(c cursor, as string) *Format {
	switch {
	case as == "number" && c.at("numberFormat").str() != "":
		return numeral(c.at("numberFormat").str())
	case as == "datetime" && c.at("dateTimeFormat").str() != "":
		return &Format{Kind: "datetime", Pattern: c.at("dateTimeFormat").str()}
	}
	return nil
}

// numeral understands the patterns of numeral.js that occur: 0, 0,0.00, $0,.00, 0.0%, 0.0a.
func numeral(pattern string) *Format {
	f := &Format{Kind: "number", NoGroups: !strings.Contains(pattern, ","), Exact: true}
	switch {
	case strings.Contains(pattern, "%"):
		f.Kind = "percent"
	case strings.Contains(pattern, "$"):
		f.Kind, f.Currency = "currency", "USD"
	}
	f.Compact = strings.Contains(pattern, "a")
	places := 0
	if _, frac, ok := strings.Cut(pattern, "."); ok {
		for _, r := range frac {
			if r == '0' {
				places++
			}
		}
		if strings.Contains(frac, "[") {
			f.Exact = false
		}
	}
	f.Places = &places
	return f
}
