package console

import (
	"mime"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/dashboards/library"
	"github.com/lakegate/lakegate/dashboards/lvdash"
	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
)

type dashboardMeta struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Bundled   bool       `json:"bundled"`
	CreatedBy string     `json:"createdBy"`
	Updated   *time.Time `json:"updated"`
	Mine      bool       `json:"mine"` // the viewer may change it
	Pages     int        `json:"pages"`
	Widgets   int        `json:"widgets"`
	Broken    string     `json:"broken,omitempty"` // why the file can't be shown
}

func (c *Console) meta(e *library.Entry, d *lvdash.Dashboard, p inference.Principal) dashboardMeta {
	by := c.actor(p)
	m := dashboardMeta{
		ID: e.ID, Name: e.Name, Bundled: e.Bundled, CreatedBy: e.CreatedBy,
		Mine: !e.Bundled && (by.Admin || by.Name == e.CreatedBy),
	}
	if !e.Updated.IsZero() {
		m.Updated = &e.Updated
	}
	if d != nil {
		for _, pg := range d.Pages {
			if !pg.Global {
				m.Pages++
				m.Widgets += len(pg.Items)
			}
		}
	}
	return m
}

func (c *Console) listDashboards(ec echo.Context, p inference.Principal) error {
	ctx := ec.Request().Context()
	entries, err := c.deps.Library.List(ctx, false)
	if err != nil {
		return c.fail(ec, "list dashboards", err)
	}
	out := make([]dashboardMeta, 0, len(entries))
	for _, e := range entries {
		_, d, err := c.deps.Library.Open(ctx, e.ID)
		m := c.meta(e, d, p)
		if err != nil {
			m.Broken = public(err).Message
		}
		out = append(out, m)
	}
	return ec.JSON(http.StatusOK, map[string]any{"dashboards": out})
}

type itemView struct {
	X  int    `json:"x"`
	Y  int    `json:"y"`
	W  int    `json:"w"`
	H  int    `json:"h"`
	ID string `json:"id"`
	*lvdash.View
}

type pageView struct {
	Name   string     `json:"name"`
	Title  string     `json:"title"`
	Global bool       `json:"global,omitempty"`
	Items  []itemView `json:"items"`
}

type dashboardView struct {
	dashboardMeta
	Colors []string   `json:"colors"`
	Views  []pageView `json:"views"`
	Notes  []string   `json:"notes"`
}

func (c *Console) showDashboard(ec echo.Context, p inference.Principal) error {
	e, d, err := c.deps.Library.Open(ec.Request().Context(), ec.Param("id"))
	if err == nil && e.Trashed {
		err = library.ErrNotFound
	}
	if err != nil {
		return c.fail(ec, "open dashboard", err)
	}
	out := dashboardView{dashboardMeta: c.meta(e, d, p), Colors: d.Theme.Colors, Notes: d.Notes}
	for _, pg := range d.Pages {
		v := pageView{Name: pg.Name, Title: pg.Title, Global: pg.Global, Items: []itemView{}}
		for _, it := range pg.Items {
			v.Items = append(v.Items, itemView{it.X, it.Y, it.W, it.H, it.Widget.ID, &it.Widget.View})
		}
		out.Views = append(out.Views, v)
	}
	return ec.JSON(http.StatusOK, out)
}

// file reads the body of an import: {"name", "file": text of the file, "values": of placeholders}.
func (c *Console) file(ec echo.Context) (name string, file []byte, values map[string]string, e *apierr.Error) {
	var in struct {
		Name   string            `json:"name"`
		File   string            `json:"file"`
		Values map[string]string `json:"values"`
	}
	// JSON in a JSON string takes up to about twice its size.
	if e := readJSON(ec, &in, 2*c.cfg.MaxImport); e != nil {
		return "", nil, nil, e
	}
	if int64(len(in.File)) > c.cfg.MaxImport {
		return "", nil, nil, apierr.New(apierr.TooLarge, "the file is larger than %d bytes", c.cfg.MaxImport)
	}
	return in.Name, []byte(in.File), in.Values, nil
}

func (c *Console) checkFile(ec echo.Context, _ inference.Principal) error {
	_, file, values, e := c.file(ec)
	if e != nil {
		return reply(ec, e)
	}
	d, err := lvdash.Parse(file)
	if err != nil {
		return c.fail(ec, "check file", err)
	}
	return ec.JSON(http.StatusOK, lvdash.Check(d, values, nil))
}

func (c *Console) importDashboard(ec echo.Context, p inference.Principal) error {
	name, file, values, e := c.file(ec)
	if e != nil {
		return reply(ec, e)
	}
	entry, err := c.deps.Library.Create(ec.Request().Context(), c.actor(p), library.Draft{Name: name, File: file, Values: values})
	if err != nil {
		return c.fail(ec, "import dashboard", err)
	}
	return ec.JSON(http.StatusOK, map[string]string{"id": entry.ID})
}

func (c *Console) trashDashboard(ec echo.Context, p inference.Principal) error {
	yes := true
	_, err := c.deps.Library.Update(ec.Request().Context(), c.actor(p), ec.Param("id"), library.Change{Trashed: &yes})
	if err != nil {
		return c.fail(ec, "trash dashboard", err)
	}
	return ec.NoContent(http.StatusNoContent)
}

// exportDashboard sends the file as it was imported, to the byte.
func (c *Console) exportDashboard(ec echo.Context, _ inference.Principal) error {
	e, err := c.deps.Library.Get(ec.Request().Context(), ec.Param("id"))
	if err != nil {
		return c.fail(ec, "export dashboard", err)
	}
	ec.Response().Header().Set("Content-Disposition",
		mime.FormatMediaType("attachment", map[string]string{"filename": e.Name + ".lvdash.json"}))
	return ec.Blob(http.StatusOK, "application/json", []byte(e.File))
}
