package lvdash

import (
	"regexp"
	"strconv"
)

var hexColor = regexp.MustCompile(`^#([0-9a-fA-F]{3}|[0-9a-fA-F]{4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})$`)

// color reads every way the format has to write a colour. It returns "#hex", "viz:N" for the N-th
// colour of the palette, "font", or "" for none and for what isn't a colour.
func color(c cursor) string {
	if !c.exists() {
		return ""
	}
	if c.v.kind == text {
		if hexColor.MatchString(c.v.text) {
			return c.v.text
		}
		return ""
	}
	switch c.at("themeColorType").str() {
	case "visualizationColors":
		return "viz:" + strconv.Itoa(max(c.at("position").int(0), 0))
	case "fontColor":
		return "font"
	}
	for _, key := range []string{"hex", "value", "light"} {
		if x := c.at(key); x.exists() {
			return color(x)
		}
	}
	return ""
}

// ramps are the colour schemes by name, from low to high.
var ramps = map[string][]string{
	"greenblue":      {"#e6f5df", "#a4dcc0", "#5cbccb", "#2a86b8", "#0d4a8a"},
	"blues":          {"#e6eff8", "#b0d0e8", "#6aaed6", "#2f7fbd", "#0b4a8f"},
	"viridis":        {"#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"},
	"magma":          {"#000004", "#51127c", "#b73779", "#fc8961", "#fcfdbf"},
	"redyellowgreen": {"#c9302f", "#f59c5b", "#fdf0a0", "#99cf68", "#1a9850"},
	"redyellowblue":  {"#c9302f", "#f59c5b", "#fdf5b5", "#91c6de", "#3b5fa8"},
	"spectral":       {"#c2294b", "#f59053", "#fbf3a8", "#8fd0a4", "#4a66ac"},
	"orangered":      {"#fdebd3", "#fdc68f", "#fb9061", "#e25136", "#a50f15"},
}

func ramp(c cursor) []string {
	if !c.exists() {
		return nil
	}
	if r, ok := ramps[c.at("scheme").str()]; ok {
		return r
	}
	var out []string
	for _, key := range []string{"start", "mid", "end"} {
		if col := color(c.at("colors", key)); col != "" {
			out = append(out, col)
		}
	}
	if len(out) < 2 {
		return nil
	}
	return out
}
