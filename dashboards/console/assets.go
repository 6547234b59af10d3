package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/internal/apierr"
)

//go:generate go tool esbuild web/app.tsx web/app.css web/theme.ts web/index.html web/favicon.svg --bundle --format=esm --target=es2022 --jsx-factory=h --jsx-fragment=Fragment --external:../vendor/* --loader:.html=copy --loader:.svg=copy --charset=utf8 --outdir=dist --log-level=warning

//go:embed dist vendor/*.js vendor/*.woff2
var files embed.FS

// policy lets a page use only this server's own scripts, styles and data.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
	"font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// assets are the files of the page, compressed once. Their addresses carry the hash of all of them,
// so that browsers may keep them for ever.
type assets struct {
	version string
	page    []byte
	files   map[string]asset
}

type asset struct {
	contentType string
	plain       []byte
	zipped      []byte // nil where compression gains nothing
}

func loadAssets() (*assets, error) {
	a := &assets{files: map[string]asset{}}
	sum := sha256.New()
	err := fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%s %d\n", name, len(b))
		sum.Write(b)
		x, err := newAsset(name, b)
		a.files[name] = x
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load assets: %w", err)
	}
	a.version = hex.EncodeToString(sum.Sum(nil))[:16]
	a.page = bytes.ReplaceAll(a.files["dist/index.html"].plain, []byte("{{assets}}"), []byte("/ui/assets/"+a.version))
	return a, nil
}

func newAsset(name string, b []byte) (asset, error) {
	x := asset{contentType: mime.TypeByExtension(path.Ext(name)), plain: b}
	switch path.Ext(name) { // not left to the system's tables
	case ".js":
		x.contentType = "text/javascript; charset=utf-8"
	case ".css":
		x.contentType = "text/css; charset=utf-8"
	case ".svg":
		x.contentType = "image/svg+xml"
	case ".woff2":
		x.contentType = "font/woff2"
		return x, nil // compressed as it is
	}
	var z bytes.Buffer
	w, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
	if err != nil {
		return x, err
	}
	if _, err := w.Write(b); err != nil {
		return x, err
	}
	if err := w.Close(); err != nil {
		return x, err
	}
	x.zipped = z.Bytes()
	return x, nil
}

func secureHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// page serves the one document behind every address of the console.
func (c *Console) page(ec echo.Context) error {
	h := ec.Response().Header()
	secureHeaders(h)
	h.Set("Cache-Control", "no-cache")
	etag := `"` + c.assets.version + `"`
	h.Set("Etag", etag)
	if ec.Request().Header.Get("If-None-Match") == etag {
		return ec.NoContent(http.StatusNotModified)
	}
	return ec.HTMLBlob(http.StatusOK, c.assets.page)
}

func (c *Console) asset(ec echo.Context) error {
	x, ok := c.assets.files[ec.Param("*")]
	if !ok || ec.Param("version") != c.assets.version {
		return reply(ec, apierr.New(apierr.ResourceNotFound, "there is no such file in this version of the console"))
	}
	h := ec.Response().Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	if x.zipped != nil && strings.Contains(ec.Request().Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		return ec.Blob(http.StatusOK, x.contentType, x.zipped)
	}
	return ec.Blob(http.StatusOK, x.contentType, x.plain)
}
