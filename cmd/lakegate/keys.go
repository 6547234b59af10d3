package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/serving/auth"
)

func keysCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "keys",
		Short: "Make API keys, or hash one you have",
	}
	c.AddCommand(keysNewCommand(), keysHashCommand())
	return c
}

func keysNewCommand() *cobra.Command {
	var name, principal, kind string
	var admin bool
	c := &cobra.Command{
		Use:   "new",
		Short: "Make an API key; print it once, with the lines for the config file",
		Long: `Makes a random API key. The key goes to standard error, once; the config file gets only its
SHA-256, on standard output:

  lakegate keys new --name search-team --principal search@example.com >> keys.part.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if name == "" {
				return fmt.Errorf("give the key a --name, it is how rows and logs call it")
			}
			if kind != "user" && kind != "service_principal" {
				return fmt.Errorf("--kind %q: want user or service_principal", kind)
			}
			if principal == "" {
				principal = name
			}
			token, hash := auth.NewToken()
			fmt.Fprintf(cmd.ErrOrStderr(), "API key (shown once, keep it safe): %s\n", token)
			writeKey(cmd.OutOrStdout(), name, principal, kind, hash, admin)
			return nil
		},
	}
	c.Flags().StringVar(&name, "name", "", "unique name of the key")
	c.Flags().StringVar(&principal, "principal", "", "who calls with it: an e-mail or an application id (default: the name)")
	c.Flags().StringVar(&kind, "kind", "user", "user or service_principal")
	c.Flags().BoolVar(&admin, "admin", false, "may read every table and manage dashboards")
	return c
}

func writeKey(w io.Writer, name, principal, kind, hash string, admin bool) {
	fmt.Fprintf(w, `  - name: %s
    hash: "%s"
    principal: %s
    kind: %s
    endpoints: ["*"]
`, strconv.Quote(name), hash, strconv.Quote(principal), kind)
	if admin {
		fmt.Fprintln(w, "    admin: true")
	}
}

func keysHashCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "hash",
		Short: "Print the hash of a key read from standard input",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			token, err := readLine(cmd.InOrStdin())
			if err != nil {
				return fmt.Errorf("read the key from standard input: %w", err)
			}
			if token == "" {
				return fmt.Errorf("standard input holds no key; try: printf %%s \"$KEY\" | lakegate keys hash")
			}
			fmt.Fprintln(cmd.OutOrStdout(), auth.HashToken(token))
			return nil
		},
	}
}
