package console

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/dashboards/library"
	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
)

// registerLakeview adds Databricks' dashboard API, so that its CLI, SDKs and bundles import here.
func (c *Console) registerLakeview(g *echo.Group) {
	g.POST("", c.asBearer(c.createLakeview))
	g.GET("", c.asBearer(c.listLakeview))
	g.GET("/:id", c.asBearer(c.getLakeview))
	g.PATCH("/:id", c.asBearer(c.updateLakeview))
	g.DELETE("/:id", c.asBearer(c.deleteLakeview))
	g.POST("/:id/published", c.asBearer(c.publishLakeview))
	g.GET("/:id/published", c.asBearer(c.publishedLakeview))
	g.DELETE("/:id/published", c.asBearer(c.unpublishLakeview))
}

func (c *Console) asBearer(h viewerHandler) echo.HandlerFunc {
	return func(ec echo.Context) error {
		scheme, token, _ := strings.Cut(ec.Request().Header.Get(echo.HeaderAuthorization), " ")
		if !strings.EqualFold(scheme, "bearer") {
			return reply(ec, apierr.New(apierr.Unauthenticated, "send an API key as Authorization: Bearer"))
		}
		p, ok := c.deps.Authenticate(strings.TrimSpace(token))
		if !ok {
			return reply(ec, apierr.New(apierr.Unauthenticated, "the API key is not valid"))
		}
		return h(ec, p)
	}
}

// lakeviewDashboard is a dashboard in Databricks' shape.
type lakeviewDashboard struct {
	ID         string `json:"dashboard_id"`
	Name       string `json:"display_name"`
	Path       string `json:"path,omitempty"`
	ParentPath string `json:"parent_path,omitempty"`
	Warehouse  string `json:"warehouse_id,omitempty"`
	Etag       string `json:"etag,omitempty"`
	Created    string `json:"create_time,omitempty"`
	Updated    string `json:"update_time,omitempty"`
	State      string `json:"lifecycle_state"`
	Serialized string `json:"serialized_dashboard,omitempty"`
}

