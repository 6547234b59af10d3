// Package bundled holds the dashboards that come with lakegate, as files in Databricks' format.
//
// The files are canonical: two spaces, no sorted keys, one line of SQL per queryLines entry. They
// are embedded and never change while the program runs.
package bundled

import _ "embed"

//go:embed ai_gateway.lvdash.json
var aiGateway []byte

//go:embed routing.lvdash.json
var routing []byte

// File is one bundled dashboard.
type File struct {
	ID   string // also its address in the console
	Name string
	JSON []byte // the caller must not change it
}

// Files returns the bundled dashboards in the order to list them.
func Files() []File {
	return []File{
		{ID: "ai_gateway", Name: "AI Gateway", JSON: aiGateway},
		{ID: "routing", Name: "Routing & experiments", JSON: routing},
	}
}
