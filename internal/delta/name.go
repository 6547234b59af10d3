package delta

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// nullFolder is the folder of rows whose partition column is NULL, as Hive and Spark name it.
const nullFolder = "__HIVE_DEFAULT_PARTITION__"

// DataFileName returns the path of a new data file of a partition, which a log wrote from one of
// its segments:
//
//	request_date=2026-11-20/part-<segment, 20 digits>-<8 of logID>-<8 random>.c000.zstd.parquet
//
// without folder when partition is empty. The values must be dates, which need no escaping. Every
// call returns another name: files are never overwritten, and a segment that is written again after
// a crash may have other bytes.
func DataFileName(partition map[string]string, segment uint64, logID string) string {
	var folders strings.Builder
	for _, column := range slices.Sorted(maps.Keys(partition)) {
		value := partition[column]
		if value == "" {
			value = nullFolder
		}
		fmt.Fprintf(&folders, "%s=%s/", column, value)
	}
	id := strings.ReplaceAll(logID, "-", "")
	return fmt.Sprintf("%spart-%020d-%.8s-%.8s.c000.zstd.parquet", folders.String(), segment, id, uuid.NewString())
}
