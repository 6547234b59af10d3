package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/config"
)

// lakeFlags say which lake a command works on by itself, without asking a gateway.
type lakeFlags struct{ config, data string }

const defaultConfigFile = "lakegate.yaml"

func (f *lakeFlags) flags(c *cobra.Command, when string) {
	if when != "" {
		when = ", " + when
	}
	c.Flags().StringVar(&f.config, "config", "", "the gateway's config file, which says where its tables and its data folder are"+when)
	c.Flags().StringVar(&f.data, "data", "", "data folder of a gateway whose tables are in it"+when)
	c.MarkFlagsMutuallyExclusive("config", "data")
}

func (f *lakeFlags) given() bool { return f.config != "" || f.data != "" }

// load returns the configuration of the lake: of the file, or the default one over a data folder.
// Without either flag it is the file lakegate.yaml, or the folder ./data.
func (f *lakeFlags) load() (*config.Config, error) {
	path := f.config
	if !f.given() {
		if _, err := os.Stat(defaultConfigFile); err == nil {
			path = defaultConfigFile
		}
	}
	if path != "" {
		return config.LoadLake(path, os.LookupEnv)
	}
	cfg := config.DefaultConfig()
	if f.data != "" {
		cfg.Data = f.data
	}
	if _, err := os.Stat(cfg.Data); !f.given() && errors.Is(err, os.ErrNotExist) {
		return nil, errors.New("say which lake: --config FILE with the gateway's file, or --data DIR with its data folder")
	}
	return &cfg, nil
}
