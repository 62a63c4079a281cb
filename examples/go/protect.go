// Three ways to check a hallpass token in Go, with the standard library alone.
//
//	go run protect.go offline    ISSUER RESOURCE           < token
//	go run protect.go introspect ISSUER RESOURCE CLIENT    < token, and the client's secret below it
//	go run protect.go check      ISSUER                    < token
//
// Each prints whose token it is, or "refused" and ends with status 1.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

var errRefused = errors.New("refused")

// audience is one text or a list of them (RFC 7519, section 4.1.3).
type audience []string

func (a *audience) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(a))
}

func (a audience) has(resource string) bool {
	for _, one := range a {
		if one == resource {
			return true
		}
	}
	return false
}

func part(text string, into any) error {
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(data, into) != nil {
		return errRefused
	}
	return nil
}

// offline checks a JWT by itself (RFC 9068, section 4). A revoked one is good until it expires.
func offline(token, issuer, resource string) (string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", errRefused
	}
	var header struct{ Typ, Alg, Kid string }
	// The type and the algorithm are ours to say, not the token's.
	if err := part(parts[0], &header); err != nil || header.Typ != "at+jwt" || header.Alg != "ES256" {
		return "", errRefused
	}
	key, err := publicKey(issuer, header.Kid) // keep the keys for five minutes
	if err != nil {
		return "", err
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(signature) != 64 {
		return "", errRefused
	}
	hash := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(key, hash[:], r, s) {
		return "", errRefused
	}
	var claims struct {
		Iss, Sub string
		Aud      audience
		Exp      int64
		Cnf      any // RFC 9449: good only with a proof, which this example does not read
	}
	if err := part(parts[1], &claims); err != nil {
		return "", err
	}
	if claims.Iss != issuer || !claims.Aud.has(resource) || time.Now().Unix() >= claims.Exp || claims.Cnf != nil {
		return "", errRefused
	}
	return claims.Sub, nil
}

func publicKey(issuer, kid string) (*ecdsa.PublicKey, error) {
	answer, err := http.Get(issuer + "/oauth/jwks")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var set struct{ Keys []struct{ Kid, Alg, X, Y string } }
	if err := json.NewDecoder(answer.Body).Decode(&set); err != nil {
		return nil, err
	}
	for _, key := range set.Keys {
		if key.Kid != kid || key.Alg != "ES256" {
			continue
		}
		x, errX := base64.RawURLEncoding.DecodeString(key.X)
		y, errY := base64.RawURLEncoding.DecodeString(key.Y)
		if errX != nil || errY != nil {
			return nil, errRefused
		}
		return &ecdsa.PublicKey{
			Curve: elliptic.P256(), X: new(big.Int).SetBytes(x), Y: new(big.Int).SetBytes(y),
		}, nil
	}
	return nil, errRefused
}

// introspect asks hallpass (RFC 7662): what was revoked is refused at once.
func introspect(token, issuer, resource, client, secret string) (string, error) {
	form := strings.NewReader(url.Values{"token": {token}}.Encode())
	request, err := http.NewRequest(http.MethodPost, issuer+"/oauth/introspect", form)
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(url.QueryEscape(client), url.QueryEscape(secret))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("cannot ask: %s", answer.Status) // a 503, never a yes
	}
	var said struct {
		Active bool
		Sub    string
		Aud    audience
		Cnf    any // RFC 9449: good only with a proof, which this example does not read
	}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
		return "", err
	}
	// A token that a person made has no audience: it is for every API of this deployment.
	if !said.Active || len(said.Aud) > 0 && !said.Aud.has(resource) || said.Cnf != nil {
		return "", errRefused
	}
	return said.Sub, nil
}

// check is what a proxy does for you (forward auth): your program then reads X-Hallpass-Sub.
func check(token, issuer string) (string, error) {
	request, err := http.NewRequest(http.MethodGet, issuer+"/check", nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK:
		return answer.Header.Get("X-Hallpass-Sub"), nil
	case http.StatusUnauthorized, http.StatusForbidden:
		return "", errRefused
	default:
		return "", fmt.Errorf("cannot ask: %s", answer.Status)
	}
}

func main() {
	input, err := io.ReadAll(os.Stdin)
	words, given := strings.Fields(string(input)), os.Args[2:]
	var sub string
	switch {
	case err != nil:
	case os.Args[1] == "offline":
		sub, err = offline(words[0], given[0], given[1])
	case os.Args[1] == "introspect":
		sub, err = introspect(words[0], given[0], given[1], given[2], words[1])
	default:
		sub, err = check(words[0], given[0])
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(sub)
}
