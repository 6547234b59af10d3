package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/secretstore"
)

func secretsKeygenCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "keygen",
		Short: "Make a key for a store of secrets",
		Long: `Makes a key: prints it, or writes it to a file that is not there yet and that its owner alone can read.
Every gateway of a lake that has the store needs the same key, in the file that secrets.store.key_file says
(DATA/secrets.key), or in the environment as ` + storeKeyVar + `.

  lakegate secrets keygen --file data/secrets.key
  lakegate secrets keygen`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			key, err := secretstore.NewKey()
			if err != nil {
				return err
			}
			if file == "" {
				_, err = cmd.OutOrStdout().Write(key)
				return err
			}
			if err := writeNew(file, key); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "made the key %s; back it up, apart from the lake: without it the secrets are lost\n", file)
			return nil
		},
	}
	c.Flags().StringVar(&file, "file", "", "write the key here instead of printing it")
	return c
}

// writeNew writes a file that is not there yet, for its owner alone.
func writeNew(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("there is a file %s, and it may be the only key of a store; move it away first", path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

func noStore(s *secretstore.Store) error {
	if s.Shared() {
		return errors.New("there are no secrets in the lake yet")
	}
	return fmt.Errorf("there is no store at %s", s.File())
}

func secretsResetCommand() *cobra.Command {
	var at lakeFlags
	var yes bool
	c := &cobra.Command{
		Use:   "reset",
		Short: "Begin a new store because the key of the old one is lost",
		Long: `Sets the store aside and begins anew, with no secrets in it. For when the key is lost: then the secrets
are too, and have to be put in again; endpoints that were made with a ..._plaintext key need that key once
more. Running gateways go on with the values they have until then. What is set aside can be put back if the
key is found.

  lakegate secrets reset --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := openSecrets(cmd, &at, true)
			if err != nil {
				return err
			}
			if !yes {
				return fmt.Errorf("this takes all secrets out of %s; say --yes if that is meant", s)
			}
			aside, err := s.Reset(cmd.Context(), time.Now())
			if errors.Is(err, secretstore.ErrNoStore) {
				return noStore(s)
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is empty; what was in it is set aside as %s\n", s, aside)
			return nil
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "do it")
	return secretFlags(c, &at)
}
