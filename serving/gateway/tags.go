package gateway

import (
	"maps"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

const tagsHeader = "Databricks-Ai-Gateway-Request-Tags"

// attribution merges what the caller says the call is for: the body's usage_context wins over
// the header, which wins over OpenAI's metadata. It returns nil when nothing was said.
func (c *Config) attribution(header []string, r *wire.Request, format apierr.Dialect) (map[string]string, *apierr.Error) {
	metadata := r.Metadata
	if format != apierr.OpenAI {
		metadata = nil // other APIs call other things so: Anthropic's has the end user's id
	}
	tags := r.UsageContext // as a rule that is all there is
	if len(metadata) > 0 || len(header) > 0 {
		tags = map[string]string{}
	}
	maps.Copy(tags, metadata)
	for _, h := range header {
		if err := parseTags(tags, h); err != nil {
			return nil, err
		}
	}
	maps.Copy(tags, r.UsageContext)
	if len(tags) == 0 {
		return nil, nil
	}
	if len(tags) > c.MaxTags {
		return nil, apierr.New(apierr.InvalidParameter, "the call has %d tags (usage_context, %s and metadata together); at most %d are kept", len(tags), tagsHeader, c.MaxTags)
	}
	for k, v := range tags {
		switch {
		case k == "":
			return nil, apierr.New(apierr.InvalidParameter, "a tag (usage_context, %s or metadata) has an empty name", tagsHeader)
		case len(k) > c.MaxTagKey:
			return nil, apierr.New(apierr.InvalidParameter, "the name of tag %q is longer than %d bytes", clip(k, 40), c.MaxTagKey)
		case len(v) > c.MaxTagValue:
			return nil, apierr.New(apierr.InvalidParameter, "the value of tag %q is longer than %d bytes", clip(k, 40), c.MaxTagValue)
		}
	}
	return tags, nil
}

// parseTags adds the tags of a header value to tags.
func parseTags(tags map[string]string, header string) *apierr.Error {
	var o rawjson.Object
	if err := o.Parse([]byte(header), wire.MaxDepth); err != nil {
		return apierr.New(apierr.InvalidParameter, "header %s must be a JSON object of strings: %v", tagsHeader, err)
	}
	for i := range o.Len() {
		name := string(o.Name(i))
		if o.Kind(i) != rawjson.String {
			return apierr.New(apierr.InvalidParameter, "header %s: the value of %q must be a string, not %s", tagsHeader, clip(name, 40), o.Kind(i))
		}
		tags[name] = rawjson.Unquote(o.Value(i))
	}
	return nil
}
