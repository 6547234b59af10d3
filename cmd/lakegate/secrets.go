package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/internal/secretstore"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/internal/vault"
)

func secretsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "secrets",
		Short: "Keep providers' keys in an encrypted store",
		Long: `The store keeps secrets encrypted, for {{secrets/SCOPE/KEY}} in the config file and in endpoints of the API:

  lakegate secrets put openai/api-key            asks for the value; or reads standard input
  lakegate secrets list                          names, never values

  openai_api_key: "{{secrets/openai/api-key}}"   in the config file, for scopes it does not name itself

It is the file DATA/secrets.age and its key DATA/secrets.key, made by the first put; the config file may
say other places (secrets.store). With secrets: {store: {in: lake}} it is in the lake, and all gateways of
the lake share it: keygen makes the key, and every gateway gets the same. Back store and key up, apart from
each other: without the key the secrets are lost. The key may come from the environment instead:
` + storeKeyVar + `, or ` + passphraseVar + `. Running gateways take changes up by
themselves, within seconds. docs/secrets.md has the other places where secrets may be.`,
	}
	c.AddCommand(secretsPutCommand(), secretsListCommand(), secretsDeleteCommand(), secretsKeygenCommand(), secretsRotateCommand(), secretsResetCommand())
	return c
}

// openSecrets opens the store of the gateway that the flags name. change says that it is to be written to.
func openSecrets(cmd *cobra.Command, f *lakeFlags, change bool) (*secretstore.Store, error) {
	cfg, err := secretsConfig(cmd, f)
	if err != nil {
		return nil, err
	}
	return openStoreOf(cmd.Context(), cfg, change)
}

func secretsConfig(cmd *cobra.Command, f *lakeFlags) (*config.Config, error) {
	if _, err := os.Stat(defaultConfigFile); f.given() || err == nil {
		return f.load(cmd.Context())
	}
	cfg := config.DefaultConfig()
	return &cfg, nil
}

// openStoreOf opens the store of a configuration.
func openStoreOf(ctx context.Context, cfg *config.Config, change bool) (*secretstore.Store, error) {
	if cfg.Secrets.Store.In != config.InLake {
		return secretStoreOf(cfg, nil)
	}
	quiet := slog.New(slog.DiscardHandler)
	if !change {
		store, err := openExistingStore(ctx, cfg, quiet)
		if err != nil {
			return nil, err
		}
		return secretStoreOf(cfg, state.New(store))
	}
	store, reachable, err := provenStore(ctx, cfg, quiet)
	if err != nil {
		return nil, err
	}
	if !reachable {
		return nil, fmt.Errorf("the lake %s, which has the secrets, can't be reached; try again when it can", lakePlace(cfg))
	}
	return secretStoreOf(cfg, state.New(store))
}

func secretFlags(c *cobra.Command, f *lakeFlags) *cobra.Command {
	c.Flags().StringVar(&f.config, "config", "", "the gateway's config file, which says where the store is (default lakegate.yaml, if there is one)")
	c.Flags().StringVar(&f.data, "data", "", "data folder of the gateway, instead of the file's (default ./data)")
	return c
}

// secretName reads SCOPE/KEY.
func secretName(s string) (secretstore.Name, error) {
	scope, key, ok := strings.Cut(s, "/")
	if !ok {
		return secretstore.Name{}, fmt.Errorf("%q: want SCOPE/KEY, such as openai/api-key", s)
	}
	return secretstore.Name{Scope: scope, Key: key}, errors.Join(secretstore.CheckName("scope", scope), secretstore.CheckName("key", key))
}

