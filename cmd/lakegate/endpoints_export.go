package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/ascode"
	"github.com/lakegate/lakegate/serving/control"
)

func endpointsExportCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "export [NAME...]",
		Short: "Write endpoints of a gateway as files that apply reads",
		Long: `Writes the endpoints that were made through the API and that the key manages: all, or those named. With -o a file each;
what is in the folder already is written anew only where it says something else, so comments stay as long as they
are true. Applied to the same gateway, the files change nothing. Secrets are references in them.`,
		Example: `  lakegate endpoints export -o endpoints/
  lakegate endpoints export chat > chat.yaml`,
	}
	open := gatewayFlags(c)
	c.Flags().StringVarP(&dir, "output", "o", "", "folder to write to, made if it is not there (default: standard output)")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		g, err := open()
		if err != nil {
			return err
		}
		list, err := exported(cmd, g, args)
		if err != nil {
			return err
		}
		texts := make([][]byte, len(list))
		for i := range list {
			if texts[i], err = fileOf(&list[i].Stored); err != nil {
				return err
			}
		}
		if dir != "" {
			return writeExport(cmd, dir, list, texts)
		}
		_, err = cmd.OutOrStdout().Write(bytes.Join(texts, []byte("---\n")))
		return err
	}
	return c
}

// exported are the endpoints to export, all where none is named.
func exported(cmd *cobra.Command, g *remote, names []string) ([]versionedEndpoint, error) {
	var list struct {
		Endpoints []versionedEndpoint `json:"endpoints"`
	}
	if err := g.call(cmd.Context(), http.MethodGet, versionsPath, nil, &list); err != nil {
		return nil, err
	}
	var all []versionedEndpoint
	for _, name := range names {
		i := slices.IndexFunc(list.Endpoints, func(e versionedEndpoint) bool { return e.Name == name })
		switch {
		case i < 0:
			return nil, fmt.Errorf("there is no endpoint %q; `lakegate endpoints list` has those there are", name)
		case list.Endpoints[i].Source == "file":
			return nil, fmt.Errorf("endpoint %q is declared in the gateway's configuration file: copy it from there", name)
		case list.Endpoints[i].Spec == nil:
			return nil, fmt.Errorf("your key needs CAN_MANAGE on endpoint %q to export it", name)
		}
		all = append(all, list.Endpoints[i])
	}
	if len(names) > 0 {
		return all, nil
	}
	var not []string
	for _, e := range list.Endpoints {
		switch {
		case e.Source == "file":
		case e.Spec == nil:
			not = append(not, e.Name)
		default:
			all = append(all, e)
		}
	}
	if len(not) > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "left out, since your key does not manage them: %s\n", fewOf(not))
	}
	return all, nil
}

// writeExport writes a file for each endpoint, unless the folder says the same already.
func writeExport(cmd *cobra.Command, dir string, list []versionedEndpoint, texts [][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	there, faults, err := ascode.Read([]string{dir}, nil)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return fmt.Errorf("what is in %s already can't be read: %w", dir, faultsError(faults))
	}
	var written, same int
	for i := range list {
		e, path := &list[i], filepath.Join(dir, list[i].Name+".yaml")
		n := slices.IndexFunc(there, func(t ascode.Endpoint) bool { return strings.EqualFold(t.Name, e.Name) })
		if n >= 0 {
			says, err := saysTheSame(there[n].JSON, &e.Stored)
			if err != nil {
				return err
			}
			if says {
				same++
				continue
			}
		}
		if n >= 0 && there[n].File != path {
			return fmt.Errorf("%s:%d has endpoint %q already, and says something else: change it there, or take it out", there[n].File, there[n].Line(), e.Name)
		}
		if n >= 0 && slices.ContainsFunc(there, func(t ascode.Endpoint) bool { return t.File == path && t.Name != e.Name }) {
			return fmt.Errorf("%s has other endpoints too, so it is not written anew", path)
		}
		if _, err := os.Stat(path); n < 0 && err == nil {
			return fmt.Errorf("%s is there and has no endpoint %q", path, e.Name)
		} else if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := os.WriteFile(path, texts[i], 0o644); err != nil {
			return err
		}
		written++
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %s written, %d said the same already\n", dir, plural(written, "file", "files"), same)
	return nil
}

// saysTheSame reports whether a file would change nothing of an endpoint. One without permissions leaves
// them as they are.
func saysTheSame(file json.RawMessage, stored *control.Stored) (bool, error) {
	var given struct {
		Permissions json.RawMessage `json:"permissions"`
	}
	if err := json.Unmarshal(file, &given); err != nil {
		return false, err
	}
	compared := *stored
	if given.Permissions == nil {
		compared.Permissions = nil
	}
	text, err := fileOf(&compared)
	if err != nil {
		return false, err
	}
	next, err := ascode.Parse(text)
	return bytes.Equal(file, next), err
}
