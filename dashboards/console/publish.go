package console

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/dashboards/library"
	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
)

// lakeviewPublished is a publication in Databricks' shape. lakegate shows every dashboard as its
// viewer, so publishing changes nothing but what these calls answer.
type lakeviewPublished struct {
	Name             string `json:"display_name"`
	Warehouse        string `json:"warehouse_id,omitempty"`
	EmbedCredentials bool   `json:"embed_credentials"`
	Revision         string `json:"revision_create_time"`
}

func (c *Console) publishLakeview(ec echo.Context, p inference.Principal) error {
	var b struct {
		EmbedCredentials bool   `json:"embed_credentials"`
		Warehouse        string `json:"warehouse_id"`
	}
	if e := readJSON(ec, &b, 64<<10); e != nil {
		return reply(ec, e)
	}
	if b.EmbedCredentials {
		return reply(ec, apierr.New(apierr.NotImplemented,
			"lakegate runs dashboards as their viewer: publish with embed_credentials false").At("embed_credentials"))
	}
	pub := &library.Publication{Warehouse: b.Warehouse, Time: c.deps.Now().UTC()}
	e, err := c.deps.Library.Update(ec.Request().Context(), c.actor(p), ec.Param("id"), library.Change{Published: &pub})
	if err != nil {
		return c.fail(ec, "publish dashboard", err)
	}
	return ec.JSON(http.StatusOK, publishedOf(e))
}

func publishedOf(e *library.Entry) lakeviewPublished {
	return lakeviewPublished{e.Name, e.Published.Warehouse, e.Published.EmbedCredentials, stamp(e.Published.Time)}
}

func (c *Console) publishedLakeview(ec echo.Context, _ inference.Principal) error {
	e, err := c.deps.Library.Get(ec.Request().Context(), ec.Param("id"))
	if err != nil {
		return c.fail(ec, "get published dashboard", err)
	}
	if e.Published == nil {
		return reply(ec, apierr.New(apierr.ResourceNotFound, "the dashboard is not published"))
	}
	return ec.JSON(http.StatusOK, publishedOf(e))
}

func (c *Console) unpublishLakeview(ec echo.Context, p inference.Principal) error {
	var none *library.Publication
	_, err := c.deps.Library.Update(ec.Request().Context(), c.actor(p), ec.Param("id"), library.Change{Published: &none})
	if err != nil {
		return c.fail(ec, "unpublish dashboard", err)
	}
	return ec.JSON(http.StatusOK, struct{}{})
}

func sortByID(es []*library.Entry) {
	slices.SortFunc(es, func(a, b *library.Entry) int { return strings.Compare(a.ID, b.ID) })
}
