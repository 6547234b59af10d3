package worker

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/lakegate/lakegate/internal/tableschema"
)

// loneBytes is the size from which a file that is alone is worth a look at its columns.
const loneBytes = 8 << 20

// lone reports whether a group is one large file that has every column of the table as it is. Such a file is read
// without the parameter schema: with it the engine doesn't look into the file beforehand, doesn't know
// that it has many row groups, and reads it with one thread. The look costs about a millisecond.
func (r *relations) lone(ctx context.Context, t *tableschema.Table, g group, files string) bool {
	if len(g.paths) != 1 {
		return false
	}
	if info, err := os.Stat(g.paths[0]); err != nil || info.Size() < loneBytes {
		return false
	}
	has, err := r.describe(ctx, files)
	if err != nil {
		return false // the query will say what is wrong with the file
	}
	for _, c := range t.Columns {
		if c.Name != t.PartitionBy && has[c.Name] != plainType(c.Type.DuckDB()) {
			return false
		}
	}
	return true
}

// describe returns the types of the files' columns, by name.
func (r *relations) describe(ctx context.Context, files string) (map[string]string, error) {
	rows, err := r.conn.QueryContext(ctx, fmt.Sprintf("SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet(getvariable('%s'), hive_partitioning := false))", files))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	has := map[string]string{}
	for rows.Next() {
		var name, typ string
		if err := rows.Scan(&name, &typ); err != nil {
			return nil, err
		}
		has[name] = plainType(typ)
	}
	return has, rows.Err()
}

// plainType is a type's text without what may be written in two ways.
func plainType(s string) string {
	return strings.ToUpper(strings.NewReplacer(`"`, "", " ", "").Replace(s))
}
