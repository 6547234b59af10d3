package config

import (
	"encoding/hex"
	"strings"

	"github.com/lakegate/lakegate/internal/pricing"
)

// prices checks the installation's own prices by themselves and together, and the name of the
// list they are on top of. The list's file is read by who uses it.
func (c *checker) prices() {
	const path = "price_list"
	list := &c.config.PriceList
	if c.given(path) || *list != (PriceList{}) {
		if list.File == "" {
			c.fault(path+".file", "is missing: the path of a price file, as `lakegate prices import` writes it")
		}
		list.SHA256 = strings.ToLower(list.SHA256)
		if b, err := hex.DecodeString(list.SHA256); err != nil || len(b) != 32 {
			c.fault(path+".sha256", "want the 64 hexadecimal digits of the file's SHA-256: `sha256sum FILE`")
		}
	}
	sound := true
	for i, o := range c.config.Prices {
		if c.badBelow(index("prices", i)) {
			sound = false
		} else if err := o.Validate(); err != nil {
			c.fault(index("prices", i), "%v", err)
			sound = false
		}
	}
	if sound {
		if _, err := pricing.New(pricing.Builtin(), c.config.Prices); err != nil {
			c.fault("prices", "%v", err)
		}
	}
}

// badBelow reports whether a value that is part of the one at path has a fault.
func (c *checker) badBelow(path string) bool {
	for p, at := range c.places {
		if at.bad && strings.HasPrefix(p, path) {
			return true
		}
	}
	return false
}
