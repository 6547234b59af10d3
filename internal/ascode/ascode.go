// Package ascode is endpoints written as files: it reads folders of YAML into the objects that the
// API takes, remembers on which line each value stands, and writes objects back as YAML.
//
// A file has one endpoint, or several as a list under `endpoints`, in the shape of the configuration
// file and with `permissions` beside. The package knows YAML and nothing of what an endpoint may say: that
// is the gateway's to judge, whose faults Source.At leads back to a line.
package ascode
