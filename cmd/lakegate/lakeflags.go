package main

import (
	"context"
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
	c.Flags().StringVar(&f.data, "data", "", "data folder of a gateway, instead of the file's; without --config its tables are in it"+when)
}

func (f *lakeFlags) given() bool { return f.config != "" || f.data != "" }

// load returns the configuration of the lake: of the file, or the default one over a data folder.
// With both, the folder is used instead of the file's. Without either it is the file lakegate.yaml, or the folder ./data.
func (f *lakeFlags) load(ctx context.Context) (*config.Config, error) {
	path := f.config
	if !f.given() {
		if _, err := os.Stat(defaultConfigFile); err == nil {
			path = defaultConfigFile
		}
	}
	if path != "" {
		cfg, err := loadLake(ctx, path)
		if err == nil && f.data != "" {
			cfg.Data = f.data
		}
		return cfg, err
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
