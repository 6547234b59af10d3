package credential

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// AWS is who signs requests to one of AWS's services.
type AWS struct {
	Region  string
	Service string        // in signatures: "bedrock"
	KeyID   secret.String // with Key; both empty: the SDK looks in the environment, its files and the machine's role
	Key     secret.String
}

// signer signs requests with Signature Version 4.
type signer struct {
	v4              *v4.Signer
	region, service string
	keys            kept[awsKeys]
}

// awsKeys are AWS's keys where nothing prints them.
type awsKeys struct{ id, key, session secret.String }

// AWS returns the credential that signs requests.
func (s *Set) AWS(a AWS) endpoint.Auth {
	identity := []string{"aws", a.Region, a.Service, a.KeyID.Reveal(), a.Key.Reveal()}
	return s.keep(identity, func() endpoint.Auth {
		x := &signer{v4: v4.NewSigner(), region: a.Region, service: a.Service}
		if a.KeyID.IsZero() {
			x.keys.fetch = sdkChain(a.Region)
		} else {
			x.keys.value, x.keys.have = awsKeys{id: a.KeyID, key: a.Key}, true
		}
		return x
	})
}

// sdkChain finds keys where the AWS SDK looks for them.
func sdkChain(region string) func(context.Context) (awsKeys, time.Duration, error) {
	var chain aws.CredentialsProvider
	return func(ctx context.Context) (awsKeys, time.Duration, error) {
		if chain == nil { // one fetch at a time
			c, err := config.LoadDefaultConfig(ctx, config.WithRegion(region))
			if err != nil {
				return awsKeys{}, 0, &Error{From: "the AWS SDK", Why: clip(err.Error())}
			}
			chain = c.Credentials
		}
		if cache, ok := chain.(*aws.CredentialsCache); ok {
			cache.Invalidate() // it would give out the old ones again until they end
		}
		keys, err := chain.Retrieve(ctx)
		if err != nil {
			return awsKeys{}, 0, &Error{From: "the AWS SDK", Why: clip(err.Error())}
		}
		found := awsKeys{secret.New(keys.AccessKeyID), secret.New(keys.SecretAccessKey), secret.New(keys.SessionToken)}
		if !keys.CanExpire {
			return found, 0, nil
		}
		return found, max(time.Until(keys.Expires), 1), nil
	}
}

// Apply implements endpoint.Auth.
func (x *signer) Apply(ctx context.Context, r *http.Request, body []byte) error {
	keys, err := x.keys.get(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	as := aws.Credentials{
		AccessKeyID: keys.id.Reveal(), SecretAccessKey: keys.key.Reveal(), SessionToken: keys.session.Reveal(),
	}
	return x.v4.SignHTTP(ctx, as, r, hex.EncodeToString(sum[:]), x.service, x.region, time.Now())
}

// Refused implements endpoint.Auth.
func (x *signer) Refused() { x.keys.renew() }

// Secrets implements endpoint.Auth.
func (x *signer) Secrets() []string {
	keys, ok := x.keys.peek()
	if !ok {
		return nil
	}
	all := []string{keys.key.Reveal()}
	if !keys.session.IsZero() {
		all = append(all, keys.session.Reveal())
	}
	return all
}
