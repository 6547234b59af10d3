package launch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// SQL asks a running gateway through its statement API.
type SQL struct {
	URL   string // the gateway's base, http://127.0.0.1:PORT
	Token string
}

// Row is a row of text; nil is NULL.
type Row []*string

// Text returns column i, "" for NULL.
func (r Row) Text(i int) string {
	if r[i] == nil {
		return ""
	}
	return *r[i]
}

// statement is what of the API's answer is used.
type statement struct {
	Status struct {
		State string `json:"state"`
		Error struct {
			Code    string `json:"error_code"`
			Message string `json:"message"`
		} `json:"error"`
	} `json:"status"`
	Manifest struct {
		Truncated bool `json:"truncated"`
		Chunks    int  `json:"total_chunk_count"`
	} `json:"manifest"`
	Result struct {
		Rows []Row `json:"data_array"`
	} `json:"result"`
	Message string `json:"message"`
}

var sqlClient = &http.Client{Timeout: 90 * time.Second}

// Query returns all rows of one statement. A result that was cut short is an error.
func (s SQL) Query(ctx context.Context, text string) ([]Row, error) {
	body, err := json.Marshal(map[string]any{"statement": text, "warehouse_id": "lakegate", "wait_timeout": "50s"})
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/api/2.0/sql/statements", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+s.Token)
	r.Header.Set("Content-Type", "application/json")
	resp, err := sqlClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	var a statement
	if err := json.Unmarshal(raw, &a); err != nil {
		return nil, fmt.Errorf("%s: %w: %.300s", resp.Status, err, raw)
	}
	switch {
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s: %s", resp.Status, a.Message)
	case a.Status.State != "SUCCEEDED":
		return nil, fmt.Errorf("%s: %s: %s", a.Status.State, a.Status.Error.Code, a.Status.Error.Message)
	case a.Manifest.Truncated || a.Manifest.Chunks > 1:
		return nil, fmt.Errorf("the result does not fit into one answer")
	}
	return a.Result.Rows, nil
}