func lakeviewOf(e *library.Entry, whole bool) lakeviewDashboard {
	d := lakeviewDashboard{
		ID: e.ID, Name: e.Name, Path: e.Path(), ParentPath: e.ParentPath, Warehouse: e.Warehouse,
		Etag: e.Etag, Created: stamp(e.Created), Updated: stamp(e.Updated), State: "ACTIVE",
	}
	if e.Trashed {
		d.State = "TRASHED"
	}
	if whole {
		d.Serialized = e.File
	}
	return d
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// lakeviewBody is what clients send; a field that isn't sent stays as it is.
type lakeviewBody struct {
	Name       *string `json:"display_name"`
	ParentPath string  `json:"parent_path"`
	Warehouse  *string `json:"warehouse_id"`
	Etag       string  `json:"etag"`
	Serialized *string `json:"serialized_dashboard"`
}

func (b lakeviewBody) file(max int64) ([]byte, *apierr.Error) {
	if b.Serialized == nil || *b.Serialized == "" {
		return nil, nil
	}
	if int64(len(*b.Serialized)) > max {
		return nil, apierr.New(apierr.TooLarge, "serialized_dashboard is larger than %d bytes", max)
	}
	return []byte(*b.Serialized), nil
}

func (c *Console) createLakeview(ec echo.Context, p inference.Principal) error {
	var b lakeviewBody
	if e := readJSON(ec, &b, 2*c.cfg.MaxImport); e != nil {
		return reply(ec, e)
	}
	file, e := b.file(c.cfg.MaxImport)
	if e != nil {
		return reply(ec, e)
	}
	if b.Name == nil {
		return reply(ec, apierr.New(apierr.InvalidParameter, "display_name is missing").At("display_name"))
	}
	dr := library.Draft{
		Name: *b.Name, File: file, ParentPath: b.ParentPath,
		Catalog: ec.QueryParam("dataset_catalog"), Schema: ec.QueryParam("dataset_schema"),
	}
	if b.Warehouse != nil {
		dr.Warehouse = *b.Warehouse
	}
	entry, err := c.deps.Library.Create(ec.Request().Context(), c.actor(p), dr)
	if err != nil {
		return c.fail(ec, "create dashboard", err)
	}
	return ec.JSON(http.StatusOK, lakeviewOf(entry, true))
}

const (
	defaultPage = 100
	largestPage = 1000
)

func (c *Console) listLakeview(ec echo.Context, _ inference.Principal) error {
	size := defaultPage
	if s := ec.QueryParam("page_size"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > largestPage {
			return reply(ec, apierr.New(apierr.InvalidParameter, "page_size must be a number from 1 to %d", largestPage).At("page_size"))
		}
		size = n
	}
	after, err := base64.RawURLEncoding.DecodeString(ec.QueryParam("page_token"))
	if err != nil {
		return reply(ec, apierr.New(apierr.InvalidParameter, "page_token is not one this API gave out").At("page_token"))
	}
	ctx := ec.Request().Context()
	entries, err := c.deps.Library.List(ctx, false)
	if err == nil && ec.QueryParam("show_trashed") == "true" {
		var trashed []*library.Entry
		trashed, err = c.deps.Library.List(ctx, true)
		entries = append(entries, trashed...)
	}
	if err != nil {
		return c.fail(ec, "list dashboards", err)
	}
	return ec.JSON(http.StatusOK, lakeviewPage(entries, string(after), size))
}

type lakeviewList struct {
	Dashboards []lakeviewDashboard `json:"dashboards"`
	Next       string              `json:"next_page_token,omitempty"`
}

// lakeviewPage returns the entries behind the one whose ID is after. The order is that of the IDs,
// so that pages stay right while dashboards come and go.
func lakeviewPage(entries []*library.Entry, after string, size int) lakeviewList {
	sortByID(entries)
	out := lakeviewList{Dashboards: []lakeviewDashboard{}}
	for _, e := range entries {
		if e.ID <= after {
			continue
		}
		if len(out.Dashboards) == size {
			last := out.Dashboards[size-1].ID
			out.Next = base64.RawURLEncoding.EncodeToString([]byte(last))
			break
		}
		out.Dashboards = append(out.Dashboards, lakeviewOf(e, false))
	}
	return out
}

func (c *Console) getLakeview(ec echo.Context, _ inference.Principal) error {
	e, err := c.deps.Library.Get(ec.Request().Context(), ec.Param("id"))
	if err != nil {
		return c.fail(ec, "get dashboard", err)
	}
	return ec.JSON(http.StatusOK, lakeviewOf(e, true))
}

func (c *Console) updateLakeview(ec echo.Context, p inference.Principal) error {
	var b lakeviewBody
	if e := readJSON(ec, &b, 2*c.cfg.MaxImport); e != nil {
		return reply(ec, e)
	}
	file, e := b.file(c.cfg.MaxImport)
	if e != nil {
		return reply(ec, e)
	}
	return c.change(ec, p, library.Change{Name: b.Name, Warehouse: b.Warehouse, File: file, Etag: b.Etag})
}

// change updates the dashboard of the path and answers with it.
func (c *Console) change(ec echo.Context, p inference.Principal, ch library.Change) error {
	e, err := c.deps.Library.Update(ec.Request().Context(), c.actor(p), ec.Param("id"), ch)
	if err != nil {
		return c.fail(ec, "update dashboard", err)
	}
	return ec.JSON(http.StatusOK, lakeviewOf(e, true))
}

func (c *Console) deleteLakeview(ec echo.Context, p inference.Principal) error {
	yes := true
	_, err := c.deps.Library.Update(ec.Request().Context(), c.actor(p), ec.Param("id"), library.Change{Trashed: &yes})
	if err != nil {
		return c.fail(ec, "trash dashboard", err)
	}
	return ec.JSON(http.StatusOK, struct{}{})
}
