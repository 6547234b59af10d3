package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// errNotConfirmed ends a command whose question was not answered with yes.
var errNotConfirmed = errors.New("nothing was changed")

// confirmed asks on the terminal, unless --yes was given. Where there is no terminal nobody can
// answer, and it is an error to ask.
func confirmed(cmd *cobra.Command, yes bool, question string) error {
	if yes {
		return nil
	}
	if f, ok := cmd.InOrStdin().(*os.File); ok && !term.IsTerminal(int(f.Fd())) {
		return errors.New("there is no terminal to ask on: say --yes to go ahead, or --dry-run to look only")
	}
	fmt.Fprintf(cmd.OutOrStdout(), "\n%s Only 'yes' goes ahead: ", question)
	answer, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if strings.TrimSpace(answer) != "yes" {
		if err != nil {
			fmt.Fprintln(cmd.OutOrStdout())
		}
		return errNotConfirmed
	}
	return nil
}