func secretsPutCommand() *cobra.Command {
	var at lakeFlags
	var file string
	c := &cobra.Command{
		Use:   "put SCOPE/KEY",
		Short: "Store a secret, or another value of one",
		Long: `Reads the value from the terminal without showing it, from standard input, or from --file, and stores
it encrypted. One line break at its end is left out. A value can't be an argument: it would stay in the
shell's history and be seen in the list of processes.

  lakegate secrets put openai/api-key
  pass show openai | lakegate secrets put openai/api-key
  lakegate secrets put vertex/service-account --file key.json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("want SCOPE/KEY and nothing else; the value comes from the terminal, standard input, or --file")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := secretName(args[0])
			if err != nil {
				return err
			}
			if name.Scope == secret.Given {
				return errGivenScope
			}
			cfg, err := secretsConfig(cmd, &at)
			if err != nil {
				return err
			}
			if from, ok := cfg.Secrets.Scopes[name.Scope]; ok && from.From != config.FromStore {
				return fmt.Errorf("the config file says that scope %s is from: %s, so it would not be looked for in the store; change it there", name.Scope, from.From)
			}
			s, err := openStoreOf(cmd.Context(), cfg, true)
			if err != nil {
				return err
			}
			value, err := readSecret(cmd, file)
			if err != nil {
				return err
			}
			made, err := s.Put(cmd.Context(), name, value, time.Now())
			if err != nil {
				return err
			}
			if made {
				fmt.Fprintf(cmd.ErrOrStderr(), "made the key %s; back it up, apart from %s: without it the secrets are lost\n", s.KeyPlace(), s.File())
			}
			fmt.Fprintf(cmd.OutOrStdout(), "stored {{secrets/%s/%s}}\n", name.Scope, name.Key)
			return nil
		},
	}
	c.Flags().StringVar(&file, "file", "", "read the value from this file")
	return secretFlags(c, &at)
}

var errGivenScope = errors.New("scope " + secret.Given + " has the secrets that came with endpoints, which go with them: use another scope")

// readSecret reads a value from the file, the terminal, or standard input.
func readSecret(cmd *cobra.Command, file string) (secret.String, error) {
	in := cmd.InOrStdin()
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return secret.String{}, err
		}
		defer f.Close()
		in = f
	} else if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(cmd.ErrOrStderr(), "value (not shown): ")
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(cmd.ErrOrStderr())
		return secret.New(string(b)), err
	}
	b, err := io.ReadAll(io.LimitReader(in, secretstore.MaxValue+2))
	if err != nil {
		return secret.String{}, fmt.Errorf("read the value: %w", err)
	}
	return secret.New(vault.CutLineBreak(string(b))), nil
}

func secretsListCommand() *cobra.Command {
	var at lakeFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the names of the secrets, and when they were stored",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := openSecrets(cmd, &at, false)
			if err != nil {
				return err
			}
			all, err := s.List(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), secretRows(all))
			}
			if len(all) == 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "no secrets in %s\n", s)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			for _, e := range all {
				fmt.Fprintf(w, "%s/%s\t%s\n", e.Scope, e.Key, e.Updated.Format(time.RFC3339))
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return secretFlags(c, &at)
}

// secretRow is a secret in JSON.
type secretRow struct {
	Scope   string    `json:"scope"`
	Key     string    `json:"key"`
	Updated time.Time `json:"updated"`
}

func secretRows(all []secretstore.Entry) []secretRow {
	rows := make([]secretRow, len(all))
	for i, e := range all {
		rows[i] = secretRow{e.Scope, e.Key, e.Updated}
	}
	return rows
}

func secretsDeleteCommand() *cobra.Command {
	var at lakeFlags
	c := &cobra.Command{
		Use:   "delete SCOPE/KEY",
		Short: "Take a secret out of the store",
		Long: `Takes a secret out. A running gateway that still refers to it says so in its log and goes on with the
value it has; it would not start again. lakegate config check shows what refers to it.

  lakegate secrets delete openai/api-key`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := secretName(args[0])
			if err != nil {
				return err
			}
			s, err := openSecrets(cmd, &at, true)
			if err != nil {
				return err
			}
			switch err := s.Delete(cmd.Context(), name); {
			case errors.Is(err, secretstore.ErrNoStore), errors.Is(err, secretstore.ErrNoScope), errors.Is(err, secretstore.ErrNoSecret):
				return fmt.Errorf("%s is not in %s; lakegate secrets list shows what is", args[0], s)
			case err != nil:
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "deleted %s\n", args[0])
			return nil
		},
	}
	return secretFlags(c, &at)
}

func secretsRotateCommand() *cobra.Command {
	var at lakeFlags
	c := &cobra.Command{
		Use:   "rotate-key",
		Short: "Encrypt the store with a new key",
		Long: `Makes a new key and encrypts the store with it; the old key opens it no more. Backups of the store need
the key of their time. Running gateways go on. Interrupted, it can be run again.

With the key of a local store in a file, that is all. With ` + storeKeyVar + `, and with the key file of a
store in the lake, put the new key (lakegate secrets keygen) on a line before the old one, on every gateway;
run this; then take the old one out. With a passphrase, say the new one as
` + newPassphraseVar + `.

  lakegate secrets rotate-key`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := openSecrets(cmd, &at, true)
			if err != nil {
				return err
			}
			next := secret.New(os.Getenv(newPassphraseVar))
			if os.Getenv(passphraseVar) != "" && next.IsZero() {
				return fmt.Errorf("say the new passphrase as %s", newPassphraseVar)
			}
			err = s.RotateKey(cmd.Context(), next)
			if errors.Is(err, secretstore.ErrNoStore) {
				return noStore(s)
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is encrypted with a new key, from %s\n", s, s.KeyPlace())
			return nil
		},
	}
	return secretFlags(c, &at)
}
