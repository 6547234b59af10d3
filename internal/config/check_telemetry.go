package config

import "net/url"

func (c *checker) telemetry() {
	t := &c.config.Telemetry
	within(c, "telemetry.sample", t.Sample, 0, 1)
	if t.OTLPEndpoint == "" {
		if c.given("telemetry.otlp_endpoint") {
			c.fault("telemetry.otlp_endpoint", "it is empty; leave it out to tell no collector")
		}
		return
	}
	u, err := url.Parse(t.OTLPEndpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" {
		c.fault("telemetry.otlp_endpoint", "want the base URL of OTLP over HTTP such as http://collector:4318, got %s", c.text("telemetry.otlp_endpoint"))
	}
	for name := range t.Headers {
		if !headerName.MatchString(name) {
			c.fault("telemetry.headers", "%s is not the name of a header", quote(name))
		}
	}
}
