// Package archtest holds the table of which package of lakegate may import which, and the tests
// that keep the code to it.
//
// A new arrow between packages is a change of the design: edit Arrows in the commit that needs
// it and say why there. The package has no code that runs outside its tests.
package archtest

// module is the import path of the project.
const module = "github.com/lakegate/lakegate"

// Rule says what the packages of one area may import of lakegate itself. From and each entry of
// May are paths below the module; a trailing "/..." takes in everything under it.
type Rule struct {
	From string
	May  []string
}

// Arrows is the table of allowed imports. A package matches the first rule whose From fits; its
// own area is always allowed.
var Arrows = []Rule{
	// Leaves: facts, names, errors. They import nobody.
	{"internal/inference", nil},
	{"internal/apierr", nil},
	{"internal/secret", nil},
	{"internal/tableschema", nil},
	{"internal/objstore/s3test", []string{"internal/objstore/...", "internal/launch"}}, // tests only
	{"internal/objstore/...", nil},
	{"internal/disk", nil},
	{"internal/wal", []string{"internal/disk"}},
	{"internal/faultdisk", []string{"internal/disk"}},
	{"internal/rowtags", nil},
	{"internal/ascode", nil}, // endpoints as files: YAML alone
	{"internal/reconcile", nil},

	// Built on the leaves.
	{"internal/pricing", []string{"internal/inference"}},
	{"internal/pricing/foreign", []string{"internal/pricing"}},                                                        // lists of other projects become price files
	{"internal/secretstore", []string{"internal/disk", "internal/secret", "internal/state", "internal/objstore/..."}}, // the lake's store is a document
	{"internal/vault/...", []string{"internal/secret", "internal/secretstore", "internal/state"}},                     // config names its function; cmd joins them
	{"internal/state", []string{"internal/objstore/..."}},
	{"internal/maintain/lease", []string{"internal/state"}},
	{"internal/maintain/gateways", []string{"internal/state"}},
	{"internal/forget", []string{
		"internal/state", "internal/maintain/lease", "internal/maintain/gateways", "internal/rowtags", "internal/tableschema",
		"internal/datafile", "internal/delta", "internal/objstore/...",
	}},
	{"internal/datafile", []string{"internal/tableschema"}},
	{"internal/prune", []string{"internal/tableschema"}},
	{"internal/filecache", []string{"internal/objstore/..."}},
	{"internal/delta", []string{"internal/objstore/...", "internal/tableschema", "internal/datafile", "internal/prune"}},
	{"internal/maintain", []string{
		"internal/tableschema", "internal/objstore/...", "internal/state", "internal/datafile", "internal/delta", "internal/rowtags",
		"internal/maintain/...",
	}},
	{"internal/reprice", []string{ // corrections of costs, beside any gateway
		"internal/inference", "internal/tableschema", "internal/datafile", "internal/delta", "internal/objstore/...",
	}},
	{"internal/factlog", []string{"internal/inference", "internal/wal"}},
	{"internal/tablewriter", []string{
		"internal/disk",
		"internal/inference", "internal/tableschema", "internal/wal", "internal/factlog", "internal/datafile",
		"internal/delta", "internal/rowtags", "internal/objstore/...", "internal/prune", "internal/filecache",
	}},

	{"internal/endpoints", []string{"internal/state", "serving/endpoint"}}, // documents carry grants, which endpoint defines

	{"internal/rollouts", []string{"internal/state", "internal/inference", "serving/endpoint", "serving/rollout"}}, // documents are rollout's States

	// The configuration file becomes a catalog of endpoints and keys.
	{"internal/config", []string{"internal/secret", "internal/inference", "internal/tableschema", "internal/pricing", "serving/endpoint", "serving/auth", "serving/credential", "serving/prompt"}}, // prompts are compiled where they are checked

	// The islands. None imports another.
	{"serving/endpoint", []string{"internal/inference", "internal/secret", "internal/tableschema", "serving/prompt"}}, // an endpoint's prompt, compiled
	{"serving/auth", []string{"internal/inference", "internal/secret"}},
	{"serving", []string{"serving/...", "internal/inference", "internal/apierr", "internal/secret", "internal/tableschema"}},
	{"serving/control", []string{"internal/inference", "internal/apierr", "internal/endpoints", "internal/secret", "serving/endpoint"}}, // changes of documents
	{"serving/...", []string{"internal/inference", "internal/apierr", "internal/secret", "internal/tableschema"}},
	{"inference_tables", []string{"internal/inference", "internal/tableschema"}},
	{"system_tables", []string{"internal/inference", "internal/tableschema"}},
	{"sql/...", []string{"internal/inference", "internal/apierr", "internal/tableschema", "internal/prune"}},
	{"dashboards/...", []string{"internal/inference", "internal/apierr", "internal/secret", "internal/state"}},

	// Programs and what only tests, demos and benchmarks use.
	{"internal/fakellm", nil},
	{"internal/loadgen", nil},
	{"internal/launch", nil},
	{"internal/probe", nil}, // knows a gateway by its APIs alone, as its clients do
	{"internal/demo", []string{"internal/inference"}},
	{"internal/archtest", nil},
	{"cmd/...", []string{"..."}},
	{"tests/...", []string{"..."}},
}

// Only says which packages may import a library. Tests may import any.
var Only = map[string][]string{
	"github.com/labstack/echo/v4":         {"serving", "sql/statements", "dashboards/console", "cmd/..."},
	"github.com/duckdb/duckdb-go":         {"sql/worker", "cmd/bench-lake"},
	"github.com/apache/arrow-go/v18":      {"tests/readers", "tests/chaos", "internal/tableschema", "internal/tablewriter", "internal/datafile", "internal/delta", "internal/forget", "internal/maintain", "internal/reprice", "inference_tables", "system_tables", "cmd/bench-lake"},
	"github.com/parquet-go/parquet-go":    {"internal/delta", "internal/datafile"},
	"github.com/aws/aws-sdk-go-v2":        {"internal/objstore/s3store", "internal/vault/awssecrets", "serving/credential", "serving/wire/bedrock", "tests/clients"},
	"github.com/aws/smithy-go":            {"internal/objstore/s3store", "internal/vault/awssecrets"},
	"filippo.io/age":                      {"internal/secretstore"},
	"golang.org/x/oauth2":                 {"serving/credential"},
	"go.yaml.in/yaml":                     {"internal/config", "internal/pricing", "internal/ascode"},
	"github.com/spf13/cobra":              {"cmd/..."},
	"github.com/prometheus/client_golang": {"serving", "cmd/..."},
	"go.opentelemetry.io/otel":            {"serving/telemetry"}, // everybody else has gateway.Tracer
	"go.opentelemetry.io/proto":           nil,                   // tests only

	// Of AWS's SDK, the wire format needs the framing of event streams alone.
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream": {"serving/wire/bedrock", "tests/clients"},
}
