package prune

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/tableschema"
)

// pointOf returns a value in canonical text as a point of the column's type; false when it is none,
// or one that does not sort as numbers do.
func pointOf(t tableschema.Type, text string) (point, bool) {
	exact := func(n int64) (point, bool) { return point{low: value{n: n}, high: value{n: n}}, true }
	switch t.Kind {
	case tableschema.String:
		v := value{s: text}
		return point{low: v, high: v}, true
	case tableschema.Int, tableschema.Long:
		return numberOf(text, 0)
	case tableschema.Decimal:
		return numberOf(text, t.Scale)
	case tableschema.Double:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return point{}, false
		}
		v := value{f: f + 0} // -0 is 0
		return point{low: v, high: v}, true
	case tableschema.Boolean:
		switch text {
		case "true":
			return exact(1)
		case "false":
			return exact(0)
		}
	case tableschema.Date:
		if day, err := time.Parse(time.DateOnly, text); err == nil {
			return exact(day.Unix() / 86400)
		}
	case tableschema.Timestamp:
		if us, below, ok := microseconds(text); ok {
			pt := point{low: value{n: us}, high: value{n: us}}
			if below {
				pt.high.n++
			}
			return pt, true
		}
	}
	return point{}, false
}

// numberOf returns a decimal as a number of the given scale.
func numberOf(text string, scale int32) (point, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && scale == 0 {
		return point{low: value{n: n}, high: value{n: n}}, true
	}
	if !decimal(text) {
		return point{}, false
	}
	x, ok := new(big.Rat).SetString(text)
	if !ok {
		return point{}, false
	}
	x.Mul(x, new(big.Rat).SetInt(power(scale)))
	low := new(big.Int).Div(x.Num(), x.Denom()) // floors: the denominator is positive
	high := new(big.Int).Set(low)
	if !x.IsInt() {
		high.Add(high, big.NewInt(1))
	}
	if !low.IsInt64() || !high.IsInt64() {
		return point{beyond: x.Sign()}, true
	}
	return point{low: value{n: low.Int64()}, high: value{n: high.Int64()}}, true
}

func power(scale int32) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
}

// decimal reports whether the text is a decimal number with an exponent that is no trouble.
func decimal(text string) bool {
	digits, exponent, has := strings.Cut(strings.ToLower(text), "e")
	if has {
		if e, err := strconv.Atoi(exponent); err != nil || e > 400 || e < -400 {
			return false
		}
	}
	return len(digits) <= 400 && digits != "" && strings.Trim(digits, "+-.0123456789") == ""
}

// microseconds returns a timestamp with a zone in microseconds since 1970, rounded down, and whether
// it is below the timestamp.
func microseconds(text string) (us int64, below, ok bool) {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		if at, err = time.Parse("2006-01-02 15:04:05.999999999Z07:00", text); err != nil {
			return 0, false, false
		}
	}
	return at.UnixMicro(), at.Nanosecond()%1000 != 0, true
}
