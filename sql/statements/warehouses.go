package statements

import (
	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/internal/apierr"
)

// warehouseID is the name of the one warehouse. Statements may name any.
const warehouseID = "lakegate"

// warehouseBody is a warehouse in Databricks' words. There is no ODBC or JDBC address: that
// protocol is not spoken here.
type warehouseBody struct {
	ID           string            `json:"id"`
	Name         string            `json:"name"`
	State        string            `json:"state"`
	ClusterSize  string            `json:"cluster_size"`
	MinClusters  int               `json:"min_num_clusters"`
	MaxClusters  int               `json:"max_num_clusters"`
	NumClusters  int               `json:"num_clusters"`
	AutoStopMins int               `json:"auto_stop_mins"` // 0: never
	Type         string            `json:"warehouse_type"`
	Photon       bool              `json:"enable_photon"`
	Serverless   bool              `json:"enable_serverless_compute"`
	Health       map[string]string `json:"health"`
}

var theWarehouse = warehouseBody{
	ID: warehouseID, Name: warehouseID, State: "RUNNING", ClusterSize: "2X-Small", MinClusters: 1, MaxClusters: 1, NumClusters: 1,
	Type: "PRO", Health: map[string]string{"status": "HEALTHY"},
}

func (a *API) warehouses(echo.Context, caller) (any, *apierr.Error) {
	return map[string]any{"warehouses": []warehouseBody{theWarehouse}}, nil
}

func (a *API) warehouse(c echo.Context, _ caller) (any, *apierr.Error) {
	if c.Param("id") != warehouseID {
		return nil, apierr.New(apierr.ResourceNotFound, "there is no such warehouse; the only one is %q", warehouseID)
	}
	return theWarehouse, nil
}
