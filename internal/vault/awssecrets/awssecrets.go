// Package awssecrets fetches secrets of AWS Secrets Manager for package vault.
//
// Credentials and region come from where the AWS SDK finds them: the environment, its shared files, the
// role of the pod or machine. Nothing is asked for before the first Fetch, and nothing is kept but the
// clients. Errors are one line: what AWS calls the error and what to do, never its whole text. A Manager
// is safe for concurrent use.
package awssecrets

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/internal/vault"
)

// Manager fetches secrets.
type Manager struct {
	mu      sync.Mutex
	clients map[place]*secretsmanager.Client
}

type place struct{ region, endpoint string }

// New returns a Manager that has talked to nobody.
func New() *Manager { return &Manager{clients: map[place]*secretsmanager.Client{}} }

// Fetch returns the current version of a secret: its text, or its bytes where it is binary. It implements
// vault.Manager.
func (m *Manager) Fetch(ctx context.Context, region, endpoint, name string) (secret.String, error) {
	c, err := m.client(ctx, place{region, endpoint})
	if err != nil {
		return secret.String{}, err
	}
	out, err := c.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name})
	if err != nil {
		return secret.String{}, explain(ctx, err)
	}
	if out.SecretString != nil {
		return secret.New(*out.SecretString), nil
	}
	return secret.New(string(out.SecretBinary)), nil
}

func (m *Manager) client(ctx context.Context, at place) (*secretsmanager.Client, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.clients[at]; c != nil {
		return c, nil
	}
	var options []func(*config.LoadOptions) error
	if at.region != "" {
		options = append(options, config.WithRegion(at.region))
	}
	c, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, errors.New("the AWS SDK's configuration (environment, ~/.aws) can't be read")
	}
	if c.Region == "" {
		return nil, errors.New("there is no region: say it as region of the scope, or in AWS_REGION")
	}
	client := secretsmanager.NewFromConfig(c, func(o *secretsmanager.Options) {
		if at.endpoint != "" {
			o.BaseEndpoint = aws.String(at.endpoint)
		}
	})
	m.clients[at] = client
	return client, nil
}

// explain says what an error means. What the server wrote is not repeated.
func explain(ctx context.Context, err error) error {
	var missing *types.ResourceNotFoundException
	var unusable *types.InvalidRequestException
	var encrypted *types.DecryptionFailure
	var api smithy.APIError
	var signing *smithy.CanceledError
	switch {
	case errors.As(err, &missing):
		return fmt.Errorf("%w in this account and region, or it has no current version; check name and region", vault.ErrGone)
	case errors.As(err, &unusable):
		return fmt.Errorf("%w that can be used: it is marked for deletion, or half made", vault.ErrGone)
	case errors.As(err, &encrypted):
		return errors.New("AWS can't decrypt it: the role needs kms:Decrypt on the secret's key")
	case errors.As(err, &api) && (api.ErrorCode() == "AccessDeniedException" || api.ErrorCode() == "AccessDenied"):
		return errors.New("the credentials may not read it: the role needs secretsmanager:GetSecretValue on it")
	case errors.As(err, &api):
		return fmt.Errorf("AWS answered %q", api.ErrorCode())
	case ctx.Err() != nil, errors.As(err, &signing):
		return errors.New("AWS did not answer in time")
	default:
		return errors.New("AWS can't be asked: no credentials (environment, ~/.aws, role of the machine), or no way to it")
	}
}
