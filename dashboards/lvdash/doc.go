// Package lvdash reads dashboards in Databricks' .lvdash.json format and turns their widgets into
// SQL.
//
// Parse is tolerant, as real files need: it knows several versions of most widgets, keeps keys it
// doesn't know, and a widget it can't understand becomes a broken widget that says why, never a
// broken dashboard. What it refuses is a file whose outline is wrong, with the JSON path and line of
// every fault. The original bytes are kept, so that an export is byte-identical.
//
// Compile turns a widget into one SELECT in Databricks' dialect. Field expressions, filters and
// orders of the file are parsed as a small closed language and generated anew, never passed
// through; a dataset's own SQL is passed on as its author wrote it, so whoever runs a Statement must
// run it read-only and as the viewer. Values never become SQL text: they travel as parameters.
//
// The package does no I/O and keeps no state. A Dashboard is immutable and safe for concurrent use.
package lvdash
